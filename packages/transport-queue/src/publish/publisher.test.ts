import { bytes, contract, event, int64 } from '@tenon/core/contract'
import type { ServiceError } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import { QueuePublisher } from './publisher.ts'
import { resolveQueue } from '../queue-options.ts'

const placed = event('shop.order.placed.v1', {
  key: 'orderId',
  payload: Type.Object({ orderId: Type.String({ minLength: 1 }), count: Type.Integer() }),
})
const users = contract('shop.user.v1.UserService', {
  importUser: {
    input: Type.Object({ userId: Type.String(), name: Type.String({ minLength: 1 }) }),
    output: Type.Object({}),
    queue: { topic: 'shop.user.import.v1', key: 'userId' },
  },
})

describe('QueuePublisher', () => {
  it('publishes an event as JSON, keyed by the field the contract names, with CloudEvents headers', async () => {
    const { publisher, sent } = open()
    await publisher.publish(placed, { orderId: 'o1', count: 2 })
    const [record] = sent(placed.topic)
    expect(String(record?.key)).toBe('o1')
    expect(JSON.parse(String(record?.value))).toEqual({ orderId: 'o1', count: 2 })
    expect(Object.fromEntries((record?.headers ?? []).map(([name, value]) => [name, String(value)]))).toEqual({
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ce_source: 'order',
      ce_type: 'shop.order.placed.v1',
      ce_time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/),
    })
  })

  it('leaves out what the schema does not declare', async () => {
    const { publisher, sent } = open()
    await publisher.publish(placed, { orderId: 'o1', count: 2, password: 'x' } as { orderId: string; count: number })
    expect(String(sent(placed.topic)[0]?.value)).toBe('{"orderId":"o1","count":2}')
  })

  it('takes another key and further headers, which cannot replace those of the envelope', async () => {
    const { publisher, sent } = open()
    const headers = { 'X-Tenant': 'acme', ce_type: 'forged' }
    await publisher.publish(placed, { orderId: 'o1', count: 2 }, { key: 'customer', headers })
    const [record] = sent(placed.topic)
    expect(String(record?.key)).toBe('customer')
    expect(record?.headers.map(([name, value]) => `${name}: ${String(value)}`)).toEqual(
      expect.arrayContaining(['x-tenant: acme', 'ce_type: shop.order.placed.v1']),
    )
  })

  it('refuses an event that does not fit as our own fault, and tells the caller nothing of it', async () => {
    const { publisher, sent } = open()
    const error: unknown = await publisher.publish(placed, { orderId: '', count: 2 }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'internal', message: 'a message does not fit its schema' })
    expect(String((error as ServiceError).cause)).toContain('/orderId')
    expect(sent(placed.topic)).toEqual([])
  })

  it('sends a command, and refuses one that does not fit in the same way', async () => {
    const { publisher, sent } = open()
    await publisher.send(users.importUser, { userId: 'u1', name: 'Ann' })
    expect(String(sent('shop.user.import.v1')[0]?.key)).toBe('u1')
    const error: unknown = await publisher.send(users.importUser, { userId: 'u1', name: '' }).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'internal', details: undefined })
    expect(String((error as ServiceError).cause)).toContain('/name')
  })

  it('keeps the order of messages that were not awaited', async () => {
    const { publisher, sent } = open()
    await Promise.all([0, 1, 2, 3].map((count) => publisher.publish(placed, { orderId: 'k', count })))
    expect(sent(placed.topic).map(({ value }) => JSON.parse(String(value)).count)).toEqual([0, 1, 2, 3])
  })

  it('writes int64 and bytes as JSON has them, and an int64 may be the key', async () => {
    const { publisher, sent } = open()
    const Stored = Type.Object({ id: int64(), data: bytes() })
    await publisher.publish(event('shop.file.stored.v1', { key: 'id', payload: Stored }), {
      id: 2n ** 63n - 1n,
      data: Uint8Array.of(1, 2),
    })
    const [record] = sent('shop.file.stored.v1')
    expect(String(record?.key)).toBe('9223372036854775807')
    expect(String(record?.value)).toBe('{"id":"9223372036854775807","data":"AQI="}')
    expect(() => event('shop.file.kept.v1', { key: 'data', payload: Stored })).toThrow(
      'key "data" must name a text field, found bytes',
    )
  })

  it("waits for a library's own rules", async () => {
    const { publisher, sent } = open()
    const payload = z.object({ id: z.string().refine(async (id) => id !== 'taken', 'is taken') })
    const named = event('shop.name.given.v1', { key: 'id', payload })
    const error: unknown = await publisher.publish(named, { id: 'taken' }).catch((thrown: unknown) => thrown)
    expect(String((error as ServiceError).cause)).toContain('/id is taken')
    await publisher.publish(named, { id: 'free' })
    expect(sent('shop.name.given.v1')).toHaveLength(1)
  })

  it('ensures a topic once, and again after that failed', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    let calls = 0
    const ensureTopics = async () => {
      if (calls++ === 0) throw new Error('not allowed')
    }
    const publisher = publisherOn(Object.assign(driver, { ensureTopics }))
    await expect(publisher.publish(placed, { orderId: 'o1', count: 1 })).rejects.toMatchObject({ code: 'unavailable' })
    await publisher.publish(placed, { orderId: 'o1', count: 1 })
    await publisher.publish(placed, { orderId: 'o1', count: 1 })
    expect(calls).toBe(2)
  })

  it('fails as unavailable within its time when the broker does not answer', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    Object.assign(driver, { ensureTopics: () => new Promise(() => undefined) })
    const publishing = publisherOn(driver, 5).publish(placed, { orderId: 'o1', count: 1 })
    await expect(publishing).rejects.toMatchObject({ code: 'unavailable' })
  })
})

function publisherOn(driver: ReturnType<typeof memoryDriver>, requestTimeoutMs = 10_000): QueuePublisher {
  const service = { name: 'order', version: '1.0.0', instanceId: 'order-1' }
  return new QueuePublisher(resolveQueue({ driver, requestTimeoutMs }), service)
}

function open() {
  const broker = memoryBroker({ partitionCount: 1 })
  return {
    publisher: publisherOn(memoryDriver({ broker })),
    sent: (topic: string) => broker.records(topic),
  }
}
