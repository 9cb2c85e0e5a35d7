import type { Target } from './target.ts'

/** Tells failures of single instances from one of all, which says nothing of any of them. */
export class Outage {
  readonly #failed = new Set<Target>()
  #targetCount = 0
  #overAtMs = Number.NEGATIVE_INFINITY

  /** The instances that there are from now on. */
  use({ length }: readonly Target[]): void {
    this.#targetCount = length
    this.#failed.clear()
  }

  /** Whether more than half of the instances have failed since the last answer of any. */
  get goesOn(): boolean {
    return this.#failed.size * 2 > this.#targetCount
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
    if (this.#failed.size === 0) return
    if (this.goesOn) this.#overAtMs = nowMs
    this.#failed.clear()
  }
}
