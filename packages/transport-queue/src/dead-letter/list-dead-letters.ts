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
  const topic = deadLetterTopic(options.topic, options.group)
  const pages = await beginPages(driver, { ...options, topic, from, where })
  const letters = await takeOldest(pages, { driver, topic, maxCount, signal: AbortSignal.timeout(timeoutMs) })
  return {
    letters,
    isComplete: [...pages.values()].every(({ isComplete }) => isComplete),
    next: Object.fromEntries(Array.from(pages, ([partition, { nextOffset }]) => [partition, nextOffset])),
  }
}

type Pages = ReadonlyMap<number, LetterPage>

async function beginPages(
  driver: QueueDriver,
  { topic, group, from, where }: Required<Pick<ListOptions, 'topic' | 'group' | 'from' | 'where'>>,
): Promise<Pages> {
  const fits = compileFilter(where)
  const progress = await driver.describe(topic, group)
  return new Map(
    progress.map(({ partition, earliestOffset, nextOffset: endOffset }) => {
      const fromOffset = Math.max(earliestOffset, from[partition] ?? 0)
      return [partition, new LetterPage({ group, fromOffset, endOffset, fits })]
    }),
  )
}

interface Reading {
  readonly driver: QueueDriver
  readonly topic: string
  readonly maxCount: number
  /** Fires when the time is up. */
  readonly signal: AbortSignal
}

/**
 * The oldest of all partitions; those of one stay in their order. Of each is read only what is needed: its share at first, and more
 * of those whose letters are the oldest, so that a few times `maxCount` letters are held, however many partitions there are.
 */
async function takeOldest(pages: Pages, reading: Reading): Promise<readonly DeadLetter[]> {
  const { maxCount } = reading
  const letters: DeadLetter[] = []
  const shareCount = Math.ceil((2 * maxCount) / Math.max(1, pages.size))
  let mostCount = shareCount
  for (;;) {
    await fill(pages, mostCount, reading)
    const oldest = oldestOf(pages)
    const letter = letters.length < maxCount ? oldest?.take() : undefined
    if (letter === undefined) return letters
    letters.push(letter)
    const freeCount = maxCount + pages.size * shareCount - letters.length - heldCountOf(pages)
    mostCount = Math.max(1, Math.min(maxCount - letters.length, Math.max(shareCount, freeCount)))
  }
}

function oldestOf(pages: Pages): LetterPage | undefined {
  let oldest: LetterPage | undefined
  for (const page of pages.values()) if (isOlder(page.oldestAt, oldest?.oldestAt)) oldest = page
  return oldest
}

function isOlder(one: number | undefined, other = Number.POSITIVE_INFINITY): boolean {
  return one !== undefined && one < other
}

function heldCountOf(pages: Pages): number {
  let count = 0
  for (const { letterCount } of pages.values()) count += letterCount
  return count
}

/**
 * Reads up to so many letters of each partition of which none is held, until the time is up; of a few partitions at a time, for each
 * may take a connection.
 */
async function fill(pages: Pages, mostCount: number, reading: Reading): Promise<void> {
  const waiting = [...pages].filter(([, page]) => page.oldestAt === undefined && !page.isComplete)
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      await fillPage(next, mostCount, reading)
  }
  try {
    await Promise.all(Array.from({ length: readAtOnceCount }, work))
  } finally {
    // Where one fails, the others begin no more.
    waiting.length = 0
  }
}

async function fillPage(
  [partition, page]: readonly [number, LetterPage],
  mostCount: number,
  { driver, topic, signal }: Reading,
): Promise<void> {
  if (signal.aborted) return
  const range = { topic, partition, fromOffset: page.nextOffset, toOffset: page.endOffset }
  for await (const records of driver.read(range, { timeoutMs: longestTimeoutMs, signal })) {
    if (page.add(records, mostCount)) return
  }
  if (!signal.aborted) page.end()
}

/** A guess. */
const readAtOnceCount = 4
/** What may be given; the signal comes first. */
const longestTimeoutMs = 600_000
