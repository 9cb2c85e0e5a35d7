import { ServiceError } from '@tenon/core'
import type { AssignedPartition, PartitionProgress, QueueDriver, ReceivedRecord } from '@tenon/transport-queue'

/** A broker, and a clock, that a scenario is played on. Disposing it ends both. */
export interface World extends AsyncDisposable {
  /** A driver of its own for every member, connected, as every process has one. */
  open(): Promise<QueueDriver>
  stopBroker(): void
  startBroker(): void
  /** The process of a driver is dead; its member did not leave. */
  kill(driver: QueueDriver): void
  /** The broker takes a member for dead that is not; it learns of it after the time. What a broker cannot do does nothing. */
  evict(driver: QueueDriver, noticedAfterMs: number): void
  /** Lets time pass. */
  pass(durationMs: number): Promise<void>
  /** How long a handler may take. */
  readonly maxHandlerMs: number
  /** How long everything may take to come to its end when nothing goes wrong any more. */
  readonly patienceMs: number
}

/** What the work comes to, while time passes. @throws Error when it takes longer than the world's patience */
export async function during<T>(work: Promise<T>, world: World, what: string): Promise<T> {
  let isOver = false
  const end = () => void (isOver = true)
  work.then(end, end)
  for (let passedMs = 0; passedMs < world.patienceMs; passedMs += stepMs) {
    await world.pass(isOver ? 0 : stepMs)
    if (isOver) return work
  }
  throw new Error(`${what} took longer than ${world.patienceMs} ms`)
}

/** All that lies in a topic. */
export async function readTopic(driver: QueueDriver, topic: string): Promise<readonly ReceivedRecord[]> {
  const progress = await describe(driver, topic)
  const ends = new Map(progress.map(({ partition, nextOffset }) => [partition, nextOffset]))
  const records: ReceivedRecord[] = []
  const isDone = () => [...ends.values()].reduce((sum, end) => sum + end, 0) === records.length
  const all = Promise.withResolvers<void>()
  if (isDone()) return []
  const consume = async (partition: AssignedPartition) => {
    while (!partition.revoked.aborted) {
      records.push(...(await partition.fetch()))
      if (isDone()) all.resolve()
    }
  }
  const membership = { group: 'model-reader', topics: [topic], log: silent, consume, fail: all.reject }
  const member = await driver.join(membership, new AbortController().signal)
  await all.promise
  await member.leave(AbortSignal.abort())
  return records.toSorted((one, other) => one.partition - other.partition || one.offset - other.offset)
}

/** Questions fail by chance, and are asked again. */
async function describe(driver: QueueDriver, topic: string): Promise<readonly PartitionProgress[]> {
  for (;;) {
    try {
      return await driver.describe(topic, 'model-reader')
    } catch (error) {
      if (!ServiceError.is(error) || error.code !== 'unavailable') throw error
    }
  }
}

/** Time passes in pieces of so much while something is waited for. */
const stepMs = 25
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
