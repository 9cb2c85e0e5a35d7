import { randomUUID } from 'node:crypto'
import { ServiceError } from '@tenon/core/transport'
import type { AssignedPartition, QueueDriver, ReceivedRecord } from '../queue-driver.ts'
import { unlessAborted } from '../wait.ts'
import { type DeadLetter, deadLetterTopic, readDeadLetter } from './dead-letter.ts'

export interface ListOptions {
  /** The topic whose messages were given up. */
  readonly topic: string
  /** The group that gave them up. */
  readonly group: string
  /** Most letters that are told of, the oldest first. @defaultValue 100 @remarks Range 1–10_000 */
  readonly maxCount?: number
  /** How long reading may take; what was read by then is told. @defaultValue 10_000 @remarks Range 1–600_000 ms */
  readonly timeoutMs?: number
}

/**
 * The dead letters of a group, which stay where they are. Reads as a group of its own that commits nothing.
 *
 * @param driver One that is connected.
 * @throws ServiceError `not_found` when the group has no dead-letter topic, `unavailable`; `out_of_range` for an option.
 */
export async function listDeadLetters(driver: QueueDriver, options: ListOptions): Promise<readonly DeadLetter[]> {
  const { topic, group, maxCount = 100, timeoutMs = 10_000 } = options
  requireWithin('maxCount', maxCount, 10_000)
  requireWithin('timeoutMs', timeoutMs, 600_000)
  const records = await readOldest(driver, deadLetterTopic(topic, group), { maxCount, timeoutMs })
  return records
    .flatMap((record) => readDeadLetter(record, group) ?? [])
    .toSorted((one, other) => one.lastFailedAt - other.lastFailedAt)
    .slice(0, maxCount)
}

interface Bounds {
  readonly maxCount: number
  readonly timeoutMs: number
}

/** The oldest records of each partition of a topic, as far as they are there already. */
async function readOldest(driver: QueueDriver, topic: string, bounds: Bounds): Promise<readonly ReceivedRecord[]> {
  const group = `tenon.reader.${randomUUID()}`
  const ends = (await driver.describe(topic, group)).filter(
    ({ earliestOffset, nextOffset }) => earliestOffset < nextOffset,
  )
  if (ends.length === 0) return []
  const found = new Map<number, ReceivedRecord[]>(ends.map(({ partition }) => [partition, []]))
  const left = new Map(ends.map(({ partition, nextOffset }) => [partition, nextOffset]))
  const done = new AbortController()
  const consume = async (assigned: AssignedPartition) => {
    const records = found.get(assigned.partition)
    const nextOffset = left.get(assigned.partition)
    if (records === undefined || nextOffset === undefined) return untilAborted(assigned.revoked)
    while (!assigned.revoked.aborted && left.has(assigned.partition)) {
      records.push(...(await assigned.fetch()).filter(({ offset }) => offset < nextOffset))
      if (records.length < bounds.maxCount && (records.at(-1)?.offset ?? 0) < nextOffset - 1) continue
      left.delete(assigned.partition)
    }
    if (left.size === 0) done.abort()
    await untilAborted(assigned.revoked)
  }
  const timeout = AbortSignal.timeout(bounds.timeoutMs)
  let failure: unknown
  const fail = (error: unknown) => {
    failure = error
    done.abort()
  }
  const membership = { group, topics: [topic], log: silent, consume, fail }
  const member = await driver.join(membership, timeout).catch((cause: unknown) => {
    throw new ServiceError('unavailable', `${driver.target} did not hand out topic ${topic} in time`, { cause })
  })
  await untilAborted(AbortSignal.any([done.signal, timeout]))
  await member.leave(AbortSignal.abort())
  if (failure !== undefined) throw new ServiceError('unavailable', `${driver.target} was lost`, { cause: failure })
  return [...found.values()].flatMap((records) => records.slice(0, bounds.maxCount))
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  await unlessAborted(new Promise<never>(() => undefined), signal)
}

function requireWithin(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return
  throw new ServiceError('out_of_range', `${name} must be a whole number from 1 to ${most}, found ${value}`)
}

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
