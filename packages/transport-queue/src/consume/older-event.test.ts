import { type Call, defineConsumer, defineService, upcast } from '@tenon/core'
import { event } from '@tenon/core/contract'
import Type from 'typebox'
import { expect, test } from 'vitest'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { type MemoryBroker, memoryBroker } from '../driver/memory/memory-broker.ts'
import { countdown, headersOf } from '../queue-transport.test-harness.ts'
import { queueTransport } from '../queue-transport.ts'

const placedV1 = event('shop.order.placed.v1', {
  key: 'orderId',
  payload: Type.Object({ orderId: Type.String(), amount: Type.String() }),
})
const placedV2 = event('shop.order.placed.v2', {
  key: 'orderId',
  payload: Type.Object({ orderId: Type.String(), cents: Type.Integer() }),
  upcasts: [upcast(placedV1, ({ orderId, amount }) => ({ orderId, cents: toCents(amount) }))],
})
const placedV3 = event('shop.order.placed.v3', {
  key: 'orderId',
  payload: Type.Object({ orderId: Type.String(), cents: Type.Integer(), currency: Type.String({ minLength: 3 }) }),
  upcasts: [upcast(placedV2, (older) => ({ ...older, currency: 'EUR' }))],
})
const environment = { LOG_LEVEL: 'silent' }

/** @throws RangeError for what is no amount */
function toCents(amount: string): number {
  const cents = Math.round(Number(amount) * 100)
  if (Number.isNaN(cents)) throw new RangeError(`no amount: ${amount}`)
  return cents
}

async function send(broker: MemoryBroker, topic: string, payload: object, headers: object = {}): Promise<void> {
  const record = {
    topic,
    key: Buffer.from('k'),
    value: Buffer.from(JSON.stringify(payload)),
    headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(String(text))] as const),
  }
  await memoryDriver({ broker }).produce([record], { timeoutMs: 1 })
}

function serviceOf(broker: MemoryBroker, handlers: Parameters<typeof defineService>[0]['handlers']) {
  return defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    handlers,
    transports: () => [queueTransport({ driver: memoryDriver({ broker }), commitIntervalMs: 0 })],
  })
}

/** A consumer that keeps what it sees, and says when there was as much as was expected. */
function keeping(count: number) {
  const seen: { readonly payload: unknown; readonly call: Call }[] = []
  const { reached, tick } = countdown(count)
  const keep = (payload: unknown, call: Call) => {
    seen.push({ payload, call })
    tick()
  }
  return { seen, reached, keep }
}

test('a consumer of the newest event reads the topics of all older ones, brought up step by step', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  const { seen, reached, keep } = keeping(3)
  await using _user = await serviceOf(broker, [defineConsumer(placedV3, () => keep)]).start({ environment })
  await send(broker, placedV1.topic, { orderId: 'one', amount: '2.50' }, { ce_type: placedV1.topic })
  await send(broker, placedV2.topic, { orderId: 'two', cents: 300 }, { ce_type: placedV2.topic })
  await send(broker, placedV3.topic, { orderId: 'three', cents: 1, currency: 'USD' }, { ce_type: placedV3.topic })
  await reached
  expect(seen.map(({ payload }) => payload)).toEqual(
    expect.arrayContaining([
      { orderId: 'one', cents: 250, currency: 'EUR' },
      { orderId: 'two', cents: 300, currency: 'EUR' },
      { orderId: 'three', cents: 1, currency: 'USD' },
    ]),
  )
  expect(seen.map(({ call }) => call.operation)).toEqual(Array(3).fill('consume shop.order.placed.v3'))
  expect(new Set(seen.map(({ call }) => call.metadata['ce_type']))).toEqual(
    new Set([placedV1.topic, placedV2.topic, placedV3.topic]),
  )
})

test('what cannot be brought up is a dead letter of the older topic at once, as it came', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  const { seen, reached, keep } = keeping(1)
  await using _user = await serviceOf(broker, [
    defineConsumer(placedV2, () => keep, { failures: { internal: 'skip' } }),
  ]).start({ environment })
  await send(broker, placedV1.topic, { orderId: 'bad', amount: 'much', more: true }, { traceparent: '00-trace' })
  await send(broker, placedV1.topic, { orderId: 'misfit' })
  await send(broker, placedV1.topic, { orderId: 'good', amount: '1' }, { ce_type: placedV1.topic })
  await reached
  expect(seen.map(({ payload }) => payload)).toEqual([{ orderId: 'good', cents: 100 }])
  const [failed, misfit, ...others] = broker.records('shop.order.placed.v1.dlq.user')
  expect(others).toEqual([])
  expect(String(failed?.value)).toBe('{"orderId":"bad","amount":"much","more":true}')
  expect(headersOf(failed)).toMatchObject({
    traceparent: '00-trace',
    'tenon-error-code': 'internal',
    'tenon-error-reason': 'upcast_failed',
    'tenon-error-message':
      'a payload of shop.order.placed.v1 could not be made one of shop.order.placed.v2: no amount: much',
    'tenon-attempts': '0',
    'tenon-handler': 'consume shop.order.placed.v2',
    'tenon-source-topic': 'shop.order.placed.v1',
  })
  expect(headersOf(misfit)).toMatchObject({ 'tenon-error-code': 'invalid_argument', 'tenon-attempts': '1' })
})

test('a message of a version that its topic is not for is a dead letter, whatever it holds', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  const { reached, keep } = keeping(1)
  await using _user = await serviceOf(broker, [defineConsumer(placedV2, () => keep)]).start({ environment })
  await send(broker, placedV2.topic, { orderId: 'k', cents: 1 }, { ce_type: placedV3.topic })
  await send(broker, placedV2.topic, { orderId: 'k', cents: 2 })
  await reached
  expect(broker.records('shop.order.placed.v2.dlq.user').map((letter) => headersOf(letter))).toMatchObject([
    {
      'tenon-error-reason': 'unknown_version',
      'tenon-error-message': 'ce_type must be shop.order.placed.v2, found "shop.order.placed.v3"',
    },
  ])
})

test('places are those of the handler, however many topics it reads', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  await send(broker, placedV1.topic, { orderId: 'one', amount: '1' })
  await send(broker, placedV2.topic, { orderId: 'two', cents: 1 })
  let runningCount = 0
  const counts: number[] = []
  const { reached, tick } = countdown(2)
  const handle = async () => {
    counts.push(++runningCount)
    await new Promise((resolve) => setImmediate(resolve))
    runningCount -= 1
    tick()
  }
  await using _user = await serviceOf(broker, [defineConsumer(placedV2, () => handle, { concurrency: 1 })]).start({
    environment,
  })
  await reached
  expect(counts).toEqual([1, 1])
})

test('two consumers of a group cannot read one topic, though one of them only reads it as an older one', async () => {
  const service = serviceOf(memoryBroker(), [
    defineConsumer(placedV1, () => () => undefined),
    defineConsumer(placedV2, () => () => undefined),
  ])
  const { problems } = await service.check({ environment })
  expect(problems).toMatchObject([
    {
      code: 'wiring.consumer_conflict',
      message: expect.stringContaining('consume topic shop.order.placed.v1') as unknown,
    },
  ])
})
