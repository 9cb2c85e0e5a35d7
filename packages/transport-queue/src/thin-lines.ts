import type { QueueClock } from './wait.ts'

/** Thins out lines of log that are the same again and again: the first, then at most one a minute. */
export class ThinLines {
  readonly #clock: Pick<QueueClock, 'now'>
  /** When each was told last. */
  readonly #toldAt = new Map<string, number>()

  constructor(clock: Pick<QueueClock, 'now'>) {
    this.#clock = clock
  }

  /** Whether to tell it now, which is taken for done. */
  isDue(text: string): boolean {
    const now = this.#clock.now()
    const toldAt = this.#toldAt.get(text)
    if (toldAt !== undefined && Math.abs(now - toldAt) < intervalMs) return false
    this.#toldAt.set(text, now)
    return true
  }
}

const intervalMs = 60_000
