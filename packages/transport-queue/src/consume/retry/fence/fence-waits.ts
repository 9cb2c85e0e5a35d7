import { firstOf } from '../../../wait.ts'
import type { KeyFence } from './key-fence.ts'
import type { OpenRecords } from './open-records.ts'

export interface FenceSurroundings {
  readonly fence: Pick<KeyFence, 'untilDown'>
  readonly open: Pick<OpenRecords, 'hasUnhandled'>
  readonly revoked: AbortSignal
  /** Stores what is handled, so that its fences fall. */
  lower(): void
}

/** Waits for fences to fall, and has what is handled behind them stored before its time then. */
export class FenceWaits {
  readonly #surroundings: FenceSurroundings
  /** How many wait, by place. */
  readonly #counts = new Map<number, number>()

  constructor(surroundings: FenceSurroundings) {
    this.#surroundings = surroundings
  }

  /** Whether anybody waits. */
  get areSome(): boolean {
    return this.#counts.size > 0
  }

  /** Nothing that was set aside at the place is without an outcome any more; the loop takes note of the last in the same turn. */
  allHandled(place: number): void {
    if (this.#counts.has(place)) queueMicrotask(() => this.#surroundings.lower())
  }

  /** Resolves when the fence of a place is down, the partition is given up, or so long was waited. */
  async untilDown(place: number, waited?: (over: AbortSignal) => Promise<void>): Promise<void> {
    const { revoked, open, fence, lower } = this.#surroundings
    if (revoked.aborted) return
    const untilDown = (over: AbortSignal) => fence.untilDown(place, over)
    this.#count(place, 1)
    if (!open.hasUnhandled(place)) lower()
    await firstOf(waited ? [untilDown, waited] : [untilDown], revoked)
    this.#count(place, -1)
  }

  #count(place: number, more: number): void {
    const count = (this.#counts.get(place) ?? 0) + more
    if (count > 0) this.#counts.set(place, count)
    else this.#counts.delete(place)
  }
}
