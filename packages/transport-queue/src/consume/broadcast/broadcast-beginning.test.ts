import { event, type EventType } from '@tenon/core/contract'
import { type Logger, type RetryOptions, ServiceError } from '@tenon/core/transport'
import Type from 'typebox'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { memoryBroker } from '../../driver/memory/memory-broker.ts'
import { memoryDriver } from '../../driver/memory/memory-driver.ts'
import type { QueueDriver, RecordPlace } from '../../queue-driver.ts'
import { resolveQueue } from '../../queue-options.ts'
import { logInto } from '../../queue-transport.test-harness.ts'
import { queueTransport } from '../../queue-transport.ts'
import { planConsumers } from '../plan/consumer-plan.ts'
import { BroadcastConsumer } from './broadcast-consumer.ts'

const placed = event('shop.order.placed.v1', { key: 'id', payload: Type.Object({ id: Type.String() }) })
const { topic } = placed
const never = new AbortController().signal
const minuteMs = 60_000

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') })
  return () => void vi.useRealTimers()
})

describe('a broadcast that cannot begin', () => {
  it('says why once, and looks for its topic as often after an outage as without one', async () => {
    const codes = [...Array<'unavailable'>(8).fill('unavailable'), 'not_found', 'unavailable', 'not_found'] as const
    const answers = codes.values()
    const { consumer, told, driver } = await broadcastOf((driver) => {
      const offsetsAt = driver.offsetsAt.bind(driver)
      driver.offsetsAt = async (...asked) => {
        const { value: code } = answers.next()
        if (code) throw new ServiceError(code, 'no')
        return offsetsAt(...asked)
      }
    })
    const joined = consumer.join(never)
    await Promise.all([joined, vi.advanceTimersByTimeAsync(10 * minuteMs)])
    expect(consumer.topics.known()).toMatchObject([{ state: 'assigned' }])
    expect(told).toMatchObject([
      ['warn', { topic, err: { code: 'unavailable' } }, `the broadcast of ${topic} cannot begin; tries again`],
    ])
    await driver.close()
  })

  it('asks again soon, whatever its messages wait for, and misses nothing that was published meanwhile', async () => {
    const record = { topic, partition: 0, key: null, value: Buffer.from('{"id":"1"}'), headers: [] }
    const asked: unknown[] = []
    const followed: number[] = []
    const { consumer, driver } = await broadcastOf(
      (changed) => {
        const [offsetsAt, follow] = [changed.offsetsAt.bind(changed), changed.follow.bind(changed)]
        changed.offsetsAt = async (of, start) => {
          asked.push(start)
          if (asked.length < 4) throw new ServiceError('unavailable', 'no')
          return offsetsAt(of, start)
        }
        changed.follow = (from, signal) => {
          followed.push(from.fromOffset)
          return follow(from, signal)
        }
      },
      { initialDelayMs: minuteMs },
    )
    await driver.produce([record], { timeoutMs: 1 })
    await vi.advanceTimersByTimeAsync(1_000)
    const beganAt = Date.now()
    const joined = consumer.join(never)
    await vi.advanceTimersByTimeAsync(0)
    await driver.produce([record], { timeoutMs: 1 })
    await Promise.all([joined, vi.advanceTimersByTimeAsync(10_000)])
    await joined
    expect(asked).toEqual(['latest', { startAt: beganAt }, { startAt: beganAt }, { startAt: beganAt }])
    expect(followed).toEqual([1, 0])
    await consumer.leave(never)
  })

  it('fails where its topic is not there, time and again, or may not be looked at', async () => {
    for (const code of ['not_found', 'permission_denied'] as const) {
      let askedCount = 0
      const { consumer } = await broadcastOf((driver) => {
        driver.offsetsAt = async () => {
          askedCount++
          throw new ServiceError(code, 'no')
        }
      })
      const failed = expect(consumer.join(never)).rejects.toMatchObject({ code })
      await Promise.all([failed, vi.advanceTimersByTimeAsync(minuteMs)])
      expect([askedCount, consumer.topics.known()[0]?.state]).toEqual([code === 'not_found' ? 5 : 1, 'failed'])
    }
  })

  it('is not live once that is too long, though its broker answers', async () => {
    const { consumer } = await broadcastOf((driver) => {
      driver.offsetsAt = () => Promise.reject(new ServiceError('unavailable', 'no'))
    })
    const ending = new AbortController()
    const joined = consumer.join(ending.signal).catch(() => 'ended')
    await vi.advanceTimersByTimeAsync(4 * minuteMs)
    expect(consumer.topics.standstills).toEqual([])
    await vi.advanceTimersByTimeAsync(2 * minuteMs)
    expect(consumer.topics.standstills).toEqual([
      `the broadcast of ${topic} has not begun since 2026-01-01T00:00:00.000Z, though its broker answers`,
    ])
    ending.abort()
    expect(await joined).toBe('ended')
  })

  it('is not ready, says why in its health, and is once it has begun', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    await driver.ensureTopics([{ topic }])
    const offsetsAt = driver.offsetsAt.bind(driver)
    const answer = Promise.withResolvers<void>()
    let isAway = true
    driver.offsetsAt = async (...asked) => {
      await answer.promise
      if (isAway) throw new ServiceError('unavailable', 'no leader')
      return offsetsAt(...asked)
    }
    const heard: unknown[] = []
    const healthChanged = () => heard.push(server.health?.().isReady)
    const server = queueTransport({ driver, joinTimeoutMs: 0 }).bind({ ...hostOf(placed, logInto([])), healthChanged })
    const listening = server.listen()
    await vi.advanceTimersByTimeAsync(0)
    await listening
    const notYet = `the broadcast of ${topic} has not begun yet`
    expect(server.health?.()).toEqual({ isLive: true, isReady: false, reason: notYet })
    answer.resolve()
    await vi.advanceTimersByTimeAsync(0)
    const cannot = `the broadcast of ${topic} cannot begin: no leader`
    expect(server.health?.()).toEqual({ isLive: true, isReady: false, reason: cannot })
    await vi.advanceTimersByTimeAsync(7 * minuteMs)
    const since = `the broadcast of ${topic} has not begun since 2026-01-01T00:00:00.000Z, though its broker answers`
    expect(server.health?.()).toEqual({ isLive: false, isReady: false, reason: `${since}; ${cannot}` })
    isAway = false
    await vi.advanceTimersByTimeAsync(minuteMs)
    expect(server.health?.()).toEqual({ isLive: true, isReady: true, reason: undefined })
    expect(heard).toEqual([true])
    await server.close()
  })

  it('leaves at once while it asks where to', async () => {
    const { consumer } = await broadcastOf((driver) => {
      driver.offsetsAt = () => new Promise(() => undefined)
    })
    const joined = consumer.join(never).catch(() => 'ended')
    await consumer.leave(never)
    expect(await joined).toBe('ended')
    expect(consumer.topics.known()).toMatchObject([{ state: 'left' }])
  })
})

