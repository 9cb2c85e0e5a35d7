import { Consumes, defineConsumer, defineService } from '@tenon/core'
import { event, type Payload, upcast } from '@tenon/core/contract'
import { ServiceError, type Logger } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { memoryBroker } from '../../driver/memory/memory-broker.ts'
import { memoryDriver } from '../../driver/memory/memory-driver.ts'
import type { QueueDriver, RecordPlace } from '../../queue-driver.ts'
import { connected, embeddedDrivers } from '../../queue-driver.test-harness.ts'
import { queueTransport } from '../../queue-transport.ts'
import { countdown, logInto } from '../../queue-transport.test-harness.ts'

const Order = Type.Object({ orderId: Type.String() })
const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Order })
const { topic } = placed
const environment = { LOG_LEVEL: 'silent' }
const bound = { timeoutMs: 20_000 }

describe.each(embeddedDrivers)('a broadcast on %s', (_name, newBroker) => {
  it('gives every process every message from its start on, beside a group that shares them', async () => {
    const newDriver = newBroker()
    const sender = await connected(newDriver())
    await sender.ensureTopics([{ topic, partitionCount: 2 }])
    await send(sender, ['before'])
    const seen: Record<string, string[]> = { one: [], two: [], shared: [] }
    const done = countdown(30)
    const instance = (name: string) => {
      class Cache {
        @Consumes(placed, { broadcast: true })
        drop({ orderId }: Payload<typeof placed>) {
          seen[name]?.push(orderId)
          done.tick()
        }

        @Consumes(placed, { group: 'shared' })
        count({ orderId }: Payload<typeof placed>) {
          if (orderId === 'before') return
          seen['shared']?.push(orderId)
          done.tick()
        }
      }
      return start(newDriver(), [Cache])
    }
    const [one] = [await instance('one'), await instance('two')]
    const ids = Array.from({ length: 10 }, (_, index) => String(index))
    for (const id of ids) await send(sender, [id])
    await done.reached
    for (const name of ['one', 'two', 'shared']) expect(seen[name]?.toSorted()).toEqual(ids)
    const reports = await one.transport.consumers()
    expect(reports.find(({ group }) => group === undefined)).toMatchObject({
      topic,
      state: 'assigned',
      partitions: [0, 1],
      handler: `consume ${topic}`,
    })
    // What runs is waited for, and what comes later is not taken.
    await one.started.stop()
    await send(sender, ['late'])
    expect(seen['one']).not.toContain('late')
  })

  it('leaves no group and no topic of dead letters behind, and drops what it gives up with an error', async () => {
    const newDriver = newBroker()
    const sender = await connected(newDriver())
    const told: unknown[] = []
    const created: string[] = []
    const driver = newDriver()
    const ensureTopics = driver.ensureTopics.bind(driver)
    const joined: string[] = []
    Object.assign(driver, {
      ensureTopics: (topics: Parameters<QueueDriver['ensureTopics']>[0]) => {
        created.push(...topics.map((one) => one.topic))
        return ensureTopics(topics)
      },
      join: (membership: { readonly group: string }) => {
        joined.push(membership.group)
        throw new Error('a broadcast joins nothing')
      },
    })
    const done = countdown(1)
    const attempts: number[] = []
    const consumer = defineConsumer(
      placed,
      () =>
        ({ orderId }, call) => {
          if (orderId === 'good') return done.tick()
          attempts.push(call.attempt ?? 0)
          throw new ServiceError('internal', 'no')
        },
      { broadcast: true, retry: { maxAttemptCount: 2, initialDelayMs: 0 } },
    )
    await start(driver, [consumer], logInto(told))
    await send(sender, ['bad', 'good', 'good'])
    await sender.produce([{ topic, key: Buffer.from('bad'), value: Buffer.from('{'), headers: [] }], bound)
    await vi.waitFor(() => expect(given(told)).toHaveLength(2))
    expect(attempts).toEqual([1, 2])
    expect(given(told)).toMatchObject([
      { code: 'internal', attemptCount: 2 },
      { reason: 'undecodable', attemptCount: 0 },
    ])
    expect([created, joined]).toEqual([[topic], []])
    await done.reached
  })

  it('begins where it is told to', async () => {
    const newDriver = newBroker()
    const sender = await connected(newDriver())
    await sender.ensureTopics([{ topic, partitionCount: 1 }])
    const startAt = Date.now() - 60_000
    for (const [index, id] of ['a', 'b', 'c'].entries())
      await sender.produce([{ ...recordOf(id), timestampAt: startAt + index }], bound)
    for (const [begin, expected] of [
      ['earliest', ['a', 'b', 'c']],
      [{ at: new Date(startAt + 1) }, ['b', 'c']],
      [{ at: new Date(startAt + 2).toISOString() }, ['c']],
    ] as const) {
      const seen: string[] = []
      const done = countdown(expected.length)
      const handle = ({ orderId }: Payload<typeof placed>) => {
        seen.push(orderId)
        done.tick()
      }
      await start(newDriver(), [defineConsumer(placed, () => handle, { broadcast: true, start: begin })])
      await done.reached
      expect(seen).toEqual(expected)
    }
  })
})

