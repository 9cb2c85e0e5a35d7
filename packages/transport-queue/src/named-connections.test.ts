import { type Call, defineConsumer, defineHandler, defineService, inject, Publisher, ServiceError } from '@tenon/core'
import { contract, event, type Payload, upcast } from '@tenon/core/contract'
import { ConfigError } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { memoryBroker } from './driver/memory/memory-broker.ts'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import type { QueueDriver } from './queue-driver.ts'
import { connected, embeddedDrivers } from './queue-driver.test-harness.ts'
import type { QueueOptions } from './queue-options.ts'
import { queueTransport } from './queue-transport.ts'
import { countdown } from './queue-transport.test-harness.ts'

const Order = Type.Object({ orderId: Type.String() })
const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Order })
const paid = event('shop.payment.paid.v1', { key: 'orderId', payload: Order })
const orders = contract('shop.order.v1.OrderService', {
  place: { input: Order, output: Order, queue: { topic: 'shop.order.place.v1', key: 'orderId' } },
})
const environment = { LOG_LEVEL: 'silent' }

describe('two queue transports of a service', () => {
  it('handle each message once, from the broker of its connection, and publish to it', async () => {
    const [orderBroker, paymentBroker] = [memoryBroker(), memoryBroker()]
    const seen: string[] = []
    const done = countdown(3)
    const note = (what: string) => {
      seen.push(what)
      done.tick()
    }
    const place = defineHandler(orders, () => {
      const publisher = inject(Publisher)
      return {
        place: async (order, call) => {
          await publisher.publish(placed, order)
          await publisher.publish(paid, order)
          note(`${call.operation} over ${call.transport}`)
          return order
        },
      }
    })
    const service = serviceOf(
      [
        place,
        ...[placed, paid].map((of) =>
          defineConsumer(of, () => async (_order, call) => note(`${call.operation} over ${call.transport}`)),
        ),
      ],
      [
        { name: 'orders', topics: ['shop.order.*'], driver: memoryDriver({ broker: orderBroker }) },
        { name: 'payments', topics: [paid], driver: memoryDriver({ broker: paymentBroker }) },
      ],
    )
    await using _started = await service.start({ environment })
    // The same message on the other broker is nobody's.
    for (const broker of [orderBroker, paymentBroker]) await sendCommand(memoryDriver({ broker }))
    await done.reached
    expect(seen.toSorted()).toEqual([
      'consume shop.order.placed.v1 over orders',
      'consume shop.payment.paid.v1 over payments',
      'shop.order.v1.OrderService/place over orders',
    ])
    expect([orderBroker, paymentBroker].map((broker) => broker.records(placed.topic).length)).toEqual([1, 0])
    expect([orderBroker, paymentBroker].map((broker) => broker.records(paid.topic).length)).toEqual([0, 1])
  })

  it.each(embeddedDrivers)(
    'handle a message that comes again, and one that is held back, once, on %s',
    async (_name, newBroker) => {
      const newDrivers = [newBroker(), newBroker()]
      const seen: string[] = []
      const done = countdown(6)
      const handle = ({ orderId }: Payload<typeof placed>, call: Call) => {
        seen.push(`${call.operation} ${orderId}, attempt ${call.attempt}, over ${call.transport}`)
        done.tick()
        if (orderId === 'again' && call.attempt === 1) throw new ServiceError('internal', 'the first time')
      }
      const consumers = [placed, paid].map((of) => defineConsumer(of, () => handle, { retry: { initialDelayMs: 0 } }))
      const place = defineHandler(orders, () => {
        const publisher = inject(Publisher)
        return {
          place: async (order) => {
            for (const of of [placed, paid]) {
              await publisher.publish(of, { orderId: 'again' })
              await publisher.publish(of, { orderId: 'late' }, { delayMs: 20 })
            }
            return order
          },
        }
      })
      const [ordersDriver, paymentsDriver] = newDrivers.map((newDriver) => newDriver())
      if (ordersDriver === undefined || paymentsDriver === undefined) throw new Error('expected two drivers')
      const service = serviceOf(
        [...consumers, place],
        [
          { name: 'orders', topics: ['shop.order.*'], driver: ordersDriver },
          { name: 'payments', topics: [paid], driver: paymentsDriver },
        ],
      )
      const started = await service.start({ environment })
      const senders = await Promise.all(newDrivers.map((newDriver) => connected(newDriver())))
      // The same messages on the other broker are nobody's.
      await senders[1]?.ensureTopics([{ topic: placed.topic }])
      await senders[1]?.produce([recordOf(placed.topic)], { timeoutMs: 20_000 })
      if (senders[0]) await sendCommand(senders[0])
      await done.reached
      // Whatever else would come is handled before it ends, or stays uncommitted.
      await started.stop()
      const of = (event: typeof placed, over: string) => [
        `consume ${event.topic} again, attempt 1, over ${over}`,
        `consume ${event.topic} again, attempt 2, over ${over}`,
        `consume ${event.topic} late, attempt 1, over ${over}`,
      ]
      expect(seen.toSorted()).toEqual([...of(placed, 'orders'), ...of(paid, 'payments')])
      for (const [index, { topic }] of [placed, paid].entries()) {
        const progress = await senders[index]?.describe(topic, 'shop')
        const open = progress?.filter(({ nextOffset, committedOffset = 0 }) => committedOffset < nextOffset)
        expect(open).toEqual([])
      }
    },
  )

  it('give every handler of a broadcast the older events too that come over the other connection', async () => {
    const newer = event('shop.order.placed.v2', {
      key: 'orderId',
      payload: Order,
      upcasts: [upcast(placed, (older) => older)],
    })
    const [newBroker, oldBroker] = [memoryBroker(), memoryBroker()]
    const seen: string[] = []
    const done = countdown(4)
    const handlers = ['one', 'two'].map((name) =>
      defineConsumer(
        newer,
        () => async (_order, call) => {
          seen.push(`${name} over ${call.transport}`)
          done.tick()
        },
        { broadcast: true },
      ),
    )
    const service = serviceOf(handlers, [
      { name: 'new', topics: [newer], driver: memoryDriver({ broker: newBroker }) },
      { name: 'old', topics: [placed], driver: memoryDriver({ broker: oldBroker }) },
    ])
    await using _started = await service.start({ environment })
    await memoryDriver({ broker: newBroker }).produce([recordOf(newer.topic)], { timeoutMs: 1 })
    await memoryDriver({ broker: oldBroker }).produce([recordOf(placed.topic)], { timeoutMs: 1 })
    await done.reached
    expect(seen.toSorted()).toEqual(['one over new', 'one over old', 'two over new', 'two over old'])
  })

  it('refuse to start when both carry a topic, or none does, and name both', async () => {
    const handlers = [placed, paid].map((of) => defineConsumer(of, () => async () => undefined))
    const both = serviceOf(handlers, [named('orders'), named('payments', [paid])])
    expect((await both.check()).problems).toEqual([
      {
        code: 'wiring.ambiguous_topic',
        message: expect.stringContaining(`event ${paid.topic} is carried by orders and payments`),
      },
    ])
    const none = serviceOf(handlers, [named('orders', [placed]), named('audit', ['audit.*'])])
    await expect(none.start({ environment })).rejects.toThrow(
      `event ${paid.topic} is carried by none of orders and audit`,
    )
  })

  it('refuse to start under one name', async () => {
    const handlers = [defineConsumer(placed, () => async () => undefined)]
    const codes = (await serviceOf(handlers, [named('queue', [placed]), named('queue', [paid])]).check()).problems
    expect(codes).toEqual([{ code: 'wiring.duplicate_transport', message: expect.stringContaining('named queue') }])
  })

  it('show in the description which of them carries what', () => {
    const handlers = [placed, paid].map((of) => defineConsumer(of, () => async () => undefined))
    const connections = [named('orders', ['shop.order.*']), named('payments', [paid])]
    const { consumers, transports } = serviceOf(handlers, connections).describe()
    expect(transports.map(({ name, topics }) => [name, topics])).toEqual([
      ['orders', ['shop.order.*']],
      ['payments', [paid.topic]],
    ])
    expect(consumers.map(({ topic, transports }) => [topic, transports])).toEqual([
      [placed.topic, ['orders']],
      [paid.topic, ['payments']],
    ])
  })

  it('refuse to publish what none of them carries', async () => {
    const stray = event('shop.stray.seen.v1', { key: 'orderId', payload: Order })
    const broker = memoryBroker()
    const one = { name: 'orders', topics: ['shop.order.*'], driver: memoryDriver({ broker }) }
    for (const connections of [[one, named('payments', [paid])], [one]]) {
      const failed = Promise.withResolvers<unknown>()
      const consumer = defineConsumer(placed, () => {
        const publisher = inject(Publisher)
        return async (order) => failed.resolve(await publisher.publish(stray, order).catch((error: unknown) => error))
      })
      await using _started = await serviceOf([consumer], connections).start({ environment })
      await memoryDriver({ broker }).produce([recordOf(placed.topic)], { timeoutMs: 1 })
      const error = await failed.promise
      expect(ServiceError.is(error) && error.code).toBe('internal')
      expect(broker.records(stray.topic)).toEqual([])
    }
  })

  it('tell at /info how each is doing', async () => {
    const handlers = [placed, paid].map((of) => defineConsumer(of, () => async () => undefined))
    const connections = [named('orders', ['shop.order.*']), named('payments', [paid])]
    await using started = await serviceOf(handlers, connections, { port: 0 }).start({ environment })
    const admin = started.addresses.find(({ protocol }) => protocol === 'admin')
    const info: unknown = await (await fetch(`http://127.0.0.1:${admin?.port}/info`)).json()
    expect(info).toMatchObject({
      transports: {
        orders: { consumers: [{ connection: 'orders', topic: placed.topic, state: 'assigned' }] },
        payments: { consumers: [{ connection: 'payments', topic: paid.topic, state: 'assigned' }] },
      },
    })
  })

  it('share the connection of one driver, which is opened and closed once', async () => {
    const calls: string[] = []
    const driver = memoryDriver({ broker: memoryBroker() })
    Object.assign(driver, {
      connect: async () => void calls.push('connect'),
      close: async () => void calls.push('close'),
    })
    const handlers = [placed, paid].map((of) => defineConsumer(of, () => async () => undefined))
    const connections = [placed, paid].map((of, index) => ({ name: `part-${index}`, topics: [of], driver }))
    const service = serviceOf(handlers, connections)
    for (let time = 0; time < 2; time++) {
      const started = await service.start({ environment })
      await started.stop()
    }
    expect(calls).toEqual(['connect', 'close', 'connect', 'close'])
  })
})

