import type { OffsetEnd } from '../commit/message-offsets.ts'

/**
 * How many messages of a partition may be set aside though nothing was handled behind them: one in a hundred of its window. Each takes one, and each
 * that is handled gives one back, also of those that were set aside; so in an outage, where nothing is, a few are moved and not a topic.
 */
export class AsideAllowance {
  readonly #mostCount: number
  #count = 0

  constructor(maxUncommittedCount: number) {
    this.#mostCount = Math.max(1, Math.floor(maxUncommittedCount * allowedRatio))
  }

  /** Now. */
  get count(): number {
    return this.#count
  }

  /** An assignment begins with so many keys that were set aside: owners that come and go set no more aside than one would. */
  begin(parkedKeyCount: number): void {
    this.#count = Math.max(0, this.#mostCount - parkedKeyCount)
  }

  /** A message is done with. */
  note(how: OffsetEnd): void {
    this.#count = Math.min(this.#mostCount, Math.max(0, this.#count + changes[how]))
  }
}

const changes = { handled: 1, 'set aside': -1, followed: 0 } as const satisfies Record<OffsetEnd, number>
/** A guess: ten keys that fail in a thousand messages with nothing handled between them are no outage yet. */
const allowedRatio = 0.01
