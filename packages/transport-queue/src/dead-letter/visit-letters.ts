import type { QueueDriver, ReadBound } from '../queue-driver.ts'
import { type DeadLetter, deadLetterTopic, readDeadLetter } from './dead-letter.ts'
import type { LetterOwner, LetterPlace } from './letter-position.ts'
import { type OffsetRange, readRanges } from './read-ranges.ts'

/** A letter, and where it lies. */
export interface PlacedLetter extends LetterPlace {
  readonly letter: DeadLetter
}

/** Whose letters are read, and how long that may take. */
export interface LettersToVisit extends LetterOwner, ReadBound {
  /** What to read of each partition. @defaultValue all that is there now */
  readonly ranges?: ReadonlyMap<number, OffsetRange>
}

/**
 * Hands on the dead letters of a group, those of one partition in their order. What is no letter is passed over. Resolves to whether
 * all were read.
 *
 * @throws ServiceError `not_found` when the group has no dead-letter topic, `unavailable`
 */
export async function visitLetters(
  driver: QueueDriver,
  { timeoutMs, signal, ...owner }: LettersToVisit,
  visit: (placed: PlacedLetter) => void,
): Promise<boolean> {
  const topic = deadLetterTopic(owner.topic, owner.group)
  const ranges = owner.ranges ?? (await allOf(driver, topic))
  const take = (record: Parameters<typeof readDeadLetter>[0]) => {
    const letter = readDeadLetter(record, owner.group)
    if (letter?.source.topic === owner.topic) visit({ letter, partition: record.partition, offset: record.offset })
  }
  return readRanges(driver, { topic, ranges, timeoutMs, signal }, take)
}

/** All that lies in a topic now. @throws ServiceError `not_found` */
export async function allOf(driver: QueueDriver, topic: string): Promise<ReadonlyMap<number, OffsetRange>> {
  const progress = await driver.describe(topic, anyGroup)
  return new Map(
    progress.map(({ partition, earliestOffset, nextOffset }) => [
      partition,
      { fromOffset: earliestOffset, toOffset: nextOffset },
    ]),
  )
}

/** What is asked of a topic here is the same for every group. */
const anyGroup = 'tenon.any'
