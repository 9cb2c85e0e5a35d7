import type { Target } from './target.ts'

/** Tells failures of single instances from one of all, which says nothing of any of them. */
export class Outage {
  readonly #failed = new Set<Target>()
  #targetCount = 0
  #answeredAtMs = Number.NEGATIVE_INFINITY
  #overAtMs = Number.NEGATIVE_INFINITY

  /** The instances that there are from now on. */
  use({ length }: readonly Target[]): void {
    this.#targetCount = length
    this.#failed.clear()
  }

  /** Whether there was no answer of any instance for a while, and more than half of them have failed since. */
  goesOn(nowMs: number): boolean {
    return nowMs - this.#answeredAtMs >= silenceMs && this.#failed.size * 2 > this.#targetCount
  }

  /** Whether a call that began then may have failed because all did. */
  hasSeen(beganAtMs: number): boolean {
    return beganAtMs < this.#overAtMs
  }

  failed(target: Target): void {
    this.#failed.add(target)
  }

  /** There was an answer: if an outage went on, it is over. */
  answered(nowMs: number): void {
    if (this.goesOn(nowMs)) this.#overAtMs = nowMs
    this.#answeredAtMs = nowMs
    if (this.#failed.size > 0) this.#failed.clear()
  }
}

/** The calls of a majority that hangs end in the same moment, and often between two answers of the others. A guess. */
const silenceMs = 1_000
