import {
  type Call,
  Consumes,
  defineConsumer,
  defineHandler,
  defineService,
  type Handler,
  inject,
  Publisher,
  ServiceError,
} from '@tenon/core'
import { contract, event, type Payload } from '@tenon/core/contract'
import Type from 'typebox'
import { expect, test } from 'vitest'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { type MemoryBroker, memoryBroker } from '../driver/memory/memory-broker.ts'
import type { QueueOptions } from '../queue-options.ts'
import { countdown, fakeClock, headersOf } from '../queue-transport.test-harness.ts'
import { queueTransport } from '../queue-transport.ts'

const Order = Type.Object({ orderId: Type.String() })
const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Order })
const orders = contract('shop.order.v1.OrderService', {
  place: {
    input: Order,
    output: Order,
    access: 'public',
    queue: { topic: 'shop.order.place.v1', key: 'orderId' },
    timeoutMs: 500,
  },
})
const environment = { LOG_LEVEL: 'silent' }

function serviceOf(broker: MemoryBroker, handlers: readonly Handler[], options: Partial<QueueOptions> = {}) {
  return defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    callTimeoutMs: 1_000,
    handlers,
    transports: () => [queueTransport({ driver: memoryDriver({ broker }), clock: fakeClock(), ...options })],
  })
}

async function send(broker: MemoryBroker, topic: string, orderIds: readonly string[]): Promise<void> {
  const records = orderIds.map((orderId) => {
    return { topic, key: Buffer.from('k'), value: Buffer.from(JSON.stringify({ orderId })), headers: [] }
  })
  await memoryDriver({ broker }).produce(records, { timeoutMs: 1 })
}

test('a decorated consumer skips and gives up by the codes that it names', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  const seen: string[] = []
  const last = countdown(1)

  class OrderCounter {
    @Consumes(placed, { failures: { not_found: 'skip', aborted: 'dead_letter' } })
    count({ orderId }: Payload<typeof placed>) {
      seen.push(orderId)
      if (orderId === 'last') return last.tick()
      throw new ServiceError(orderId === 'gone' ? 'not_found' : 'aborted', 'no')
    }
  }
  await using _user = await serviceOf(broker, [OrderCounter]).start({ environment })
  await send(broker, placed.topic, ['gone', 'locked', 'last'])
  await last.reached
  expect(seen).toEqual(['gone', 'locked', 'last'])
  expect(broker.records('shop.order.placed.v1.dlq.user').map((letter) => headersOf(letter))).toMatchObject([
    { 'tenon-error-code': 'aborted', 'tenon-attempts': '1' },
  ])
})

test('a command is delivered as its handler says', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  const attempts: number[] = []
  const last = countdown(1)
  const place = (order: { readonly orderId: string }, { attempt }: Call) => {
    attempts.push(attempt)
    if (order.orderId === 'last') last.tick()
    else throw new ServiceError('internal', 'no')
    return order
  }
  const queue = { retry: { maxAttemptCount: 2 } }
  const handler = defineHandler(orders, () => ({ place }), { operations: { place: { queue } } })
  await using _user = await serviceOf(broker, [handler]).start({ environment })
  await send(broker, 'shop.order.place.v1', ['bad', 'last'])
  await last.reached
  expect(attempts).toEqual([1, 2, 1])
})

test('what a consumer says of its time counts more than what the service says; what a contract says of a command stays', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  const remaining = new Map<string, number>()
  const done = countdown(3)
  const note = (what: string) => (_payload: unknown, call: Call) => {
    remaining.set(what, call.remainingMs())
    done.tick()
    return { orderId: 'k' }
  }
  const queue = { maxHandlerMs: 60_000 }
  const handlers = [
    defineConsumer(placed, () => note('own'), { maxHandlerMs: 60_000 }),
    defineConsumer(placed, () => note('plain'), { group: 'plain' }),
    defineHandler(orders, () => ({ place: note('command') }), { operations: { place: { queue } } }),
  ]
  await using _user = await serviceOf(broker, handlers).start({ environment })
  await send(broker, placed.topic, ['a'])
  await send(broker, 'shop.order.place.v1', ['a'])
  await done.reached
  expect(remaining.get('own')).toBeGreaterThan(1_000)
  expect(remaining.get('plain')).toBeLessThanOrEqual(1_000)
  expect(remaining.get('command')).toBeLessThanOrEqual(500)
})

test('a handler decides by the code that it fails with, and takes what it returns from for handled', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  const last = countdown(1)
  const consumer = defineConsumer(placed, () => ({ orderId }) => {
    if (orderId === 'last') return last.tick()
    if (orderId === 'bury') throw new ServiceError('data_loss', 'not to be handled again', { reason: 'by_hand' })
    return undefined
  })
  await using _user = await serviceOf(broker, [consumer]).start({ environment })
  await send(broker, placed.topic, ['drop', 'bury', 'last'])
  await last.reached
  expect(broker.records('shop.order.placed.v1.dlq.user').map((letter) => headersOf(letter))).toMatchObject([
    { 'tenon-error-reason': 'by_hand', 'tenon-source-offset': '1' },
  ])
})

test.each(['binary', 'structured'] as const)(
  'what our own publisher writes in %s mode is read, when it is due',
  async (mode) => {
    const broker = memoryBroker({ partitionCount: 1 })
    const clock = fakeClock(Date.parse('2026-01-01T00:00:00Z'))
    const handled = Promise.withResolvers<unknown>()
    const handler = defineHandler(orders, () => {
      const publisher = inject(Publisher)
      return {
        place: async (order) => {
          await publisher.publish(placed, order, { delayMs: 5_000, headers: { 'x-note': 'n' } })
          return order
        },
      }
    })
    const consumer = defineConsumer(placed, () => (payload, { metadata }) => {
      handled.resolve([
        payload,
        metadata['ce_source'],
        metadata['x-note'],
        clock.now() - Date.parse('2026-01-01T00:00:00Z'),
      ])
    })
    const options = { clock, mode, dataSchema: 'https://schema.example.com/events' }
    await using _user = await serviceOf(broker, [handler, consumer], options).start({ environment })
    await send(broker, 'shop.order.place.v1', ['o1'])
    expect(await handled.promise).toEqual([{ orderId: 'o1' }, 'user', 'n', 5_000])
  },
)
