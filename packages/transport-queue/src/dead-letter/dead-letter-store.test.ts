import { type Arrival, ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import type { QueueDriver, RecordToSend } from '../queue-driver.ts'
import {
  countdown,
  deadLetters,
  fakeClock,
  headersOf,
  logInto,
  messages,
  type Placed,
  seeded,
  start,
  topic,
  toRecord,
} from '../queue-transport.test-harness.ts'

test('puts a message that fails too often into the dead-letter topic, as it came and with the reason', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  const driver = memoryDriver({ broker })
  const bad = {
    ...toRecord('{"orderId":"k","count":0,"x":1}'),
    timestampAt: 1_700_000_000_123,
    headers: [['Trace', Buffer.from('t')]] as const,
  }
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
    'tenon-source-timestamp': '1700000000123',
  })
})

test('never skips a message whose dead letter cannot be stored, and goes on when it can', async () => {
  const broker = await seeded([toRecord('garbage'), ...messages(1)])
  const driver = memoryDriver({ broker })
  let refusals = 3
  const flaky: QueueDriver = Object.assign(Object.create(driver) as QueueDriver, {
    connect: () => driver.connect({ clientId: 'test' }),
    ensureTopics: () => Promise.resolve(),
    join: driver.join.bind(driver),
    describe: driver.describe.bind(driver),
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

test('a dead letter that cannot be stored is tried again after a wait, and told of once a minute', async () => {
  const broker = await seeded([toRecord('garbage'), ...messages(1)])
  const inner = memoryDriver({ broker })
  let refusals = 1_500
  const driver = Object.assign(memoryDriver({ broker }), {
    produce: async (records: readonly RecordToSend[]) => {
      if (refusals-- > 0) throw new ServiceError('unavailable', 'the broker is away')
      await inner.produce(records, { timeoutMs: 1 })
    },
  })
  const done = countdown(1)
  const told: unknown[] = []
  const clock = fakeClock()
  const retry = { initialDelayMs: 0 }
  await start(broker, async () => done.tick(), { driver, clock, retry, log: logInto(told) })
  await done.reached
  expect(clock.waitedMs).toEqual(Array.from({ length: 1_500 }, () => 100))
  const lines = told.filter((line) => JSON.stringify(line).includes('could not be stored'))
  // Waits of 150 seconds: at the start, and after one and two minutes.
  expect(lines).toHaveLength(3)
})

test('a dead letter tells all that is known: code, reason, attempts, both moments, handler, trace, and where it comes from', async () => {
  const trace = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'a=b',
    ce_id: '1',
  }
  const record = toRecord('{"orderId":"k","count":0}', 'k', trace)
  const broker = await seeded([{ ...record, timestampAt: 1_700_000_000_123 }])
  const handle = async (_payload: Placed, { attempt }: Arrival) => {
    throw new ServiceError('aborted', 'no stock', { reason: `try_${attempt}`, cause: new Error('deadlock') })
  }
  const clock = fakeClock(1_700_000_000_000)
  const delivery = { retry: { maxAttemptCount: 3, initialDelayMs: 1_000 } }
  const { onDeadLetter } = await start(broker, handle, { clock, random: () => 1, delivery })
  await onDeadLetter
  expect(headersOf(broker.records(deadLetters)[0])).toEqual({
    ...trace,
    'tenon-error-code': 'aborted',
    'tenon-error-message': 'no stock: deadlock',
    'tenon-error-reason': 'try_3',
    'tenon-attempts': '3',
    'tenon-first-failed-at': '2023-11-14T22:13:20.000Z',
    'tenon-failed-at': '2023-11-14T22:13:23.000Z',
    'tenon-handler': `consume ${topic}`,
    'tenon-source-topic': topic,
    'tenon-source-partition': '0',
    'tenon-source-offset': '0',
    'tenon-source-timestamp': '1700000000123',
  })
})

test('a topic of dead letters that has gone is created again', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  const inner = memoryDriver({ broker })
  const topics = new Map<string, number | undefined>()
  const strict = Object.assign(memoryDriver({ broker }), {
    ensureTopics: async (given: Parameters<QueueDriver['ensureTopics']>[0]) => {
      for (const one of given) topics.set(one.topic, one.partitionCount)
    },
    produce: async (records: readonly RecordToSend[]) => {
      if (records.some((one) => !topics.has(one.topic))) throw new ServiceError('unavailable', 'no such topic')
      await inner.produce(records, { timeoutMs: 1 })
    },
  })
  const done = countdown(1)
  await start(broker, async () => done.tick(), { driver: strict, clock: pacedClock(), partitionCount: 6 })
  topics.delete(deadLetters)
  await inner.produce([toRecord('garbage'), ...messages(1)], { timeoutMs: 1 })
  await done.reached
  expect(broker.records(deadLetters)).toHaveLength(1)
  expect(topics.get(deadLetters)).toBe(6)
})

test('a topic that cannot be created holds up its message and its key, and nothing else; nothing is lost', async () => {
  const keys = ['bad', 'bad', 'good', 'good']
  const values = keys.map((orderId, count) => (count === 0 ? 'garbage' : JSON.stringify({ orderId, count })))
  const broker = await seeded(values.map((value, index) => toRecord(value, keys[index])))
  const inner = memoryDriver({ broker })
  let isAllowed = false
  const denied = countdown(3)
  const strict = Object.assign(memoryDriver({ broker }), {
    ensureTopics: async (given: Parameters<QueueDriver['ensureTopics']>[0]) => {
      if (isAllowed || !given.some((one) => one.topic === deadLetters)) return inner.ensureTopics(given)
      denied.tick()
      throw new Error('not allowed')
    },
    produce: async (records: readonly RecordToSend[]) => {
      if (!isAllowed) throw new ServiceError('internal', 'not allowed')
      await inner.produce(records, { timeoutMs: 1 })
    },
  })
  const seen: number[] = []
  const good = countdown(2)
  const all = countdown(3)
  const handle = async ({ orderId, count }: Placed) => {
    seen.push(count)
    all.tick()
    if (orderId === 'good') good.tick()
  }
  const { transport } = await start(broker, handle, { driver: strict, clock: pacedClock(), commitIntervalMs: 0 })
  await Promise.all([good.reached, denied.reached])
  expect(seen).toEqual([2, 3])
  expect(await transport.consumers()).toMatchObject([{ state: 'assigned', lagCount: 4 }])
  isAllowed = true
  await all.reached
  expect(seen).toEqual([2, 3, 1])
  expect(broker.records(deadLetters)).toMatchObject([{ value: Buffer.from('garbage') }])
})

/** A clock whose waits are turns of the event loop, so that what is tried for ever lets others go on. */
function pacedClock() {
  return { ...fakeClock(), wait: () => new Promise<void>((resolve) => setImmediate(resolve)) }
}
