import { ServiceError, unlessAborted } from '@tenon/core/transport'
import type { PartitionProgress } from '../../../queue-driver.ts'
import { CountedRecords, ownerName, toJudged } from './counted-records.ts'
import type { KeyFence } from '../fence/key-fence.ts'
import { type FoundTopic, type RetrySurroundings, tooFew } from '../topic/retry-topic.ts'

export interface LoadSurroundings extends Omit<RetrySurroundings, 'log'> {
  /** Of what is set aside. */
  readonly topic: string
  readonly fence: Pick<KeyFence, 'placeOf'>
}

/** What earlier owners have set aside, as an assignment finds it. */
export interface LoadedRetry extends FoundTopic {
  /** This one. */
  readonly owner: string
  readonly counted: CountedRecords
  /** Where reading back begins, and how far has been read. */
  readonly startOffset: number
  readonly endOffset: number
  /** Of the last record that an owner wrote; -1 without one. */
  readonly lastOffset: number
  /** Where the records stand in the fence, by their offsets. */
  readonly places: ReadonlyMap<number, number | undefined>
  /** Whether the log has to say that this is taken over. Whoever finds that so knows that all it has read is of earlier owners. */
  readonly isTakenOver: boolean
}

/** Reads all that was set aside in a partition and is not committed; undefined when it is given up before. @throws ServiceError */
export async function loadRetry(surroundings: LoadSurroundings): Promise<LoadedRetry | undefined> {
  const { source, settings } = surroundings
  // Not `describe`: what the broker says of itself beside the assignment may be older than what is read.
  const asked = Promise.all([source.startOffset(), describeRetry(surroundings)])
  const [committedOffset, ofRetry] = (await unlessAborted(asked, source.revoked)) ?? []
  if (committedOffset === undefined || ofRetry === undefined) return undefined
  const owner = ownerName(committedOffset, settings.clock.now())
  const counted = new CountedRecords({ owner, committedOffset })
  const { refusal, own } = ofRetry
  const hasTopic = own !== undefined
  const read = await readOwn(own, counted, surroundings).catch(toForbidden)
  if (source.revoked.aborted) return undefined
  // What may not be read is left alone: it stays where it is, and later messages of its keys go before it.
  if (ServiceError.is(read)) return nothingOf(owner, committedOffset, read)
  return { owner, counted, hasTopic, refusal, ...read, ...rangeOf(own) }
}

/** @throws ServiceError */
async function readOwn(
  own: PartitionProgress | undefined,
  counted: CountedRecords,
  surroundings: LoadSurroundings,
): Promise<ReadRetry> {
  if (own === undefined) return nothingRead
  const { topic, source } = surroundings
  const read = await readAll(own, counted, surroundings)
  if (source.revoked.aborted) return nothingRead
  const isTakenOver = counted.endLoading()
  // Who still owns the partition after reading knows that all of it is of earlier owners; another could take what a later one wrote for a stray.
  if (isTakenOver && !(await source.commitBeside(topic, rangeOf(own).startOffset)))
    throw new ServiceError('unavailable', `partition ${source.partition} seems to be another's`)
  return { ...read, isTakenOver }
}

type ReadRetry = Pick<LoadedRetry, 'places' | 'lastOffset' | 'isTakenOver'>
const nothingRead: ReadRetry = { places: new Map(), lastOffset: -1, isTakenOver: false }

/** @throws unknown what is no refusal */
function toForbidden(error: unknown): ServiceError {
  if (ServiceError.is(error) && error.code === 'permission_denied') return error
  throw error
}

function nothingOf(owner: string, committedOffset: number, refusal: ServiceError): LoadedRetry {
  const counted = new CountedRecords({ owner, committedOffset })
  return { owner, counted, hasTopic: false, refusal, ...nothingRead, ...rangeOf(undefined) }
}

interface DescribedRetry {
  /** Undefined where the topic is not there, or cannot be used. */
  readonly own: PartitionProgress | undefined
  readonly refusal: ServiceError | undefined
}

/** @throws ServiceError `unavailable` */
async function describeRetry({ progress, topic, consumer, source }: LoadSurroundings): Promise<DescribedRetry> {
  try {
    const partitions = await progress.describe(topic, consumer.group)
    const own = partitions.find(({ partition }) => partition === source.partition)
    const isTooSmall = own === undefined && partitions.length > 0
    return { own, refusal: isTooSmall ? tooFew(topic, partitions.length, source.partition) : undefined }
  } catch (error) {
    if (!ServiceError.is(error) || error.code === 'unavailable') throw error
    return { own: undefined, refusal: error.code === 'not_found' ? undefined : error }
  }
}

function rangeOf(own: PartitionProgress | undefined): Pick<LoadedRetry, 'startOffset' | 'endOffset'> {
  if (own === undefined) return { startOffset: 0, endOffset: 0 }
  const { earliestOffset, nextOffset, committedOffset = earliestOffset } = own
  const startOffset = Math.max(earliestOffset, committedOffset)
  return { startOffset, endOffset: Math.max(startOffset, nextOffset) }
}

/** Keeps of the records only where they stand in the fence, by their offsets. @throws ServiceError */
async function readAll(
  own: PartitionProgress,
  counted: CountedRecords,
  { topic, fence, consumer, settings, source }: LoadSurroundings,
): Promise<Omit<ReadRetry, 'isTakenOver'>> {
  const { startOffset, endOffset } = rangeOf(own)
  const places = new Map<number, number | undefined>()
  let lastOffset = -1
  const fromOffset = Math.max(own.earliestOffset, startOffset - lookedBackCount)
  const range = { topic, partition: source.partition, fromOffset, toOffset: endOffset }
  const bound = { timeoutMs: settings.requestTimeoutMs, signal: source.revoked }
  for await (const records of settings.driver.read(range, bound))
    for (const record of records) {
      const judged = toJudged(record, consumer.topic)
      if (judged === undefined) continue
      if (record.offset < startOffset) counted.skip(judged)
      else counted.load(judged)
      lastOffset = record.offset
      if (record.offset >= startOffset) places.set(record.offset, fence.placeOf(record.key))
    }
  return { places, lastOffset }
}

/** Before the commit, for what an owner sent again: ten times what it sends at once. A guess. */
const lookedBackCount = 1_000
