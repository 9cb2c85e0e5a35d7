import type { QueueDriver } from '../queue-driver.ts'
import { requireLine, requireOptions, requireWithin } from './check-option.ts'
import { type DeadLetter, deadLetterTopic } from './dead-letter.ts'
import { compileFilter, type LetterFilter } from './letter-filter.ts'
import { LetterPage } from './letter-page.ts'

export interface ListOptions {
  /** The topic whose messages were given up. */
  readonly topic: string
  /** The group that gave them up. */
  readonly group: string
  /** Which are told of. @defaultValue all */
  readonly where?: LetterFilter
  /** Most letters that are told of, the oldest first. @defaultValue 100 @remarks Range 1–10_000 */
  readonly maxCount?: number
  /** Where to begin, by partition: the `next` of the list before. @defaultValue at the oldest */
  readonly from?: PartitionOffsets
  /** How long reading may take; what was read by then is told. @defaultValue 10_000 @remarks Range 1–600_000 ms */
  readonly timeoutMs?: number
}

/** An offset for each partition. */
export type PartitionOffsets = Readonly<Record<number, number>>

export interface DeadLetterList {
  readonly letters: readonly DeadLetter[]
  /** Whether these are all that were there. False when there are more than `maxCount`, and when the time was up. */
  readonly isComplete: boolean
  /** Where the next list begins. */
  readonly next: PartitionOffsets
}

/**
 * The dead letters of a group, which stay where they are. Reads without a group, and leaves nothing behind.
 *
 * @param driver One that is connected.
 * @throws ServiceError `not_found` when the group has no dead-letter topic, `unavailable`; `invalid_argument`, `out_of_range` for an option.
 */
export async function listDeadLetters(driver: QueueDriver, options: ListOptions): Promise<DeadLetterList> {
  requireOptions('listDeadLetters', options, ['topic', 'group', 'where', 'maxCount', 'from', 'timeoutMs'])
  const { where = {}, maxCount = 100, timeoutMs = 10_000, from = {} } = options
  requireLine('topic', options.topic, 249)
  requireLine('group', options.group, 249)
  requireWithin('maxCount', maxCount, { min: 1, max: 10_000 })
  requireWithin('timeoutMs', timeoutMs, { min: 1, max: longestTimeoutMs })
  for (const [partition, offset] of Object.entries(from))
    requireWithin(`from[${partition}]`, offset, { min: 0, max: Number.MAX_SAFE_INTEGER })
  const pages = await readPages(driver, { ...options, where, maxCount, timeoutMs, from })
  const letters = takeOldest([...pages.values()], maxCount)
  return {
    letters,
    isComplete: [...pages.values()].every(({ isComplete }) => isComplete),
    next: Object.fromEntries(Array.from(pages, ([partition, { nextOffset }]) => [partition, nextOffset])),
  }
}

type Pages = ReadonlyMap<number, LetterPage>

/** The oldest of all partitions; those of one stay in their order. */
function takeOldest(pages: readonly LetterPage[], maxCount: number): readonly DeadLetter[] {
  const letters: DeadLetter[] = []
  while (letters.length < maxCount) {
    const [oldest] = pages
      .filter(({ oldestAt }) => oldestAt !== undefined)
      .toSorted((one, other) => (one.oldestAt ?? 0) - (other.oldestAt ?? 0))
    const letter = oldest?.take()
    if (letter === undefined) break
    letters.push(letter)
  }
  return letters
}

async function readPages(driver: QueueDriver, options: Required<ListOptions>): Promise<Pages> {
  const { group, maxCount, from } = options
  const topic = deadLetterTopic(options.topic, group)
  const fits = compileFilter(options.where)
  const progress = await driver.describe(topic, group)
  const pages = new Map(
    progress.map(({ partition, earliestOffset, nextOffset: endOffset }) => {
      const fromOffset = Math.max(earliestOffset, from[partition] ?? 0)
      return [partition, new LetterPage({ group, maxCount, fromOffset, endOffset, fits })]
    }),
  )
  await fill(pages, { driver, topic, signal: AbortSignal.timeout(options.timeoutMs) })
  return pages
}

interface Reading {
  readonly driver: QueueDriver
  readonly topic: string
  /** Fires when the time is up. */
  readonly signal: AbortSignal
}

/** Reads until the pages are full, or the time is up; a few partitions at a time, for each may take a connection. */
async function fill(pages: Pages, reading: Reading): Promise<void> {
  const waiting = [...pages]
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await fillPage(next, reading)
  }
  try {
    await Promise.all(Array.from({ length: readAtOnceCount }, work))
  } finally {
    // Where one fails, the others begin no more.
    waiting.length = 0
  }
}

async function fillPage([partition, page]: readonly [number, LetterPage], reading: Reading): Promise<void> {
  const { driver, topic, signal } = reading
  if (page.isFull) return
  const range = { topic, partition, fromOffset: page.nextOffset, toOffset: page.endOffset }
  for await (const records of driver.read(range, { timeoutMs: longestTimeoutMs, signal })) {
    page.add(records)
    if (page.isFull) return
  }
  if (!signal.aborted) page.end()
}

/** A guess. */
const readAtOnceCount = 4
/** What may be given; the signal comes first. */
const longestTimeoutMs = 600_000
