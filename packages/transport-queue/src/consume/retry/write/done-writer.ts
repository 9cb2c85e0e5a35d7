import type { QueueClock } from '../../../wait.ts'
import type { OpenRecords } from '../fence/open-records.ts'
import { mostDoneCount } from './parked-message.ts'
import { type AppendOutcome, refusalRestMs } from './retry-writer.ts'

export interface DoneSurroundings {
  readonly open: Pick<OpenRecords, 'handledBehind'>
  readonly clock: Pick<QueueClock, 'wait'>
  /** Fires when nothing more is to be stored. */
  readonly revoked: AbortSignal
  /** Stores that records have their outcome. Never rejects. */
  append(offsets: readonly number[]): Promise<AppendOutcome>
  /** Told when that is stored. */
  stored(offsets: readonly number[]): void
}

/**
 * Stores which records have their outcome that no commit tells of, because an older one has none. One request at a time; after one that is
 * refused there is none for a while, and then all is told again.
 */
export class DoneWriter {
  readonly #surroundings: DoneSurroundings
  #isWriting = false
  #isWanted = false

  constructor(surroundings: DoneSurroundings) {
    this.#surroundings = surroundings
  }

  /** What has its outcome by now is told, with the request that is under way or the next one. */
  write(): void {
    this.#isWanted = true
    if (!this.#isWriting) void this.#write()
  }

  async #write(): Promise<void> {
    const { open, clock, revoked, append, stored } = this.#surroundings
    this.#isWriting = true
    while (this.#isWanted && !revoked.aborted) {
      const offsets = open.handledBehind(mostDoneCount)
      this.#isWanted = false
      if (offsets.length === 0) continue
      if ((await append(offsets)) === 'stored') stored(offsets)
      else {
        await clock.wait(refusalRestMs, revoked)
        this.#isWanted = true
      }
    }
    this.#isWriting = false
  }
}
