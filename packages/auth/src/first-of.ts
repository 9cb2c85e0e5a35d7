import type { Authenticator } from '@tenon/core'

/**
 * Asks authenticators in order: the first that knows the caller decides. One that finds no credential of its kind passes on; one
 * that finds a bad credential refuses the call, and those behind it are not asked.
 */
export function firstOf(...authenticators: readonly Authenticator[]): Authenticator {
  return async (arrival) => {
    for (const authenticate of authenticators) {
      const principal = (await authenticate(arrival)) ?? undefined
      if (principal !== undefined) return principal
    }
    return undefined
  }
}
