import { join } from 'node:path'
import { defineConsumer, defineService, hook, Publisher, ServiceError } from '@tenon/core'
import { event } from '@tenon/core/contract'
import { memoryBroker, memoryDriver, type QueueDriver, queueTransport, sqliteDriver } from '@tenon/transport-queue'
import Type from 'typebox'
import { describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { registerSdk } from './metric-reader.ts'

const placed = event('shop.order.placed.v1', {
  key: 'orderId',
  payload: Type.Object({ orderId: Type.String() }),
})
const dropped = event('shop.order.dropped.v1', { key: 'orderId', payload: Type.Object({ orderId: Type.String() }) })
const topic = { 'messaging.system.name': 'memory', 'messaging.destination.name': 'shop.order.placed.v1' }
const consumed = { ...topic, 'messaging.consumer.group.name': 'stock' }

const inMemory = () => memoryDriver({ broker: memoryBroker() })

type Handle = (orderId: string, attempt: number) => Promise<void>

/** A service that consumes what it publishes. */
async function start(driver: QueueDriver, handle: Handle) {
  const publisher = Promise.withResolvers<Publisher>()
  const retry = { maxAttemptCount: 2, initialDelayMs: 0 } as const
  const handler =
    () =>
    ({ orderId }: { readonly orderId: string }, { attempt }: { readonly attempt: number }) =>
      handle(orderId, attempt)
  const service = await defineService({
    name: 'stock',
    version: '1.0.0',
    admin: false,
    handlers: [
      defineConsumer(placed, handler, { retry, failures: { aborted: 'skip' } }),
      defineConsumer(dropped, handler, { retry, broadcast: true }),
    ],
    onStart: [hook('find', (given) => publisher.resolve(given), { needs: [Publisher] })],
    transports: () => [queueTransport({ driver, partitionCount: 1 })],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const to = await publisher.promise
  return {
    publish: (orderId: string, signal?: AbortSignal) => to.publish(placed, { orderId }, { ...(signal && { signal }) }),
    drop: (orderId: string) => to.publish(dropped, { orderId }),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  }
}

describe('a consumer', () => {
  it('counts what it handles again, buries and skips, by code', async () => {
    await using sdk = registerSdk()
    const done: string[] = []
    await using service = await start(inMemory(), async (orderId, attempt) => {
      if (orderId === 'flaky' && attempt === 1) throw new ServiceError('not_found', 'not yet')
      if (orderId === 'bad') throw new ServiceError('invalid_argument', 'no order')
      if (orderId === 'skipped') throw new ServiceError('aborted', 'another was faster')
      done.push(orderId)
    })
    for (const orderId of ['flaky', 'bad', 'skipped', 'last']) await service.publish(orderId)
    await service.drop('bad')
    await vi.waitFor(() => expect(done.toSorted()).toEqual(['flaky', 'last']))
    const broadcast = { ...topic, 'messaging.destination.name': 'shop.order.dropped.v1' }
    await vi.waitFor(async () => {
      expect(await sdk.seriesOf('tenon.queue.retries')).toEqual([
        { attributes: { ...consumed, 'error.type': 'not_found' }, value: 1 },
      ])
      expect(await sdk.seriesOf('tenon.queue.dead_letters')).toEqual([
        { attributes: { ...consumed, 'error.type': 'invalid_argument' }, value: 1 },
      ])
      expect(await sdk.seriesOf('tenon.queue.skipped_messages')).toEqual([
        { attributes: { ...consumed, 'error.type': 'aborted' }, value: 1 },
        { attributes: { ...broadcast, 'error.type': 'invalid_argument' }, value: 1 },
      ])
    })
  })

  it.each([
    ['memory', async () => inMemory()],
    ['sqlite', async () => sqliteDriver({ path: join(await temporaryFolder(), 'queue.db') })],
  ])('tells how much waits in %s, and how old the oldest of it is', async (system, driverOf) => {
    await using sdk = registerSdk()
    const release = Promise.withResolvers<void>()
    await using service = await start(await driverOf(), () => release.promise)
    const own = { 'tenon.service': 'stock', ...consumed, 'messaging.system.name': system }
    const valueOf = async (name: string) =>
      (await sdk.seriesOf(name)).find(({ attributes }) => 'messaging.consumer.group.name' in attributes)
    expect(await valueOf('tenon.queue.lag')).toEqual({ attributes: own, value: 0 })
    await service.publish('one')
    await service.publish('two')
    expect(await valueOf('tenon.queue.lag')).toEqual({ attributes: own, value: 2 })
    await vi.waitFor(async () => {
      expect((await valueOf('tenon.queue.oldest_message.age'))?.value).toBeGreaterThan(0)
    })
    release.resolve()
    await vi.waitFor(async () => {
      expect((await valueOf('tenon.queue.lag'))?.value).toBe(0)
      expect((await valueOf('tenon.queue.oldest_message.age'))?.value).toBe(0)
    })
    for (const name of ['parked_messages', 'halted_messages', 'stalled_partitions'])
      expect(await valueOf(`tenon.queue.${name}`)).toEqual({ attributes: own, value: 0 })
  })
})

describe('a publisher', () => {
  it('counts what it has sent, whether the broker has stored it or not, and nothing else', async () => {
    await using sdk = registerSdk()
    const broker = memoryBroker()
    await using service = await start(memoryDriver({ broker }), async () => undefined)
    await service.publish('one')
    await service.publish('two')
    broker.stop()
    const leaving = new AbortController()
    const unsent = service.publish('three', AbortSignal.abort())
    const unanswered = service.publish('four', leaving.signal)
    leaving.abort()
    await expect(unsent).rejects.toMatchObject({ code: 'cancelled' })
    await expect(unanswered).rejects.toMatchObject({ code: 'cancelled' })
    broker.start()
    const sent = { ...topic, 'messaging.operation.name': 'send' }
    expect(await sdk.seriesOf('messaging.client.sent.messages')).toEqual([
      { attributes: sent, value: 2 },
      { attributes: { ...sent, 'error.type': 'cancelled' }, value: 1 },
    ])
  })
})
