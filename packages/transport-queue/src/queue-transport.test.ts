import { type Arrival, LifecycleError, ServiceError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import { memoryBroker } from './driver/memory/memory-broker.ts'
import type { QueueDriver, RecordToSend } from './queue-driver.ts'
import {
  bind,
  countdown,
  countsOf,
  deadLetters,
  fakeClock,
  firstSeen,
  headersOf,
  host,
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

  it('handles a message again in its place until it succeeds, with growing delays', async () => {
    const broker = await seeded(messages(2))
    const attempts: string[] = []
    const done = countdown(1)
    const clock = fakeClock()
    const handle = async ({ count }: Placed, { attempt = 0 }: Arrival) => {
      attempts.push(`${count}:${attempt}`)
      if (count === 0 && attempt < 4) throw new Error('not yet')
      if (count === 1) done.tick()
    }
    await start(broker, handle, { clock, random: () => 1 })
    await done.reached
    expect(attempts).toEqual(['0:1', '0:2', '0:3', '0:4', '1:1'])
    expect(clock.waitedMs).toEqual([200, 400, 800])
  })

  it('puts a message that fails too often into the dead-letter topic, as it came and with the reason', async () => {
    const broker = memoryBroker({ partitionCount: 1 })
    const driver = memoryDriver({ broker })
    const bad = { ...toRecord('{"orderId":"k","count":0,"x":1}'), headers: [['Trace', Buffer.from('t')]] as const }
    await driver.produce([bad, ...messages(2).slice(1)], { timeoutMs: 1 })
    const done = countdown(1)
    const handle = async ({ count }: Placed) => {
      if (count === 0) throw new Error('the table is gone')
      done.tick()
    }
    await start(broker, handle, { clock: fakeClock(1_700_000_000_000), random: () => 1 })
    await done.reached
    const [letter, ...others] = broker.records(deadLetters)
    expect(others).toEqual([])
    expect(String(letter?.key)).toBe('k')
    expect(String(letter?.value)).toBe('{"orderId":"k","count":0,"x":1}')
    expect(headersOf(letter)).toEqual({
      Trace: 't',
      'tenon-error-code': 'internal',
      'tenon-error-message': 'an internal error occurred: the table is gone',
      'tenon-attempts': '5',
      'tenon-first-failed-at': new Date(1_700_000_000_000).toISOString(),
      'tenon-failed-at': new Date(1_700_000_000_000 + 200 + 400 + 800 + 1_600).toISOString(),
      'tenon-handler': `consume ${topic}`,
      'tenon-source-topic': topic,
      'tenon-source-partition': '0',
      'tenon-source-offset': '0',
    })
  })

  it.each([
    ['bytes that are no text', Buffer.from([0xff, 0xfe]), 'undecodable'],
    ['text that is no JSON', Buffer.from('{"orderId":'), 'undecodable'],
    ['no value', null, 'undecodable'],
    ['a payload that does not fit', Buffer.from('{"orderId":"k","count":"many"}'), undefined],
  ])('puts %s into the dead-letter topic at once and handles the next message', async (_what, value, reason) => {
    const broker = await seeded([{ ...toRecord(''), value }, ...messages(1)])
    const attempts: number[] = []
    const done = countdown(1)
    await start(broker, async (_payload, { attempt = 0 }) => {
      attempts.push(attempt)
      done.tick()
    })
    await done.reached
    expect(attempts).toEqual([1])
    const [letter] = broker.records(deadLetters)
    expect(letter?.value).toEqual(value)
    expect(headersOf(letter)).toMatchObject({ 'tenon-error-code': 'invalid_argument', 'tenon-attempts': '1' })
    expect(headersOf(letter)['tenon-error-reason']).toBe(reason)
  })

  it('keeps a message that is told "not now" beyond the attempts, until it is too old', async () => {
    const broker = await seeded(messages(1))
    const done = countdown(1)
    const clock = fakeClock()
    const handle = async () => {
      throw new ServiceError('unavailable', 'the database is away')
    }
    const { onDeadLetter } = await start(broker, handle, { clock, retry: { maxAgeMs: 300_000 }, random: () => 1 })
    void onDeadLetter.then(done.tick)
    await done.reached
    const attempts = Number(headersOf(broker.records(deadLetters)[0])['tenon-attempts'])
    expect(attempts).toBeGreaterThan(10)
    expect(clock.now()).toBeGreaterThanOrEqual(300_000)
  })

  it('waits as long as the failed callee asks for', async () => {
    const broker = await seeded(messages(1))
    const done = countdown(1)
    const clock = fakeClock()
    const handle = async (_payload: Placed, { attempt }: Arrival) => {
      if (attempt !== 1) return done.tick()
      throw new ServiceError('resource_exhausted', 'slow down', { details: { retryDelayMs: 7_000 } })
    }
    await start(broker, handle, { clock })
    await done.reached
    expect(clock.waitedMs).toEqual([7_000])
  })

  it('gives up a message whose expiry time has passed, without handling it', async () => {
    const expired = { ...toRecord('{}'), headers: [['ce_expirytime', Buffer.from('2020-01-01T00:00:00Z')]] as const }
    const broker = await seeded([expired, ...messages(1)])
    const seen: number[] = []
    const done = countdown(1)
    await start(broker, async ({ count }) => {
      seen.push(count)
      done.tick()
    })
    await done.reached
    expect(seen).toEqual([0])
    expect(headersOf(broker.records(deadLetters)[0])).toMatchObject({
      'tenon-error-code': 'deadline_exceeded',
      'tenon-error-reason': 'expired',
    })
  })

  it('never skips a message whose dead letter cannot be stored, and goes on when it can', async () => {
    const broker = await seeded([toRecord('garbage'), ...messages(1)])
    const driver = memoryDriver({ broker })
    let refusals = 3
    const flaky: QueueDriver = Object.assign(Object.create(driver) as QueueDriver, {
      connect: () => driver.connect({ clientId: 'test' }),
      ensureTopics: () => Promise.resolve(),
      join: driver.join.bind(driver),
      close: () => driver.close(),
      produce: async (records: readonly RecordToSend[]) => {
        if (refusals-- > 0) throw new ServiceError('unavailable', 'the broker is away')
        await driver.produce(records, { timeoutMs: 1 })
      },
    })
    const done = countdown(1)
    await start(broker, async () => done.tick(), { driver: flaky, clock: fakeClock() })
    await done.reached
    expect(refusals).toBe(-1)
    expect(broker.records(deadLetters)).toHaveLength(1)
  })

  it('hands headers to the handler as metadata with lower-case names', async () => {
    const broker = await seeded([
      { ...toRecord('{"orderId":"k","count":0}'), headers: [['X-Tenant', Buffer.from('acme')]] },
    ])
    const arrived = Promise.withResolvers<Arrival>()
    await start(broker, async (_payload, arrival) => arrived.resolve(arrival))
    expect(await arrived.promise).toMatchObject({
      transport: 'queue',
      metadata: { 'x-tenant': 'acme' },
      peer: `${topic}/0@0`,
      attempt: 1,
      isTrusted: true,
    })
  })

  it('runs the stream of a streaming operation to its end', async () => {
    const broker = await seeded(messages(2))
    const done = countdown(2)
    const items: number[] = []
    const stream = async function* (count: number) {
      yield items.push(count)
      yield items.push(count)
      done.tick()
    }
    await start(broker, async ({ count }) => stream(count))
    await done.reached
    expect(items).toEqual([0, 0, 1, 1])
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
