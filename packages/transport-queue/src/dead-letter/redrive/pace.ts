import type { QueueClock } from '../../wait.ts'

/** Spreads messages evenly over time, so that no more than a rate come in a second, also after a pause. */
export class Pace {
  readonly #ratePerSecond: number
  readonly #clock: QueueClock
  /** When the next messages may go. */
  #nextAt: number

  /** @param ratePerSecond Undefined for no limit. */
  constructor(ratePerSecond: number | undefined, clock: QueueClock) {
    this.#ratePerSecond = ratePerSecond ?? Number.POSITIVE_INFINITY
    this.#clock = clock
    this.#nextAt = clock.now()
  }

  /** Most that may go together: what a tenth of a second has room for. */
  get batchCount(): number {
    return Math.max(1, Math.floor(this.#ratePerSecond / 10))
  }

  /** Waits for the turn of the next messages, or until the signal fires. */
  async take(count: number, signal: AbortSignal): Promise<void> {
    const dueAt = Math.max(this.#nextAt, this.#clock.now())
    this.#nextAt = dueAt + (count * 1_000) / this.#ratePerSecond
    for (let now = this.#clock.now(); now < dueAt && !signal.aborted; now = this.#clock.now())
      await this.#clock.wait(dueAt - now, signal)
  }
}