describe('queueTransport({ name, topics })', () => {
  it.each([
    [{ name: 'Orders' }, 'name must be a word of lower-case letters, digits and "-", found "Orders"'],
    [{ name: '' }, 'found ""'],
    [{ topics: [] }, 'topics must be a list of at least one topic, event or operation, found an object'],
    [{ topics: 'shop.*' }, 'topics must be a list of at least one topic, event or operation, found "shop.*"'],
    [{ topics: ['shop.*.v1'] }, 'topics[0] must be a topic such as shop.order.placed.v1'],
    [{ topics: [placed, orders] }, 'topics[1] must be a topic such as'],
  ])('refuses %j', (wrong, told) => {
    const options: object = { driver: memoryDriver(), ...wrong }
    expect(() => queueTransport(options as QueueOptions)).toThrow(ConfigError)
    expect(() => queueTransport(options as QueueOptions)).toThrow(told)
  })

  it('takes topics, beginnings, events and operations', () => {
    const { carriesTopic, carries } = queueTransport({
      driver: memoryDriver(),
      topics: ['shop.stock.moved.v1', 'audit.*', placed, orders.place],
    })
    const carried = ['shop.stock.moved.v1', 'audit.login.v1', placed.topic, 'shop.order.place.v1']
    for (const topic of carried) expect(carriesTopic?.(topic)).toBe(true)
    for (const topic of ['shop.stock.moved.v10', 'audit', paid.topic]) expect(carriesTopic?.(topic)).toBe(false)
    expect(carries(orders.place)).toBe(true)
  })
})

type Connection = Pick<QueueOptions, 'name' | 'topics' | 'driver'>

function named(name: string, topics?: QueueOptions['topics']): Connection {
  return { name, driver: memoryDriver({ broker: memoryBroker() }), ...(topics && { topics }) }
}

function serviceOf(
  handlers: Parameters<typeof defineService>[0]['handlers'],
  connections: readonly Connection[],
  admin: { readonly port: number } | false = false,
) {
  return defineService({
    name: 'shop',
    version: '1.0.0',
    admin,
    handlers,
    transports: () => connections.map((connection) => queueTransport(connection)),
  })
}

function recordOf(topic: string) {
  return { topic, key: Buffer.from('1'), value: Buffer.from('{"orderId":"1"}'), headers: [] }
}

async function sendCommand(driver: QueueDriver): Promise<void> {
  await driver.produce([recordOf('shop.order.place.v1')], { timeoutMs: 20_000 })
}
