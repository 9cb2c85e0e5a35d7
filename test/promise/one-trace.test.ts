import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { trace } from '@opentelemetry/api'
import {
  type Call,
  clientOf,
  defineConsumer,
  defineHandler,
  defineService,
  hook,
  inject,
  Publisher,
  remote,
  ServiceError,
  type ServiceOptions,
} from '@tenon/core'
import { contract, event } from '@tenon/core/contract'
import { eventually } from '@tenon/testing'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { memoryBroker, memoryDriver, type QueueDriver, queueTransport, sqliteDriver } from '@tenon/transport-queue'
import Type from 'typebox'
import { describe, expect, onTestFinished, test } from 'vitest'
import { recordTelemetry } from '../../packages/core/src/telemetry/recorded.test-harness.ts'

const Order = Type.Object({ orderId: Type.String() })
const shop = contract('trace.shop.v1.ShopService', {
  buy: { input: Order, output: Order, http: 'POST /v1/orders/:orderId' },
})
const orders = contract('trace.order.v1.OrderService', { place: { input: Order, output: Order } })
const placed = event('trace.order.placed.v1', { key: 'orderId', payload: Order })

const environment = { LOG_LEVEL: 'silent' }
const common = { version: '1.0.0', admin: false } as const

async function start(options: Pick<ServiceOptions, 'name' | 'handlers' | 'transports' | 'providers'>) {
  const started = await defineService({ ...common, ...options }).start({ environment })
  onTestFinished(async () => void (await started.stop()))
  return (protocol: string) => started.addresses.find((address) => address.protocol === protocol)?.port ?? 0
}

/** Drivers of one broker, each by the name of what keeps its messages. */
const queues: Readonly<Record<'memory' | 'file', () => () => QueueDriver>> = {
  memory: () => {
    const broker = memoryBroker({ partitionCount: 1 })
    return () => memoryDriver({ broker })
  },
  file: () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenon-trace-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    return () => sqliteDriver({ path: join(folder, 'queue.db') })
  },
}

/** A shop that is called over HTTP, an order service behind it over gRPC, and whoever handles its events. */
async function startShop(
  handle: (orderId: string, call: Call) => void,
  newDriver: () => QueueDriver = queues.memory(),
) {
  await start({
    name: 'mail',
    handlers: [
      defineConsumer(
        placed,
        () =>
          async ({ orderId }, call) =>
            handle(orderId, call),
      ),
    ],
    transports: () => [queueTransport({ driver: newDriver(), commitIntervalMs: 0 })],
  })
  const orderPort = await start({
    name: 'order',
    handlers: [
      defineHandler(orders, () => {
        const publisher = inject(Publisher)
        return {
          place: async (order: { orderId: string }) => {
            await publisher.publish(placed, order)
            return order
          },
        }
      }),
    ],
    transports: () => [grpcTransport({ port: 0 }), queueTransport({ driver: newDriver() })],
  })
  const shopPort = await start({
    name: 'shop',
    handlers: [
      defineHandler(shop, () => {
        const client = inject(clientOf(orders))
        return { buy: (order: { orderId: string }) => client.place(order) }
      }),
    ],
    providers: () => [remote(orders, { via: grpcClient(), at: `static:///127.0.0.1:${orderPort('grpc')}` })],
    transports: () => [httpTransport({ port: 0 })],
  })
  return (headers: Readonly<Record<string, string>> = {}) =>
    fetch(`http://127.0.0.1:${shopPort('http')}/v1/orders/o1?coupon=s3cret`, { method: 'POST', headers })
}

describe('a request that goes on over HTTP, gRPC and a queue', () => {
  test.each(['memory', 'file'] as const)(
    'is one trace with one root and no orphan, with a queue in %s',
    async (queue) => {
      const { spans } = recordTelemetry()
      const traceIds: (string | undefined)[] = []
      const handle = () => void traceIds.push(trace.getActiveSpan()?.spanContext().traceId)
      const buy = await startShop(handle, queues[queue]())
      expect((await buy()).status).toBe(200)
      await eventually(() => expect(spans()).toHaveLength(5))
      const found = spans().map(({ name, kind, parent }) => `${kind} ${name} < ${parent}`)
      expect(found.toSorted()).toEqual([
        'CLIENT trace.order.v1.OrderService/Place < POST /v1/orders/:orderId',
        'CONSUMER process trace.order.placed.v1 < send trace.order.placed.v1',
        'PRODUCER send trace.order.placed.v1 < trace.order.v1.OrderService/Place',
        'SERVER POST /v1/orders/:orderId < undefined',
        'SERVER trace.order.v1.OrderService/Place < trace.order.v1.OrderService/Place',
      ])
      expect(new Set([...spans().map(({ traceId }) => traceId), ...traceIds]).size).toBe(1)
    },
  )

  test('is a part of the trace of its caller, with its baggage', async () => {
    const { spans } = recordTelemetry()
    const seen: (string | undefined)[] = []
    const buy = await startShop((_orderId, { metadata }) => seen.push(metadata['baggage']))
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const traceparent = `00-${traceId}-b7ad6b7169203331-01`
    await buy({ traceparent, tracestate: 'a=b', baggage: 'tenant=acme' })
    await eventually(() => expect(spans()).toHaveLength(5))
    expect(new Set(spans().map((span) => span.traceId))).toEqual(new Set([traceId]))
    expect(spans().filter(({ parent }) => parent === '(unknown)')).toMatchObject([{ kind: 'SERVER' }])
    expect(seen).toEqual(['tenant=acme'])
  })
})

