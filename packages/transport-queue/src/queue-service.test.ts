import {
  type Call,
  defineConsumer,
  defineHandler,
  defineService,
  inject,
  Publisher,
  ServiceError,
  WiringError,
} from '@tenon/core'
import { contract, event } from '@tenon/core/contract'
import Type from 'typebox'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import { type MemoryBroker, memoryBroker } from './driver/memory/memory-broker.ts'
import { queueTransport } from './queue-transport.ts'

const Order = Type.Object({ orderId: Type.String({ minLength: 1 }) })
const orders = contract('shop.order.v1.OrderService', {
  place: {
    input: Order,
    output: Order,
    access: { roles: ['clerk'] },
    queue: { topic: 'shop.order.place.v1', key: 'orderId' },
  },
})
const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Order })
const environment = { LOG_LEVEL: 'silent' }

describe('a service on the queue', () => {
  it('handles a command, publishes an event and carries metadata but no deadline to its consumer', async () => {
    const broker = memoryBroker()
    const seen = Promise.withResolvers<{ readonly orderId: string; readonly call: Call }>()
    await using _order = await orderService(broker).start({ environment })
    await using _user = await serviceOf(broker, [
      defineConsumer(
        placed,
        () =>
          async ({ orderId }, call) =>
            seen.resolve({ orderId, call }),
      ),
    ]).start({ environment })
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await sendCommand(broker, '{"orderId":"o1"}', { traceparent, ce_expirytime: '2999-01-01T00:00:00Z' })
    const { orderId, call } = await seen.promise
    expect(orderId).toBe('o1')
    expect(call).toMatchObject({ operation: 'consume shop.order.placed.v1', transport: 'queue', attempt: 1 })
    expect(call.metadata).toMatchObject({ ce_source: 'order', traceparent })
    expect(call.metadata).not.toHaveProperty('ce_expirytime')
  })

  it('finishes a running message on stop and ends clean', async () => {
    const broker = memoryBroker()
    const [running, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const handled: string[] = []
    const consumer = defineConsumer(placed, () => async ({ orderId }) => {
      running.resolve()
      await release.promise
      handled.push(orderId)
    })
    const started = await serviceOf(broker, [consumer]).start({ environment })
    await memoryDriver({ broker }).produce([recordOf(placed.topic, '{"orderId":"o1"}')], { timeoutMs: 1 })
    await running.promise
    const stopping = started.stop()
    release.resolve()
    expect((await stopping).exitCode).toBe(0)
    expect(handled).toEqual(['o1'])
  })

  it('handles on stop all that the memory broker holds, also what running calls still publish, and ends clean', async () => {
    const broker = memoryBroker()
    const handled: string[] = []
    const consumer = defineConsumer(placed, () => async ({ orderId }) => {
      // Slower than it is published, so that there is always something left.
      await new Promise((resolve) => setImmediate(resolve))
      handled.push(orderId)
    })
    const [running, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const handler = defineHandler(orders, () => {
      const publisher = inject(Publisher)
      return {
        place: async (order) => {
          running.resolve()
          await release.promise
          for (let index = 0; index < 20; index += 1) await publisher.publish(placed, { orderId: `${index}` })
          return order
        },
      }
    })
    const started = await serviceOf(broker, [handler, consumer]).start({ environment })
    await memoryDriver({ broker }).produce([recordOf('shop.order.place.v1', '{"orderId":"o1"}')], { timeoutMs: 1 })
    await running.promise
    const stopping = started.stop()
    release.resolve()
    expect((await stopping).exitCode).toBe(0)
    expect(handled).toHaveLength(20)
  })

  it('gives up on stop what it cannot handle in time, and the exit code tells', async () => {
    const broker = memoryBroker()
    const failed = Promise.withResolvers<void>()
    const consumer = defineConsumer(placed, () => async () => {
      failed.resolve()
      throw new ServiceError('unavailable', 'the database is away')
    })
    const service = serviceOf(broker, [consumer])
    const started = await service.start({ environment })
    await memoryDriver({ broker }).produce([recordOf(placed.topic, '{"orderId":"o1"}')], { timeoutMs: 1 })
    await failed.promise
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const stopping = started.stop()
    await vi.advanceTimersByTimeAsync(5_000)
    const { exitCode, phases } = await stopping
    expect(exitCode).toBe(1)
    const error = phases.find(({ phase }) => phase === 'drain')?.error
    expect(String((error as AggregateError | undefined)?.errors[0])).toMatch(
      /messages are left that nobody else handles, in shop\.order\.placed\.v1\/\d$/,
    )
  })

  it('refuses two consumers of one topic in one group before anything connects', async () => {
    const consumer = () => defineConsumer(placed, () => async () => undefined)
    const service = serviceOf(memoryBroker(), [consumer(), consumer()])
    await expect(service.start({ environment })).rejects.toThrow(WiringError)
  })

  it('says which broker did not answer, and why, when the publisher cannot connect', async () => {
    const driver = Object.assign(memoryDriver({ broker: memoryBroker() }), {
      connect: () => Promise.reject(new Error('no connection to Kafka at 10.0.0.1:9092: refused')),
    })
    const service = defineService({
      name: 'order',
      version: '1.0.0',
      admin: false,
      handlers: [orderHandler()],
      transports: () => [queueTransport({ driver })],
      authenticate: () => undefined,
    })
    await expect(service.start({ environment })).rejects.toThrow('no connection to Kafka at 10.0.0.1:9092: refused')
  })
})

function orderHandler() {
  return defineHandler(orders, () => {
    const publisher = inject(Publisher)
    return {
      place: async (order) => {
        await publisher.publish(placed, order)
        return order
      },
    }
  })
}

function orderService(broker: MemoryBroker) {
  return serviceOf(broker, [orderHandler()], 'order')
}

function serviceOf(broker: MemoryBroker, handlers: Parameters<typeof defineService>[0]['handlers'], name = 'user') {
  return defineService({
    name,
    version: '1.0.0',
    admin: false,
    handlers,
    transports: () => [queueTransport({ driver: memoryDriver({ broker }) })],
    authenticate: () => undefined,
  })
}

async function sendCommand(broker: MemoryBroker, value: string, headers: Readonly<Record<string, string>>) {
  const record = recordOf('shop.order.place.v1', value)
  const bytes = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const)
  await memoryDriver({ broker }).produce([{ ...record, headers: bytes }], { timeoutMs: 1 })
}

function recordOf(topic: string, value: string) {
  return { topic, key: Buffer.from('k'), value: Buffer.from(value), headers: [] }
}
