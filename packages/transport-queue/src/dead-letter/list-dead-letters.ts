import { ServiceError, unlessAborted } from '@tenon/core/transport'
import { newReaderGroup } from '../driver/reader-group.ts'
import type { AssignedPartition, QueueDriver } from '../queue-driver.ts'
import { wait } from '../wait.ts'
import { type DeadLetter, deadLetterTopic } from './dead-letter.ts'
import { LetterPage } from './letter-page.ts'

export interface ListOptions {
  /** The topic whose messages were given up. */
  readonly topic: string
  /** The group that gave them up. */
  readonly group: string
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
  /**
   * Whether these are all that were there. False when there are more than `maxCount`, when the time was up, and when nothing came for
   * 3 seconds: a topic whose last records are marks of transactions, or were compacted away, looks like a broker that is slow.
   */
  readonly isComplete: boolean
  /** Where the next list begins. */
  readonly next: PartitionOffsets
}

/**
 * The dead letters of a group, which stay where they are. Reads as a group of its own that commits nothing and leaves nothing behind.
 *
 * @param driver One that is connected.
 * @throws ServiceError `not_found` when the group has no dead-letter topic, `unavailable`; `out_of_range` for an option.
 */
export async function listDeadLetters(driver: QueueDriver, options: ListOptions): Promise<DeadLetterList> {
  const { maxCount = 100, timeoutMs = 10_000, from = {} } = options
  requireWithin('maxCount', maxCount, { min: 1, max: 10_000 })
  requireWithin('timeoutMs', timeoutMs, { min: 1, max: 600_000 })
  for (const [partition, offset] of Object.entries(from))
    requireWithin(`from[${partition}]`, offset, { min: 0, max: Number.MAX_SAFE_INTEGER })
  const pages = await readPages(driver, { ...options, maxCount, timeoutMs, from })
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
  const reader = newReaderGroup()
  const progress = await driver.describe(topic, reader)
  const pages = new Map(
    progress.map(({ partition, earliestOffset, nextOffset: endOffset }) => {
      const fromOffset = Math.max(earliestOffset, from[partition] ?? 0)
      return [partition, new LetterPage({ group, maxCount, fromOffset, endOffset })]
    }),
  )
  if (!areFull(pages)) await fill(pages, { driver, topic, reader, timeoutMs: options.timeoutMs })
  return pages
}

interface Reading {
  readonly driver: QueueDriver
  readonly topic: string
  readonly reader: string
  readonly timeoutMs: number
}

/** Reads until the pages are full, the time is up, or nothing comes any more. */
async function fill(pages: Pages, { driver, topic, reader, timeoutMs }: Reading): Promise<void> {
  const done = new AbortController()
  const timeout = AbortSignal.timeout(timeoutMs)
  let failure: unknown
  const fail = (error: unknown) => {
    failure = error
    done.abort()
  }
  let newsCount = 0
  const consume = async (assigned: AssignedPartition) => {
    const page = pages.get(assigned.partition)
    while (page?.isFull === false && !assigned.revoked.aborted) {
      page.add(await assigned.fetch())
      newsCount++
    }
    if (areFull(pages)) done.abort()
    await untilAborted(assigned.revoked)
  }
  const membership = { group: reader, topics: [topic], log: silent, consume, fail }
  const member = await driver.join(membership, timeout).catch((cause: unknown) => {
    throw new ServiceError('unavailable', `${driver.target} did not hand out topic ${topic} in time`, { cause })
  })
  const over = AbortSignal.any([done.signal, timeout])
  for (let seenCount = -1; seenCount < newsCount && !over.aborted; ) {
    seenCount = newsCount
    await wait(quietMs, over)
  }
  await member.leave(AbortSignal.abort())
  if (failure !== undefined) throw new ServiceError('unavailable', `${driver.target} was lost`, { cause: failure })
}

/** A broker that has more says so in this time. A guess. */
const quietMs = 3_000

function areFull(pages: Pages): boolean {
  return [...pages.values()].every(({ isFull }) => isFull)
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  await unlessAborted(new Promise<never>(() => undefined), signal)
}

function requireWithin(
  name: string,
  value: number,
  { min, max }: { readonly min: number; readonly max: number },
): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new ServiceError('out_of_range', `${name} must be a whole number from ${min} to ${max}, found ${value}`)
}

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
