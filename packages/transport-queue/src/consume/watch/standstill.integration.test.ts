import { randomUUID } from 'node:crypto'
import { event } from '@tenon/core/contract'
import type { Outcome } from '@tenon/core/transport'
import kafkajs from 'kafkajs'
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { brokerAbsence, KafkaBroker } from '../../driver/kafka/kafka-broker.test-harness.ts'
import { clients, connect, createTopic, makeDriver, send } from '../../driver/kafka/kafka-client.test-harness.ts'
import type { AssignedPartition, QueueDriver } from '../../queue-driver.ts'
import { host } from '../../queue-transport.test-harness.ts'
import { changedPartition } from '../changed-partition.ts'
import { queueTransport } from '../../queue-transport.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const skipped = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'
const patience = { timeout: 60_000 }

describe.skipIf(skipped !== '').for(clients)(`a consumer on Kafka through %s${skipped}`, (client) => {
  it('does not stand still for the mark of a transaction that nobody is given', patience, async () => {
    const topic = await newTopic(client)
    await transact(topic, 'o1')
    const driver = newDriver(client)
    const { health, told } = await consume(driver, topic)
    // Once it was suspected, and the broker showed nothing behind the message.
    await expect.poll(() => told.rangeCount, patience).toBeGreaterThan(1)
    expect([told.handledCount, health()]).toEqual([1, { isLive: true, isReady: true, reason: undefined }])
  })

  it('stands still when there are messages that reading never gives', patience, async () => {
    const topic = await newTopic(client)
    const driver = newDriver(client)
    const { health } = await consume(withoutFetch(driver), topic)
    expect(health()).toMatchObject({ isLive: true })
    await send(await connect(client, { brokers }), topic, ['o1'])
    await expect.poll(health, patience).toMatchObject({ isLive: false, isReady: true })
    expect(health().reason).toContain('messages are there but are not given out, from offset 0')
  })
})

const isLong = process.env['TENON_FAULT_RUNS'] !== undefined
const absence = isLong ? brokerAbsence : 'a long run, without TENON_FAULT_RUNS'
const away = absence === undefined ? '' : ` (skipped: ${absence})`

const twoClients = ['kafkajs', 'platformatic'] as const

describe.skipIf(away !== '').for(twoClients)(
  `a consumer on Kafka through %s whose broker goes away${away}`,
  (client) => {
    it('does not stand still while it is away, and does some time after it is back', { timeout: 150_000 }, async () => {
      await using broker = await KafkaBroker.start()
      const address = [broker.address('plain')]
      const sender = await connect(client, { brokers: address })
      const topic = await createTopic(sender)
      await send(sender, topic, ['o1'])
      const driver = newDriver(client, address)
      const seen: (boolean | undefined)[] = []
      const describeTopic = driver.describe.bind(driver)
      const running = Promise.withResolvers<never>()
      Object.assign(driver, {
        describe: ((of, group) => {
          seen.push(health().isLive)
          return describeTopic(of, group)
        }) satisfies QueueDriver['describe'],
      })
      const { health, told } = await consume(driver, topic, { stallAfterMs: 6_000, handled: running.promise })
      await expect.poll(() => told.handledCount, patience).toBe(1)
      await broker.stop('SIGKILL')
      const { length } = seen
      await expect.poll(() => seen.length, patience).toBeGreaterThan(length + 2)
      expect([health().isLive, ...seen]).not.toContain(false)
      await broker.launch()
      await expect.poll(() => health().isLive, patience).toBe(false)
    })
  },
)

const newTopic = async (client: (typeof clients)[number]) => createTopic(await connect(client, { brokers }))

/** A driver that nobody has connected. */
function newDriver(client: (typeof clients)[number], addresses: readonly string[] = brokers): QueueDriver {
  return makeDriver(client, { brokers: addresses, sessionTimeoutMs: 6_000, heartbeatIntervalMs: 300 })
}

/** A driver whose members are never given a message. */
function withoutFetch(driver: QueueDriver): QueueDriver {
  const join = driver.join.bind(driver)
  const silent = (partition: AssignedPartition) =>
    changedPartition(partition, {
      fetch: () =>
        new Promise((resolve) => partition.revoked.addEventListener('abort', () => resolve([]), { once: true })),
    })
  return Object.assign(driver, {
    join: ((membership, signal) =>
      join(
        { ...membership, consume: (partition) => membership.consume(silent(partition)) },
        signal,
      )) satisfies QueueDriver['join'],
  })
}

interface ConsumeOptions {
  readonly stallAfterMs?: number
  /** What its handlers wait for. */
  readonly handled?: Promise<void>
}

/** A consumer that stands still soon, until the test ends. */
async function consume(
  driver: QueueDriver,
  topic: string,
  { stallAfterMs = 1_000, handled = Promise.resolve() }: ConsumeOptions = {},
) {
  const told = { handledCount: 0, rangeCount: 0 }
  const read = driver.read.bind(driver)
  Object.assign(driver, {
    read: ((range, bound) => {
      told.rangeCount += 1
      return read(range, bound)
    }) satisfies QueueDriver['read'],
  })
  const dispatch = async (): Promise<Outcome> => {
    told.handledCount += 1
    await handled
    return { ok: true, value: undefined, callId: 'c', headers: undefined }
  }
  const placed = event(topic, { key: 'orderId', payload: Type.Object({ orderId: Type.String() }) })
  const options = { driver, maxHandlerMs: 500, stallAfterMs, joinTimeoutMs: 30_000 }
  const server = queueTransport(options).bind({
    ...host,
    events: [{ event: placed, group: topic, delivery: {}, dispatch }],
  })
  await server.listen()
  onTestFinished(() => server.close())
  const health = () => server.health?.() ?? { isLive: undefined, isReady: undefined, reason: undefined }
  return { health, told }
}

async function transact(topic: string, orderId: string): Promise<void> {
  const client = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING })
  const producer = client.producer({
    transactionalId: `${topic}.${randomUUID()}`,
    maxInFlightRequests: 1,
    idempotent: true,
    retry: { initialRetryTime: 10 },
  })
  await producer.connect()
  onTestFinished(() => producer.disconnect())
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [{ key: orderId, value: JSON.stringify({ orderId }) }] })
  await transaction.commit()
}
