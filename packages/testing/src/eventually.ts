import { realTime } from './clock/real-time.ts'

export interface EventuallyOptions {
  /** When to give up. @defaultValue 5_000 */
  readonly timeoutMs?: number
  /** How long to wait between two tries. @defaultValue 10 */
  readonly intervalMs?: number
}

/**
 * Repeats a check until it holds and gives what it returned; for effects that come a moment later, such as those of a message.
 * Waits in real time, also while the clock is fake.
 *
 * @throws what the check threw last, when it has not held in time.
 */
export async function eventually<T>(check: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { timeoutMs = 5_000, intervalMs = 10 } = options
  const giveUpAt = realTime.nowMs() + timeoutMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (realTime.nowMs() >= giveUpAt) throw error
      await realTime.wait(intervalMs)
    }
  }
}
