import { event } from '@tenon/core/contract'
import type { Outcome, TransportHost } from '@tenon/core/transport'
import Type from 'typebox'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import type { AssignedPartition, Membership, MemberState, QueueDriver } from '../queue-driver.ts'
import { host } from '../queue-transport.test-harness.ts'
import { queueTransport } from '../queue-transport.ts'
import { changedPartition } from './changed-partition.ts'

const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Type.Object({ orderId: Type.String() }) })
const { topic } = placed
const minuteMs = 60_000
const reason = `group user does not know yet where it begins in ${topic}`

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
  return () => void vi.useRealTimers()
})

describe('a group whose start nobody has said', () => {
  it('keeps a service from being ready until it is known, with its own reason', async () => {
    const { server, ready, heard, known } = await serve()
    expect(server.health?.()).toEqual({ isLive: true, isReady: false, reason })
    await vi.advanceTimersByTimeAsync(minuteMs - 1)
    expect(ready()).toBe(false)
    known(0)
    await vi.advanceTimersByTimeAsync(0)
    expect(server.health?.()).toEqual({ isLive: true, isReady: true, reason: undefined })
    expect(heard).toEqual([true])
  })

  it('does so for a minute at most: then the service is ready, and says what it does not read', async () => {
    const { server, heard, known } = await serve()
    await vi.advanceTimersByTimeAsync(minuteMs)
    const remark = `group user does not know where it begins in ${topic}, and reads nothing of it`
    expect(server.health?.()).toEqual({ isLive: true, isReady: true, reason: remark })
    expect(heard).toEqual([true])
    await vi.advanceTimersByTimeAsync(30 * minuteMs)
    expect(server.health?.()).toMatchObject({ isLive: true, isReady: true, reason: remark })
    known(0)
    await vi.advanceTimersByTimeAsync(0)
    expect(server.health?.()).toEqual({ isLive: true, isReady: true, reason: undefined })
  })

  it('is asked of what it is given in the place of what it has to give up', async () => {
    const { server, ready, give, giveUpFirst, setState } = await serve({ isByHand: true })
    setState('joining')
    giveUpFirst()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ready()).toBe(false)
    const second = give()
    setState('assigned')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(server.health?.()).toMatchObject({ isReady: false, reason })
    second.known(0)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ready()).toBe(true)
  })

  it('leaves at once', async () => {
    const { server } = await serve()
    await server.drain(new AbortController().signal)
    expect(server.health?.()).toMatchObject({ isReady: false, reason: expect.stringContaining('it drains') })
  })
})

interface ServeOptions {
  /** Whether the test gives the partitions. */
  readonly isByHand?: boolean
}

/** A service with one group whose member is told where it begins when the test says so. */
async function serve({ isByHand = false }: ServeOptions = {}) {
  const driver = memoryDriver({ broker: memoryBroker({ partitionCount: 1 }) })
  const join = driver.join.bind(driver)
  const known = Promise.withResolvers<number | undefined>()
  let joined: Membership | undefined
  let state: MemberState | undefined
  let first: ReturnType<typeof give> | undefined
  const give = () => {
    const own = Promise.withResolvers<number | undefined>()
    const ending = new AbortController()
    const { signal } = ending
    const fetch = () => new Promise<readonly never[]>((resolve) => signal.addEventListener('abort', () => resolve([])))
    const commit = async () => true
    const startOffset = () => own.promise
    const signals = { revoked: signal, lost: signal }
    void joined?.consume({ topic, partition: 0, ...signals, startOffset, fetch, commit, commitBeside: commit })
    const giveUp = () => {
      ending.abort()
      own.resolve(undefined)
    }
    return { giveUp, known: own.resolve }
  }
  const slow = (partition: AssignedPartition) => changedPartition(partition, { startOffset: () => known.promise })
  Object.assign(driver, {
    join: (async (membership, signal) => {
      joined = membership
      if (isByHand) first = give()
      const consume = (one: AssignedPartition) => (isByHand ? letGo(one) : membership.consume(slow(one)))
      const member = await join({ ...membership, consume }, signal)
      // Given up is what it would not hear of else.
      const leave = (ended: AbortSignal) => (known.resolve(undefined), member.leave(ended))
      return {
        get state() {
          return state ?? member.state
        },
        leave,
      }
    }) satisfies QueueDriver['join'],
  })
  const heard: unknown[] = []
  const healthChanged = () => heard.push(server.health?.().isReady)
  const given: TransportHost = { ...host, healthChanged, events: [consumer] }
  const server = queueTransport({ driver, joinTimeoutMs: 0 }).bind(given)
  const listening = server.listen()
  await vi.advanceTimersByTimeAsync(0)
  await listening
  onTestFinished(() => server.close())
  const setState = (said: MemberState) => {
    state = said
  }
  return {
    server,
    heard,
    ready: () => server.health?.().isReady,
    known: known.resolve,
    give,
    giveUpFirst: () => first?.giveUp(),
    setState,
  }
}

function letGo({ revoked }: AssignedPartition): Promise<void> {
  return new Promise((resolve) => revoked.addEventListener('abort', () => resolve(), { once: true }))
}

const dispatch = async (): Promise<Outcome> => ({ ok: true, value: undefined, callId: 'c', headers: undefined })
const consumer = { event: placed, group: 'user', delivery: {}, start: 'latest', dispatch } as const
