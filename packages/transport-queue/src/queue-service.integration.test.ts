import { randomBytes } from 'node:crypto'
import { type Call, defineConsumer, defineHandler, defineService, inject, Publisher } from '@tenon/core'
import { contract, event } from '@tenon/core/contract'
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { deadLetterTopic } from './dead-letter/dead-letter.ts'
import { kafkajsDriver } from './driver/kafkajs/kafkajs-driver.ts'
import type { QueueDriver, ReceivedRecord } from './queue-driver.ts'
import { queueTransport } from './queue-transport.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const reason = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'
const environment = { LOG_LEVEL: 'silent' }

const prefix = `tenon-${randomBytes(6).toString('hex')}`
const Order = Type.Object({ orderId: Type.String({ minLength: 1 }) })
const placed = event(`${prefix}.order.placed.v1`, { key: 'orderId', payload: Order })
const orders = contract('shop.order.v1.OrderService', {
  place: { input: Order, output: Order, queue: { topic: `${prefix}.order.place.v1`, key: 'orderId' } },
})

describe.skipIf(reason !== '')(`services on Kafka${reason}`, () => {
  it('carry a command and its event between processes, bury garbage and handle the next message', async () => {
    const seen: string[] = []
    const both = Promise.withResolvers<Call>()
    const consumer = defineConsumer(placed, () => async ({ orderId }, call) => {
      seen.push(orderId)
      if (seen.length === 2) both.resolve(call)
    })
    const handler = defineHandler(orders, () => {
      const publisher = inject(Publisher)
      return {
        place: async (order) => {
          await publisher.publish(placed, order)
          return order
        },
      }
    })
    await using _order = await serviceOf(`${prefix}-order`, handler).start({ environment })
    await using _user = await serviceOf(`${prefix}-user`, consumer).start({ environment })
    const driver = await connect()
    await send(driver, orders.place.queue?.topic ?? '', '{"orderId":"first"}')
    await send(driver, placed.topic, 'garbage')
    await send(driver, orders.place.queue?.topic ?? '', '{"orderId":"second"}')
    const call = await both.promise
    expect(seen).toEqual(['first', 'second'])
    expect(call.metadata).toMatchObject({ ce_source: `${prefix}-order`, ce_type: placed.topic })
    const letter = await firstOf(driver, deadLetterTopic(placed.topic, `${prefix}-user`))
    expect(String(letter.value)).toBe('garbage')
    expect(letter.headers.map(([name, value]) => `${name}: ${String(value)}`)).toEqual(
      expect.arrayContaining(['tenon-error-code: invalid_argument', `tenon-source-topic: ${placed.topic}`]),
    )
  })
})

function serviceOf(name: string, handler: ReturnType<typeof defineConsumer>) {
  const driver = kafkajsDriver({ brokers, sessionTimeoutMs: 6_000, heartbeatIntervalMs: 300 })
  return defineService({
    name,
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [queueTransport({ driver, partitionCount: 1 })],
  })
}

async function connect(): Promise<QueueDriver> {
  const driver = kafkajsDriver({ brokers })
  await driver.connect({ clientId: 'tenon-test' })
  onTestFinished(() => driver.close())
  return driver
}

function send(driver: QueueDriver, topic: string, value: string): Promise<void> {
  const record = { topic, key: Buffer.from('k'), value: Buffer.from(value), headers: [] }
  return driver.produce([record], { timeoutMs: 20_000 })
}

async function firstOf(driver: QueueDriver, topic: string): Promise<ReceivedRecord> {
  const found = Promise.withResolvers<ReceivedRecord>()
  const membership = {
    group: `${prefix}-reader`,
    topics: [topic],
    log: silent,
    consume: async (partition: { fetch(): Promise<readonly ReceivedRecord[]> }) => {
      for (const record of await partition.fetch()) found.resolve(record)
    },
    fail: found.reject,
  }
  const member = await driver.join(membership, new AbortController().signal)
  const first = await found.promise
  await member.leave(AbortSignal.abort())
  return first
}

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
