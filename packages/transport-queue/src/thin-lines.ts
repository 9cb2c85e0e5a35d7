import type { QueueClock } from './wait.ts'

/** Thins out lines of log that are the same again and again: the first, then at most one a minute, or as often as is said. */
export class ThinLines {
  readonly #clock: Pick<QueueClock, 'now'>
  readonly #intervalMs: number
  /** When each was told last. */
  readonly #toldAt = new Map<string, number>()

  constructor(clock: Pick<QueueClock, 'now'>, intervalMs = 60_000) {
    this.#clock = clock
    this.#intervalMs = intervalMs
  }

  /** Whether to tell it now, which is taken for done. */
  isDue(text: string): boolean {
    const now = this.#clock.now()
    const toldAt = this.#toldAt.get(text)
    if (toldAt !== undefined && Math.abs(now - toldAt) < this.#intervalMs) return false
    this.#toldAt.set(text, now)
    return true
  }
}
