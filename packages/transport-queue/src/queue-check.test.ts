import { defineConsumer, defineHandler, defineService, type HandlerDefinition, SetupError } from '@tenon/core'
import { contract, event } from '@tenon/core/contract'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { memoryBroker } from './driver/memory/memory-broker.ts'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import { queueTransport } from './queue-transport.ts'

const Order = Type.Object({ orderId: Type.String() })
const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Order })
const orders = contract('shop.order.v1.OrderService', {
  place: { input: Order, output: Order, access: 'public', queue: { topic: 'shop.order.place.v1', key: 'orderId' } },
})
const environment = { LOG_LEVEL: 'silent' }

describe('check() of a service on the queue', () => {
  it.each([
    ['a broadcast beside the group of the same event', () => [single(), single({ broadcast: true })]],
    ['two broadcasts of one event', () => [single({ broadcast: true }), single({ broadcast: true })]],
    ['batches', () => [batched({ maxCount: 100 })]],
  ])('finds nothing in %s, which starts', async (_name, handlers) => {
    const service = serviceOf(handlers())
    expect(await service.check({ environment })).toEqual({ ok: true, problems: [] })
    const started = await service.start({ environment })
    expect(await started.stop()).toMatchObject({ exitCode: 0 })
  })

  it.each([
    ['a batch that could never be full', () => batched({ maxCount: 5_000 })],
    ['batches in the order of a partition', () => batched({ maxCount: 2 }, { order: 'partition' })],
    ['a command that may take longer than what stands still', () => slow()],
    ['an event handler that may do so', () => single({ maxHandlerMs: 700_000 })],
  ])('tells of %s as the start does', async (_name, handler) => {
    const service = serviceOf([handler()])
    const { problems } = await service.check({ environment })
    expect(problems).toHaveLength(1)
    const thrown = await service.start({ environment }).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(SetupError)
    expect(thrown).toMatchObject({ problems })
  })
})

it('gives a service on the queue alone no time in which callers notice that it stops, for it has none', () => {
  const { limits } = serviceOf([single()]).describe({ environment: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } })
  expect(limits).toMatchObject({ deregisterDelayMs: 0, deregisterDelayInKubernetesMs: 0 })
})

function single(options: object = {}): HandlerDefinition {
  return defineConsumer(placed, () => async () => undefined, options)
}

function batched(
  batch: { readonly maxCount: number },
  retry: { readonly order?: 'partition' } = {},
): HandlerDefinition {
  return defineConsumer(placed, () => async () => undefined, { batch, retry })
}

function slow(): HandlerDefinition {
  const options = { operations: { place: { queue: { maxHandlerMs: 700_000 } } } }
  return defineHandler(orders, () => ({ place: (order) => order }), options)
}

function serviceOf(handlers: readonly HandlerDefinition[]) {
  const driver = memoryDriver({ broker: memoryBroker() })
  return defineService({
    name: 'order',
    version: '1.0.0',
    handlers,
    admin: false,
    transports: () => [queueTransport({ driver, stallAfterMs: 600_000 })],
  })
}
