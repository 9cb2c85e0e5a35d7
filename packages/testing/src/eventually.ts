import { setTimeout as delay } from 'node:timers/promises'

export interface EventuallyOptions {
  /** When to give up. @defaultValue 5_000 */
  readonly timeoutMs?: number
  /** How long to wait between two tries. @defaultValue 10 */
  readonly intervalMs?: number
}

/**
 * Repeats a check until it holds and gives what it returned; for effects that come a moment later, such as those of a message.
 *
 * @throws what the check threw last, when it has not held in time.
 */
export async function eventually<T>(check: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { timeoutMs = 5_000, intervalMs = 10 } = options
  const giveUpAt = performance.now() + timeoutMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() >= giveUpAt) throw error
      await delay(intervalMs)
    }
  }
}