describe('a broadcast that looks for new partitions', () => {
  it('reads each once, however long a look takes', async () => {
    const held = Promise.withResolvers<void>()
    const read: number[] = []
    let hasBegun = false
    const { consumer } = await broadcastOf((driver) => {
      const [offsetsAt, follow] = [driver.offsetsAt.bind(driver), driver.follow.bind(driver)]
      driver.offsetsAt = async (...asked) => {
        if (!hasBegun) return (await offsetsAt(...asked)).slice(0, 1)
        await held.promise
        return offsetsAt(...asked)
      }
      driver.follow = (from, signal) => {
        read.push(from.partition)
        return follow(from, signal)
      }
    })
    await consumer.join(never)
    hasBegun = true
    await vi.advanceTimersByTimeAsync(3 * minuteMs)
    held.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(read).toEqual([0, 1])
    await consumer.leave(never)
  })

  it('does not begin anew what cannot go on', async () => {
    const asked: RecordPlace[] = []
    const { consumer, failed } = await broadcastOf((driver) => {
      driver.follow = (from) => {
        asked.push(from)
        return refusing()
      }
    })
    await consumer.join(never)
    await vi.advanceTimersByTimeAsync(2 * minuteMs)
    expect(failed).toMatchObject([{ code: 'permission_denied' }, { code: 'permission_denied' }])
    expect(asked).toHaveLength(2)
    await consumer.leave(never)
  })
})

async function* refusing(): AsyncGenerator<never, void, undefined> {
  yield* []
  throw new ServiceError('permission_denied', 'no')
}

/** The consumer of a broadcast of two partitions, whose driver is changed before. */
async function broadcastOf(change: (driver: QueueDriver) => void, retry: RetryOptions = {}) {
  const driver = memoryDriver({ broker: memoryBroker({ partitionCount: 2 }) })
  await driver.ensureTopics([{ topic }])
  change(driver)
  const told: unknown[] = []
  const failed: unknown[] = []
  const log = logInto(told)
  const settings = resolveQueue({ driver, retry })
  const [plan] = planConsumers(hostOf(placed, log), settings)
  if (plan === undefined || plan.group !== undefined) throw new Error('expected a broadcast')
  const consumer = new BroadcastConsumer(plan, settings, { log, fail: (error) => void failed.push(error) })
  onTestFinished(() => consumer.leave(AbortSignal.abort()))
  return { consumer, driver, told, failed }
}

function hostOf(of: EventType, log: Logger) {
  const dispatch = () => Promise.resolve({ ok: true as const, value: undefined, callId: 'c', headers: undefined })
  return {
    service: { name: 'shop', version: '1.0.0', instanceId: 'shop-1' },
    operations: [],
    events: [{ event: of, group: undefined, dispatch }],
    defaultHost: '127.0.0.1',
    log,
    fail: () => undefined,
  }
}
