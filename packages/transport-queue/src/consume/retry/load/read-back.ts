import type { AssignedPartition, ReceivedRecord } from '../../../queue-driver.ts'
import type { GroupedConsumer } from '../../plan/consumer-plan.ts'
import { type CountedRecords, toJudged } from './counted-records.ts'
import type { KeyFence } from '../fence/key-fence.ts'
import type { LoadedRetry } from './load-retry.ts'
import type { OpenRecords } from '../fence/open-records.ts'
import type { SharedProgress } from '../topic/shared-progress.ts'

export interface ReadBackSurroundings {
  /** Where messages are set aside. */
  readonly topic: string
  readonly source: Pick<AssignedPartition, 'partition' | 'revoked'>
  readonly consumer: Pick<GroupedConsumer, 'topic' | 'group'>
  readonly progress: Pick<SharedProgress, 'describe'>
  readonly fence: Pick<KeyFence, 'placeOf'>
  readonly open: OpenRecords
  /** Before which all was in a topic of the name that is gone. */
  baseOffset(): number
  /** Told of all that was read back or is gone, and how many of what was waited for are. */
  passed(goneCount: number): void
}

/** Judges what is read back of a retry topic, and takes note of what counts and of what is gone. */
export class ReadBack {
  readonly #surroundings: ReadBackSurroundings
  #counted: CountedRecords | undefined
  #endOffset = 0
  /** Before which nothing lies that this owner wrote and that was not read back. */
  #ownOffset = 0

  constructor(surroundings: ReadBackSurroundings) {
    this.#surroundings = surroundings
  }

  /** Begins with what an assignment has found. */
  begin({ counted, endOffset }: Pick<LoadedRetry, 'counted' | 'endOffset'>): void {
    this.#counted = counted
    this.#endOffset = endOffset
    this.#ownOffset = endOffset
  }

  /** Learns where a topic begins that was not there at the assignment. */
  startAt(offset: number): void {
    this.#ownOffset = offset
  }

  /** The topic is gone, with all that lay before an offset and was not begun; what another of its name holds comes behind. */
  restartAt(offset: number): void {
    const { open } = this.#surroundings
    this.#ownOffset = offset
    const putBackCount = open.passPutBack(0, offset)
    this.#passed(offset, putBackCount + open.passWritten(open.lastStored))
  }

  /** Before which all was there at the assignment. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** A message of the source is done with. */
  release(sourceOffset: number): void {
    this.#counted?.release(sourceOffset)
  }

  /** In order of their offsets; nothing lies before the first, from an offset on. */
  fetched(records: readonly ReceivedRecord[], fromOffset: number): void {
    let goneCount = this.#surroundings.open.passPutBack(fromOffset, records[0]?.offset ?? fromOffset)
    for (const record of records) goneCount += this.#fetchedOne(record)
    this.#passed((records.at(-1)?.offset ?? -1) + 1, goneCount)
  }

  /**
   * Forgets what retention has taken before it was read back. Only where the log begins tells that: an end says nothing, for a leader that
   * has just taken over may not know all that is stored. The oldest offset that is kept. @throws ServiceError
   */
  async foundNothing(fromOffset: number): Promise<number> {
    const { progress, consumer, source, topic, open, baseOffset } = this.#surroundings
    const { storedCount, lastStored } = open
    const base = baseOffset()
    const partitions = await progress.describe(topic, consumer.group)
    const own = partitions.find(({ partition }) => partition === source.partition)
    if (own === undefined || source.revoked.aborted || baseOffset() !== base) return 0
    const [earliestOffset, nextOffset] = [own.earliestOffset + base, own.nextOffset + base]
    // Each of them has a place of its own: some are left while not so many are gone.
    const isAllGone = earliestOffset >= nextOffset && earliestOffset - this.#ownOffset >= storedCount
    const putBackCount = open.passPutBack(fromOffset, earliestOffset)
    this.#passed(earliestOffset, putBackCount + (isAllGone ? open.passWritten(lastStored) : 0))
    return earliestOffset
  }

  /** How many should have come before it and do not come any more. */
  #fetchedOne(record: ReceivedRecord): number {
    const { consumer, fence, open } = this.#surroundings
    // Read again, after it was put back, or for the sake of one that was.
    if (open.isKnown(record.offset)) return 0
    // As it is: what a driver reads need not have all of it as properties of its own.
    const judged = toJudged(record, consumer.topic)
    if (judged === undefined) return 0
    const { sourceOffset, owner, sequence: name, hasFailed = false } = judged
    const sequence = owner === this.#counted?.owner ? name : undefined
    const { key, offset, timestampAt: storedAt } = record
    if (sequence !== undefined) this.#ownOffset = Math.max(this.#ownOffset, offset + 1)
    if (this.#counted?.judge(judged) === 'counts')
      return open.fetch({ offset, sourceOffset, place: fence.placeOf(key), hasFailed, storedAt, sequence })
    return sequence === undefined ? 0 : open.passWritten(sequence - 1)
  }

  /** What lies before an offset was read back, or is gone; so are others. */
  #passed(nextOffset: number, othersCount: number): void {
    const goneCount = othersCount + this.#surroundings.open.passLoaded(nextOffset)
    this.#counted?.pass(nextOffset)
    this.#surroundings.passed(goneCount)
  }
}
