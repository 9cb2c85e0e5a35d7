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
    const over = new AbortController()
    const stop = () => over.abort()
    revoked.addEventListener('abort', stop, { once: true })
    this.#count(place, 1)
    if (!open.hasUnhandled(place)) lower()
    const down = fence.untilDown(place, over.signal)
    await Promise.race(waited ? [down, waited(over.signal)] : [down])
    stop()
    revoked.removeEventListener('abort', stop)
    this.#count(place, -1)
  }

  #count(place: number, more: number): void {
    const count = (this.#counts.get(place) ?? 0) + more
    if (count > 0) this.#counts.set(place, count)
    else this.#counts.delete(place)
  }
}
