import type { TransportServer } from '@tenon/core/transport'
import { onTestFinished, vi } from 'vitest'
import { memoryDriver } from '../../driver/memory/memory-driver.ts'
import { memoryBroker } from '../../driver/memory/memory-broker.ts'
import type { AssignedPartition, MemberState, QueueDriver, QueueMember } from '../../queue-driver.ts'
import { changedPartition } from '../changed-partition.ts'
import { type Handle, logInto, start, type StartOptions, toRecord } from '../../queue-transport.test-harness.ts'

/** Short and long enough to tell them apart. */
export const maxHandlerMs = 10_000
export const stallAfterMs = 40_000

interface WatchOptions extends StartOptions {
  /** What of its partitions is otherwise. */
  readonly change?: (partition: AssignedPartition) => Partial<AssignedPartition>
  /** Before which its groups are not joined. */
  readonly joinAfter?: Promise<void>
  /** What its driver says of rebalances. */
  readonly longestRebalanceMs?: number
}

/** A consumer in time that passes when it is told to, and what is known of it. */
export async function watchedConsumer(
  handle: Handle,
  { change, joinAfter, longestRebalanceMs, partitionCount = 1, ...options }: WatchOptions = {},
) {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
  onTestFinished(() => void vi.useRealTimers())
  const broker = memoryBroker({ partitionCount })
  let state: MemberState | undefined
  const driver = changedDriver(memoryDriver({ broker }), change ?? (() => ({})), (member) => state ?? member.state)
  if (joinAfter) joinLate(driver, joinAfter)
  Object.assign(driver, { longestRebalanceMs })
  const told: unknown[] = []
  const given = { driver, log: logInto(told), maxHandlerMs, stallAfterMs, ...options }
  const starting = start(broker, handle, given)
  if (joinAfter) await pass(0)
  const { transport, server } = await starting
  let count = 0
  const send = (keys: string, partition = 0, headers: Readonly<Record<string, string>> = {}) =>
    memoryDriver({ broker }).produce(
      Array.from(keys, (orderId) => ({
        ...toRecord(JSON.stringify({ orderId, count: count++ }), orderId, headers),
        partition,
      })),
      { timeoutMs: 1_000 },
    )
  return {
    broker,
    transport,
    driver,
    server,
    send,
    report: async () => (await transport.consumers())[0],
    /** Whether it is live all the time, asked every second as a probe would, and no line of log says otherwise. */
    staysLive: async (durationMs: number) => {
      const toldBefore = textsOf(told, 'error').length
      const liveCount = await countLive(server, durationMs)
      const since = textsOf(told, 'error').slice(toldBefore)
      return liveCount === durationMs / 1_000 && !since.some((text) => text.includes('stands still'))
    },
    /** From now on its member says so. */
    setState: (said: MemberState) => {
      state = said
    },
    isLive: () => server.health?.().isLive,
    isReady: () => server.health?.().isReady,
    reason: () => server.health?.().reason,
    told: (level: string) => textsOf(told, level),
  }
}

/** Lets time pass, with all that comes due on the way. */
export const pass = (durationMs: number) => vi.advanceTimersByTimeAsync(durationMs)

/** A driver whose members are given partitions in another form, and say something else of themselves. */
function changedDriver(
  driver: QueueDriver,
  change: (partition: AssignedPartition) => Partial<AssignedPartition>,
  stateOf: (member: QueueMember) => MemberState,
): QueueDriver {
  const join = driver.join.bind(driver)
  return Object.assign(driver, {
    join: (async (membership, signal) => {
      const consume = (partition: AssignedPartition) =>
        membership.consume(changedPartition(partition, change(partition)))
      const member = await join({ ...membership, consume }, signal)
      return {
        get state() {
          return stateOf(member)
        },
        leave: (ended) => member.leave(ended),
      }
    }) satisfies QueueDriver['join'],
  })
}

/** A driver that joins groups only then. */
function joinLate(driver: QueueDriver, joinAfter: Promise<void>): void {
  const join = driver.join.bind(driver)
  const late: QueueDriver['join'] = async (membership, signal) => {
    await joinAfter
    return join(membership, signal)
  }
  Object.assign(driver, { join: late })
}

/** How many seconds of the time a server is live, asked every second as a probe would. */
async function countLive(server: TransportServer, durationMs: number): Promise<number> {
  let liveCount = 0
  for (let passedMs = 0; passedMs < durationMs; passedMs += 1_000) {
    await pass(1_000)
    if (server.health?.().isLive) liveCount += 1
  }
  return liveCount
}

function textsOf(told: readonly unknown[], level: string): readonly string[] {
  return told.flatMap((line) => (Array.isArray(line) && line[0] === level ? [String(line[2])] : []))
}