describe('a broadcast', () => {
  it('keeps the order of a key and handles keys side by side, within concurrency', async () => {
    const broker = memoryBroker({ partitionCount: 2 })
    const driver = memoryDriver({ broker })
    const held = Promise.withResolvers<void>()
    const seen: string[] = []
    const done = countdown(3)
    const handle = async ({ orderId }: Payload<typeof placed>) => {
      if (orderId === 'slow' && !seen.includes('fast')) await held.promise
      seen.push(orderId)
      if (orderId === 'fast') held.resolve()
      done.tick()
    }
    await start(driver, [defineConsumer(placed, () => handle, { broadcast: true })])
    await send(driver, ['slow', 'slow', 'fast'])
    await done.reached
    expect(seen).toEqual(['fast', 'slow', 'slow'])
  })

  it('reads the topics of older events too', async () => {
    const newer = event('shop.order.placed.v2', {
      key: 'orderId',
      payload: Type.Object({ orderId: Type.String(), currency: Type.String() }),
      upcasts: [upcast(placed, ({ orderId }) => ({ orderId, currency: 'EUR' }))],
    })
    const driver = memoryDriver({ broker: memoryBroker() })
    const seen = Promise.withResolvers<string>()
    const handle = ({ orderId, currency }: Payload<typeof newer>) => seen.resolve(`${orderId} ${currency}`)
    const { transport } = await start(driver, [defineConsumer(newer, () => handle, { broadcast: true })])
    await send(driver, ['1'])
    expect(await seen.promise).toBe('1 EUR')
    expect((await transport.consumers()).map((one) => one.topic)).toEqual([newer.topic, topic])
  })

  it('goes on after an outage, and at the oldest message that is kept, with a line that says how many it missed', async () => {
    const broker = memoryBroker({ partitionCount: 1, retainedCount: 0 })
    const driver = memoryDriver({ broker })
    const told: unknown[] = []
    const [first, held, last] = [countdown(1), Promise.withResolvers<void>(), countdown(1)]
    const handle = async ({ orderId }: Payload<typeof placed>) => {
      first.tick()
      if (orderId === 'last') last.tick()
      else await held.promise
    }
    const consumer = defineConsumer(placed, () => handle, { broadcast: true })
    const { transport } = await start(driver, [consumer], logInto(told), { maxUncommittedCount: 1, concurrency: 1 })
    await send(driver, ['first', 'second'])
    await first.reached
    for (let index = 0; index < 3_000; index++) await send(driver, [`more ${index}`])
    broker.stop()
    held.resolve()
    broker.start()
    await send(driver, ['last'])
    await last.reached
    const missed = told.flatMap((line) => (Array.isArray(line) && line[0] === 'warn' ? [line[1]] : []))
    expect(missed).toMatchObject([{ topic, partition: 0, missedCount: expect.any(Number) }])
    await vi.waitFor(async () => expect(await transport.consumers()).toMatchObject([{ lagCount: 0 }]))
  })

  it('reads a topic that was made anew from its beginning', async () => {
    const brokers = [memoryBroker({ partitionCount: 1 }), memoryBroker({ partitionCount: 1 })]
    const drivers = brokers.map((broker) => memoryDriver({ broker }))
    const [driver, other] = drivers
    if (driver === undefined || other === undefined) throw new Error('expected two drivers')
    const seen: string[] = []
    const done = [countdown(3), countdown(5)]
    const handle = ({ orderId }: Payload<typeof placed>) => {
      seen.push(orderId)
      for (const one of done) one.tick()
    }
    await send(other, ['new 1', 'new 2'])
    const swapped = swappable(driver, other)
    await start(swapped.driver, [defineConsumer(placed, () => handle, { broadcast: true })])
    await send(driver, ['1', '2', '3'])
    await done[0]?.reached
    swapped.swap()
    await done[1]?.reached
    expect(seen).toEqual(['1', '2', '3', 'new 1', 'new 2'])
  })

  it('goes on where it stood after a broker said for a while that there is no such topic', async () => {
    const driver = memoryDriver({ broker: memoryBroker({ partitionCount: 1 }) })
    const follow = driver.follow.bind(driver)
    const gone = new AbortController()
    const missed = countdown(4)
    let missingCount = 0
    Object.assign(driver, {
      follow: async function* (from: RecordPlace, signal: AbortSignal) {
        if (gone.signal.aborted && missingCount++ < 4) {
          missed.tick()
          throw new ServiceError('not_found', 'no topic')
        }
        yield* follow(from, gone.signal.aborted ? signal : AbortSignal.any([signal, gone.signal]))
      },
    })
    const seen: string[] = []
    const told: unknown[] = []
    const done = [countdown(2), countdown(3)]
    const handle = ({ orderId }: Payload<typeof placed>) => {
      seen.push(orderId)
      for (const one of done) one.tick()
    }
    const consumer = defineConsumer(placed, () => handle, { broadcast: true, retry: { initialDelayMs: 0 } })
    await start(driver, [consumer], logInto(told))
    await send(driver, ['1', '2'])
    await done[0]?.reached
    gone.abort()
    await missed.reached
    await send(driver, ['3'])
    await done[1]?.reached
    expect(seen).toEqual(['1', '2', '3'])
    const warned = told.filter((line) => Array.isArray(line) && line[0] === 'warn')
    expect(warned).toMatchObject([
      ['warn', { topic, partition: 0, offset: 2 }, expect.stringContaining('is not there')],
    ])
  })

  it('finds a partition that its topic did not have before, and reads it from its beginning', async () => {
    const broker = memoryBroker({ partitionCount: 2 })
    const driver = memoryDriver({ broker })
    await driver.ensureTopics([{ topic }])
    await driver.produce(
      [
        { ...recordOf('old'), partition: 0 },
        { ...recordOf('grown'), partition: 1 },
      ],
      bound,
    )
    let partitionCount = 1
    const offsetsAt = driver.offsetsAt.bind(driver)
    Object.assign(driver, {
      offsetsAt: async (...asked: Parameters<QueueDriver['offsetsAt']>) =>
        (await offsetsAt(...asked)).slice(0, partitionCount),
    })
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const seen: string[] = []
    const handle = ({ orderId }: Payload<typeof placed>) => void seen.push(orderId)
    await start(driver, [defineConsumer(placed, () => handle, { broadcast: true })])
    partitionCount = 2
    await vi.advanceTimersByTimeAsync(59_999)
    expect(seen).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(seen).toEqual(['grown'])
  })

  it('is ready once it knows where it reads, and waits for a broker that is away', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    const offsetsAt = driver.offsetsAt.bind(driver)
    const asked = countdown(2)
    let isAway = true
    Object.assign(driver, {
      offsetsAt: async (...given: Parameters<QueueDriver['offsetsAt']>) => {
        asked.tick()
        if (isAway) throw new ServiceError('unavailable', 'away')
        return offsetsAt(...given)
      },
    })
    const transport = queueTransport({ driver, joinTimeoutMs: 0 })
    const seen = Promise.withResolvers<string>()
    const handle = ({ orderId }: Payload<typeof placed>) => seen.resolve(orderId)
    const consumer = defineConsumer(placed, () => handle, { broadcast: true, retry: { initialDelayMs: 0 } })
    await using _started = await serviceOf([consumer], transport).start({ environment })
    expect(await transport.consumers()).toMatchObject([{ state: 'joining' }])
    await asked.reached
    isAway = false
    await vi.waitFor(async () => expect(await transport.consumers()).toMatchObject([{ state: 'assigned' }]))
    await send(driver, ['1'])
    expect(await seen.promise).toBe('1')
  })

  it('tells its lag of this process, and waits for what runs when it drains', async () => {
    const driver = memoryDriver({ broker: memoryBroker({ partitionCount: 1 }) })
    const [running, held] = [countdown(1), Promise.withResolvers<void>()]
    let isDone = false
    const handle = async () => {
      running.tick()
      await held.promise
      isDone = true
    }
    const { transport, started } = await start(driver, [defineConsumer(placed, () => handle, { broadcast: true })])
    await send(driver, ['1', '1'])
    await running.reached
    expect(await transport.consumers()).toMatchObject([{ lagCount: 2, oldest: [{ offset: 0, stage: 'running' }] }])
    const stopped = started.stop()
    held.resolve()
    await stopped
    expect(isDone).toBe(true)
  })
})

