import { ServiceError } from '../error/service-error.ts'
import type { Cuttable } from './gate.ts'

/**
 * Ends calls whose deadline has passed, with one timer for all of them: a call that ends in time, as nearly all do, costs
 * one comparison instead of a timer of its own.
 */
export class DeadlineWatch {
  readonly #running: readonly Cuttable[]
  #timer: NodeJS.Timeout | undefined
  #wakeAt = Number.POSITIVE_INFINITY

  constructor(running: readonly Cuttable[]) {
    this.#running = running
  }

  /** Wakes at this time on the clock of `performance.now()`, unless it wakes before. */
  expect(endsAtMs: number): void {
    if (endsAtMs < this.#wakeAt) this.#wake(endsAtMs)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#wakeAt = Number.POSITIVE_INFINITY
  }

  #wake(at: number): void {
    clearTimeout(this.#timer)
    this.#wakeAt = at
    const delayMs = Math.min(Math.max(0, at - performance.now()), longestDelayMs)
    // Does not keep the process up: a caller that waits does, through its socket.
    this.#timer = setTimeout(() => this.#endOverdue(), delayMs).unref()
  }

  #endOverdue(): void {
    const now = performance.now()
    let next = Number.POSITIVE_INFINITY
    this.#wakeAt = next
    // A call that is cut leaves the list.
    for (const call of this.#running.slice()) {
      const { endsAtMs } = call
      if (endsAtMs === undefined) continue
      if (endsAtMs <= now) call.cut(new ServiceError('deadline_exceeded', 'the deadline passed before the call ended'))
      else next = Math.min(next, endsAtMs)
    }
    // Many deadlines close together are looked at together, so that the scans stay few.
    if (next !== Number.POSITIVE_INFINITY) this.expect(Math.max(next, now + closestWakesMs))
  }
}

/** How close two wakes may follow each other, and so how late a deadline may be noticed. */
const closestWakesMs = 4

/** A timer fires at once when its delay is longer. @see Node.js documentation, setTimeout */
const longestDelayMs = 2 ** 31 - 1