test('requests that run side by side keep to their own traces', async () => {
  const { spans } = recordTelemetry()
  const buy = await startShop(() => undefined)
  const traceIds = Array.from({ length: 40 }, () => randomUUID().replaceAll('-', ''))
  await Promise.all(traceIds.map((traceId) => buy({ traceparent: `00-${traceId}-b7ad6b7169203331-01` })))
  await eventually(() => expect(spans()).toHaveLength(5 * traceIds.length))
  const kinds = Map.groupBy(spans(), ({ traceId }) => traceId)
  expect(new Set(kinds.keys())).toEqual(new Set(traceIds))
  for (const trace of kinds.values())
    expect(trace.map(({ kind }) => kind).toSorted()).toEqual(['CLIENT', 'CONSUMER', 'PRODUCER', 'SERVER', 'SERVER'])
})

test('messages that are handled at once follow the traces of all that sent them', async () => {
  const { spans, points } = recordTelemetry()
  const driver = memoryDriver({ broker: memoryBroker({ partitionCount: 1 }) })
  const handled: number[] = []
  const { promise, resolve } = Promise.withResolvers<Publisher>()
  const started = await defineService({
    ...common,
    name: 'mail',
    handlers: [
      defineConsumer(placed, () => async (items) => void handled.push(items.length), {
        batch: { maxCount: 2, maxWaitMs: 60_000 },
      }),
    ],
    transports: () => [queueTransport({ driver, commitIntervalMs: 0 })],
    onStart: [hook('open', (publisher) => resolve(publisher), { needs: [Publisher] })],
  }).start({ environment })
  onTestFinished(async () => void (await started.stop()))
  const publisher = await promise
  for (const orderId of ['a', 'b']) await publisher.publish(placed, { orderId })
  await eventually(() => expect(spans()).toHaveLength(3))
  const [one, other, batch] = spans()
  expect(batch).toMatchObject({ name: `process ${placed.topic}`, kind: 'CONSUMER', parent: undefined })
  expect(batch?.links).toEqual([`send ${placed.topic}`, `send ${placed.topic}`])
  expect(new Set([one, other, batch].map((span) => span?.traceId)).size).toBe(3)
  const known = {
    'messaging.system.name': 'memory',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': placed.topic,
    'messaging.consumer.group.name': 'mail',
  }
  expect(batch?.attributes).toEqual({ ...known, 'messaging.batch.message_count': 2 })
  expect(await points('messaging.process.duration')).toEqual([{ value: 1, attributes: known }])
  const sending = { 'messaging.operation.name': 'send', 'messaging.operation.type': 'send' }
  const { 'messaging.consumer.group.name': _group, ...sent } = { ...known, ...sending }
  expect(await points('messaging.client.operation.duration')).toEqual([{ value: 2, attributes: sent }])
  expect(one?.attributes).toEqual({ ...sent, 'messaging.message.id': expect.any(String) as string })
})

test('a message that no broker takes fails its span', async () => {
  const { spans } = recordTelemetry()
  const driver = Object.assign(memoryDriver(), {
    produce: () => Promise.reject(new ServiceError('permission_denied', 'no')),
  })
  const { promise, resolve } = Promise.withResolvers<Publisher>()
  const started = await defineService({
    ...common,
    name: 'mail',
    handlers: [],
    transports: () => [queueTransport({ driver })],
    onStart: [hook('open', (publisher) => resolve(publisher), { needs: [Publisher] })],
  }).start({ environment })
  onTestFinished(async () => void (await started.stop()))
  const publisher = await promise
  await expect(publisher.publish(placed, { orderId: 'a' })).rejects.toThrow()
  expect(spans()).toMatchObject([{ kind: 'PRODUCER', status: 'ERROR', events: [] }])
})