/** A driver that goes over to another broker, as where a topic is deleted and made anew. */
function swappable(driver: QueueDriver, other: QueueDriver) {
  const ending = new AbortController()
  let current = driver
  const follow = driver.follow.bind(driver)
  const offsetsAt = driver.offsetsAt.bind(driver)
  Object.assign(driver, {
    offsetsAt: (...given: Parameters<QueueDriver['offsetsAt']>) =>
      current === driver ? offsetsAt(...given) : other.offsetsAt(...given),
    follow: async function* (from: RecordPlace, signal: AbortSignal) {
      if (current !== driver) return yield* other.follow(from, signal)
      yield* follow(from, AbortSignal.any([signal, ending.signal]))
    },
  })
  const swap = () => {
    current = other
    ending.abort()
  }
  return { driver, swap }
}

type Handlers = Parameters<typeof defineService>[0]['handlers']

async function start(driver: QueueDriver, handlers: Handlers, log?: Logger, options: object = {}) {
  const transport = queueTransport({ driver, ...options })
  const bind = transport.bind.bind(transport)
  if (log) Object.assign(transport, { bind: (host: Parameters<typeof bind>[0]) => bind({ ...host, log }) })
  const started = await serviceOf(handlers, transport).start({ environment })
  onTestFinished(async () => void (await started.stop()))
  return { transport, started }
}

function serviceOf(handlers: Handlers, transport: ReturnType<typeof queueTransport>) {
  return defineService({ name: 'shop', version: '1.0.0', admin: false, handlers, transports: () => [transport] })
}

function given(told: readonly unknown[]): readonly unknown[] {
  return told.flatMap((line) => (Array.isArray(line) && String(line[2]).includes('gave a message up') ? [line[1]] : []))
}

function recordOf(orderId: string) {
  return { topic, key: Buffer.from(orderId), value: Buffer.from(JSON.stringify({ orderId })), headers: [] }
}

async function send(driver: QueueDriver, ids: readonly string[]): Promise<void> {
  await driver.produce(ids.map(recordOf), bound)
}
