export interface BackOffOptions {
  /** The longest wait after the first failure. */
  readonly firstMs: number
  /** The longest of all. */
  readonly longestMs: number
  /** From 0 to below 1. @defaultValue `Math.random` */
  readonly random?: () => number
}

/**
 * How long to wait after a failure, in milliseconds: doubles with each one, and half of it is left to chance, which keeps many processes
 * from coming back at once.
 *
 * @param failureCount How many failures there were in a row before this one.
 */
export function backOffMs(failureCount: number, { firstMs, longestMs, random = Math.random }: BackOffOptions): number {
  const fullMs = Math.min(longestMs, firstMs * 2 ** failureCount)
  return fullMs * (1 - random() / 2)
}
