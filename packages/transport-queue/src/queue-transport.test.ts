import { LifecycleError, ServiceError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import { memoryBroker } from './driver/memory/memory-broker.ts'
import type { QueueDriver } from './queue-driver.ts'
import {
  bind,
  countdown,
  countsOf,
  deadLetters,
  firstSeen,
  host,
  logInto,
  messages,
  type Placed,
  seeded,
  start,
  topic,
  toRecord,
} from './queue-transport.test-harness.ts'
import { queueTransport } from './queue-transport.ts'

describe('queueTransport, consuming', () => {
  it('handles the messages of a key in their order, one at a time', async () => {
    const broker = await seeded(
      ['a', 'b', 'a', 'b', 'a'].map((orderId, count) => toRecord(JSON.stringify({ orderId, count }), orderId)),
    )
    const seen: Placed[] = []
    const running = new Set<string>()
    const done = countdown(5)
    await start(broker, async (payload) => {
      expect(running.has(payload.orderId)).toBe(false)
      running.add(payload.orderId)
      await Promise.resolve()
      running.delete(payload.orderId)
      seen.push(payload)
      done.tick()
    })
    await done.reached
    expect(countsOf('a', seen)).toEqual([0, 2, 4])
    expect(countsOf('b', seen)).toEqual([1, 3])
  })

  it('commits after the outcome: what was running when a member was cut comes again, what was done does not', async () => {
    const broker = await seeded(messages(3))
    const second = Promise.withResolvers<void>()
    const { server } = await start(
      broker,
      async ({ count }) => {
        if (count !== 1) return
        second.resolve()
        await new Promise(() => undefined)
      },
      { commitIntervalMs: 0 },
    )
    await second.promise
    await server.close()

    const seen: number[] = []
    const done = countdown(2)
    await start(broker, async ({ count }) => {
      seen.push(count)
      done.tick()
    })
    await done.reached
    expect(seen).toEqual([1, 2])
  })

  it('aborts the signal of a message that ran when its partition was lost', async () => {
    const broker = await seeded(messages(1))
    const running = Promise.withResolvers<AbortSignal>()
    const { server } = await start(broker, async (_payload, { signal }) => {
      if (signal) running.resolve(signal)
      await new Promise(() => undefined)
    })
    const signal = await running.promise
    await server.close()
    expect(signal.aborted).toBe(true)
  })
})

describe('queueTransport, draining', () => {
  it('lets the running message finish, commits it and takes no further one', async () => {
    const broker = await seeded(messages(3))
    const [running, release] = [countdown(1), Promise.withResolvers<void>()]
    const seen: number[] = []
    const { server } = await start(broker, async ({ count }) => {
      running.tick()
      await release.promise
      seen.push(count)
    })
    await running.reached
    const drained = server.drain(new AbortController().signal)
    release.resolve()
    await drained
    expect(seen).toEqual([0])
    await server.close()
    expect(await firstSeen(broker)).toBe(1)
  })

  it('does not commit a message that was cut at the deadline', async () => {
    const broker = await seeded(messages(1))
    const running = countdown(1)
    const deadline = new AbortController()
    const { server } = await start(broker, async () => {
      running.tick()
      await new Promise((_, reject) =>
        deadline.signal.addEventListener('abort', () => reject(new ServiceError('unavailable', 'shutting down'))),
      )
    })
    await running.reached
    const drained = server.drain(deadline.signal)
    deadline.abort()
    await drained
    await server.close()
    expect(await firstSeen(broker)).toBe(0)
    expect(broker.records(deadLetters)).toEqual([])
  })

  it('does not wait for the delay of a message that failed', async () => {
    const broker = await seeded(messages(1))
    const failed = countdown(1)
    const { server } = await start(
      broker,
      async () => {
        failed.tick()
        throw new ServiceError('unavailable', 'the service is shutting down', { reason: 'draining' })
      },
      { retry: { initialDelayMs: 600_000, maxDelayMs: 600_000 } },
    )
    await failed.reached
    await server.drain(new AbortController().signal)
    await server.close()
    expect(await firstSeen(broker)).toBe(0)
  })

  it('hands its partitions over to another instance at once', async () => {
    const broker = memoryBroker()
    const driver = memoryDriver({ broker })
    const done = countdown(8)
    const { server } = await start(broker, async () => done.tick())
    await start(broker, async () => done.tick())
    await server.drain(new AbortController().signal)
    await driver.produce(
      Array.from({ length: 8 }, (_, count) =>
        toRecord(JSON.stringify({ orderId: String(count), count }), String(count)),
      ),
      { timeoutMs: 1 },
    )
    await done.reached
    await server.close()
  })

  it('closes twice, and without having listened', async () => {
    const { server } = await start(memoryBroker(), async () => undefined)
    await server.close()
    await server.close()
    await bind(memoryBroker(), async () => undefined).server.close()
  })
})

describe('queueTransport, starting', () => {
  it('creates the topics and dead-letter topics it reads', async () => {
    const created: unknown[] = []
    const driver = memoryDriver({ broker: memoryBroker() })
    const ensureTopics: QueueDriver['ensureTopics'] = async (topics) => void created.push(...topics)
    Object.assign(driver, { ensureTopics })
    await start(memoryBroker(), async () => undefined, { driver, partitionCount: 6 })
    expect(created).toEqual([
      { topic, partitionCount: 6 },
      { topic: deadLetters, partitionCount: 6 },
    ])
  })

  it('goes on without topics of dead letters that cannot be created, and says so', async () => {
    const broker = memoryBroker()
    const driver = memoryDriver({ broker })
    const asked: string[][] = []
    const ensureTopics: QueueDriver['ensureTopics'] = async (topics) => {
      const names = topics.map((one) => one.topic)
      asked.push(names)
      if (names.includes(deadLetters)) throw new Error('not allowed')
    }
    Object.assign(driver, { ensureTopics })
    const told: unknown[] = []
    await start(broker, async () => undefined, { driver, log: logInto(told) })
    expect(asked).toEqual([[topic, deadLetters], [topic]])
    expect(told).toContainEqual([
      'error',
      { err: new Error('not allowed'), topics: [deadLetters] },
      'topics of dead letters are not there and could not be created',
    ])
  })

  it('does not start without a topic that it reads', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    Object.assign(driver, { ensureTopics: () => Promise.reject(new Error('not allowed')) })
    const { server } = bind(memoryBroker(), async () => undefined, { driver })
    await expect(server.listen()).rejects.toThrow('not allowed')
    await server.close()
  })

  it('names the broker when it does not answer', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    Object.assign(driver, { target: 'Kafka at 10.0.0.1:9092', connect: () => Promise.reject(new Error('no answer')) })
    const { server } = bind(memoryBroker(), async () => undefined, { driver })
    const error: unknown = await server.listen().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(LifecycleError)
    expect(String(error)).toContain('Kafka at 10.0.0.1:9092: no answer')
    await server.close()
  })

  it('goes on when the group takes long to hand out partitions, and reports when it never does', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    const joining = Promise.withResolvers<never>()
    Object.assign(driver, { join: () => joining.promise })
    const { server, failed } = bind(memoryBroker(), async () => undefined, { driver, joinTimeoutMs: 0 })
    await server.listen()
    joining.reject(new Error('refused'))
    expect(String(await failed)).toContain('refused')
    await server.close()
  })

  it('has no need of a broker in a service that consumes nothing', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    Object.assign(driver, { connect: () => Promise.reject(new Error('not to be called')) })
    const server = queueTransport({ driver }).bind({ ...host, events: [] })
    expect(await server.listen()).toEqual([])
    await server.close()
  })
})
