import { ServiceError, unlessAborted } from '@tenon/core/transport'
import type { ReadBound, ReceivedRecord, RecordRange } from '../queue-driver.ts'
import { wait } from '../wait.ts'
import { inTime } from './in-time.ts'

/** Where a partition begins and ends for its readers. */
export interface PartitionBounds {
  readonly earliestOffset: number
  readonly endOffset: number
}

/** What was fetched from an offset on. */
export interface FetchedPage {
  readonly records: readonly ReceivedRecord[]
  /** Behind all that was fetched, also what is not for readers. The offset itself when there is nothing yet. */
  readonly nextOffset: number
  /** Whether the partition begins behind the offset, or ends before it. @defaultValue false */
  readonly isOutOfRange?: boolean
}

/**
 * A broker, as far as one partition is read from it. What it fails with is tried again, but for a `ServiceError` of another code
 * than `unavailable`.
 */
export interface PartitionSource {
  /** How long a topic or partition is looked for that is not there. @defaultValue 0 */
  readonly missingPatienceMs?: number
  bounds(over: AbortSignal): Promise<PartitionBounds>
  /** Behind all that is stored, also what no reader may see yet. @defaultValue that of the bounds */
  storedOffset?(over: AbortSignal): Promise<number>
  fetch(fromOffset: number, over: AbortSignal): Promise<FetchedPage>
  /** Resolves when there may be more than there was, or the signal fires. Left out where `fetch` waits by itself. */
  more?(fromOffset: number, over: AbortSignal): Promise<void>
}

/** Reads a range as `QueueDriver.read` says. */
export async function* readPartition(
  source: PartitionSource,
  range: RecordRange,
  bound: ReadBound,
): AsyncGenerator<readonly ReceivedRecord[], void, undefined> {
  checkRange(range)
  const { fromOffset, toOffset = Number.POSITIVE_INFINITY } = range
  const bounds = await persist({ source, range, bound }, (over) => boundsOf(source, range, over))
  if (bounds === undefined) return
  const endOffset = Math.min(toOffset, bounds.endOffset)
  for (let offset = Math.max(fromOffset, bounds.earliestOffset); offset < endOffset; ) {
    const page = await persist({ source, range, bound }, (over) => fetchSome(source, offset, over))
    if (page === undefined) return
    offset = page.nextOffset
    const records = page.records.filter((record) => record.offset < endOffset)
    if (records.length > 0) yield records
  }
}

interface Asking {
  readonly source: PartitionSource
  readonly range: RecordRange
  readonly bound: ReadBound
}

/** @throws ServiceError `out_of_range` */
export function checkRange({ fromOffset, toOffset = 0 }: Pick<RecordRange, 'fromOffset' | 'toOffset'>): void {
  for (const [name, offset] of Object.entries({ fromOffset, toOffset })) {
    const isOffset = Number.isSafeInteger(offset) && offset >= 0
    if (!isOffset) throw new ServiceError('out_of_range', `${name} must be a whole number from 0, found ${offset}`)
  }
}

/** Where reading ends. @throws ServiceError `unavailable` when less can be read than must be */
async function boundsOf(source: PartitionSource, range: RecordRange, over: AbortSignal): Promise<PartitionBounds> {
  const bounds = await source.bounds(over)
  const { topic, partition, toOffset = Number.POSITIVE_INFINITY, isWhole = false } = range
  if (!isWhole) return bounds
  const endOffset = Math.min(toOffset, (await source.storedOffset?.(over)) ?? bounds.endOffset)
  if (bounds.endOffset >= endOffset) return bounds
  const text = `${topic}/${partition} can be read up to offset ${bounds.endOffset} only, not up to ${endOffset}: a transaction is open there`
  throw new ServiceError('unavailable', text)
}

/** Undefined when there is nothing yet, as on a leader that has just taken over. */
async function fetchSome(source: PartitionSource, offset: number, over: AbortSignal): Promise<FetchedPage | undefined> {
  const page = await source.fetch(offset, over)
  return page.nextOffset > offset ? page : undefined
}

/** Asks until there is an answer; undefined when the signal of the bound fires before. @throws ServiceError */
async function persist<T>(
  { source, range, bound }: Asking,
  ask: (over: AbortSignal) => Promise<T | undefined>,
): Promise<T | undefined> {
  const missingUntilMs = performance.now() + (source.missingPatienceMs ?? 0)
  return inTime(bound, async (over) => {
    let cause: unknown
    for (let attempt = 1; !over.aborted; attempt++) {
      try {
        const answer = await unlessAborted(ask(over), over)
        if (answer !== undefined) return answer
      } catch (error) {
        if (isLasting(error, missingUntilMs)) throw error
        cause = error
      }
      await wait(Math.min(pauseMs * attempt, maxPauseMs), over)
    }
    if (bound.signal?.aborted) return undefined
    const place = `${range.topic}/${range.partition}`
    const why = ServiceError.is(cause) ? `: ${cause.message}` : ''
    throw new ServiceError('unavailable', `nothing of ${place} came within ${bound.timeoutMs} ms${why}`, { cause })
  })
}

/** Whether no other try mends it. */
export function isLasting(error: unknown, missingUntilMs: number): boolean {
  if (!ServiceError.is(error) || error.code === 'unavailable') return false
  return error.code !== 'not_found' || performance.now() >= missingUntilMs
}

/** Between tries. Guesses. */
const pauseMs = 20
const maxPauseMs = 500
