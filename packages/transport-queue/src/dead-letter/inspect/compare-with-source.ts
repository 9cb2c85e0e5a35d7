import type { QueueDriver, ReceivedRecord } from '../../queue-driver.ts'
import { requireOptions, requireWithin } from '../check-option.ts'
import { type DeadLetter, ownHeaders } from '../dead-letter.ts'
import { readRanges } from '../read-ranges.ts'
import { compareLetter, type LetterDifference } from './compare-letter.ts'

export interface SourceOptions {
  /** How long reading may take. @defaultValue 10_000 @remarks Range 1–600_000 ms */
  readonly timeoutMs?: number
}

/**
 * What differs between a dead letter and the record that its message came as; undefined when that is not kept any more, also when its
 * topic was deleted and created again. A letter that lacks a part of its message is told apart by it.
 *
 * @param driver One that is connected.
 * @throws ServiceError `not_found` when the topic is gone, `unavailable`, `invalid_argument`, `out_of_range` for an option.
 */
export async function compareWithSource(
  driver: QueueDriver,
  letter: DeadLetter,
  options: SourceOptions = {},
): Promise<LetterDifference | undefined> {
  requireOptions('compareWithSource', options, ['timeoutMs'])
  const { timeoutMs = 10_000 } = options
  requireWithin('timeoutMs', timeoutMs, { min: 1, max: 600_000 })
  const { topic, partition, offset, timestampAt } = letter.source
  const found: ReceivedRecord[] = []
  const ranges = new Map([[partition, { fromOffset: offset, toOffset: offset + 1 }]])
  await readRanges(driver, { topic, ranges, timeoutMs }, (record) => void found.push(record))
  const [record] = found
  if (record === undefined || (timestampAt !== undefined && record.timestampAt !== timestampAt)) return undefined
  return compareLetter(letter, { ...record, headers: ownHeaders(record.headers) })
}
