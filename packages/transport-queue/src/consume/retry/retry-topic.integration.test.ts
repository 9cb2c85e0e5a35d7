import { randomBytes } from 'node:crypto'
import { event } from '@tenon/core/contract'
import { type Arrival, type Outcome, ServiceError, toServiceError } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { clients, connect } from '../../driver/kafka/kafka-client.test-harness.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import { countdown, host, toRecord } from '../../queue-transport.test-harness.ts'
import { queueTransport } from '../../queue-transport.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const skipped = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'

describe.skipIf(skipped !== '')(`messages that are set aside on Kafka${skipped}`, () => {
  it.each(clients)(
    'keep their order and are all handled when another member joins, the first leaves, and the next restarts: %s',
    async (client) => {
      const placed = newEvent()
      const driver = await connect(client, { brokers })
      await driver.ensureTopics([{ topic: placed.topic, partitionCount: 2 }])
      const keys = Array.from({ length: 200 }, (_, index) => (index % 20 === 0 ? 'poison' : `k${index % 7}`))
      for (const partition of [0, 1]) await send(driver, placed.topic, { keys, partition })
      const handled = new Set<string>()
      const poisonous: string[] = []
      const others = countdown(380)
      const all = countdown(20)
      let isPoisoned = true
      const handle = async ({ orderId }: { readonly orderId: string }, place: string) => {
        if (orderId === 'poison' && isPoisoned) throw new ServiceError('unavailable', 'not now')
        if (handled.has(place)) return
        handled.add(place)
        if (orderId === 'poison') poisonous.push(place)
        if (orderId === 'poison') all.tick()
        else others.tick()
      }
      const first = await consume(driver, placed, handle)
      await others.reached
      await untilParked([first])
      const second = await consume(await connect(client, { brokers }), placed, handle)
      await untilParked([first, second])
      await first.server.close()
      await untilParked([second])
      await second.server.close()
      const third = await consume(await connect(client, { brokers }), placed, handle)
      await untilParked([third])
      isPoisoned = false
      await all.reached
      expect(handled.size).toBe(400)
      for (const partition of [0, 1]) {
        const offsets = poisonous
          .filter((place) => place.includes(`/${partition}@`))
          .map((place) => Number(place.split('@')[1]))
        expect(offsets).toEqual(Array.from({ length: 10 }, (_, index) => index * 20))
      }
    },
    60_000,
  )
})

type Placed = ReturnType<typeof newEvent>

function newEvent() {
  const topic = `tenon${randomBytes(6).toString('hex')}.order.placed.v1`
  return event(topic, { key: 'orderId', payload: Type.Object({ orderId: Type.String() }) })
}

async function send(
  driver: QueueDriver,
  topic: string,
  { keys, partition }: { keys: readonly string[]; partition: number },
) {
  const records = keys.map((orderId) => ({ ...toRecord(JSON.stringify({ orderId }), orderId), topic, partition }))
  await driver.produce(records, { timeoutMs: 20_000 })
}

/** A consumer of the event, told where each message lay. */
async function consume(
  driver: QueueDriver,
  placed: Placed,
  handle: (payload: { readonly orderId: string }, place: string) => Promise<void>,
) {
  const dispatch = async (arrival: Arrival): Promise<Outcome> => {
    try {
      const value = await handle(arrival.decode() as { readonly orderId: string }, arrival.peer ?? '')
      return { ok: true, value, callId: 'c', headers: undefined }
    } catch (thrown) {
      return { ok: false, error: toServiceError(thrown), callId: 'c', headers: undefined }
    }
  }
  const retry = { initialDelayMs: 50, maxDelayMs: 300 }
  const transport = queueTransport({ driver, retry, maxUncommittedCount: 20, commitIntervalMs: 50 })
  const server = transport.bind({ ...host, events: [{ event: placed, group: 'user', delivery: {}, dispatch }] })
  await server.listen()
  onTestFinished(() => server.close())
  return { transport, server }
}

/** Resolves when these own both partitions, and messages of both are set aside. */
async function untilParked(consumers: readonly Awaited<ReturnType<typeof consume>>[]): Promise<void> {
  for (;;) {
    const reports = (await Promise.all(consumers.map(({ transport }) => transport.consumers()))).flat()
    const owned = reports.flatMap(({ partitions }) => partitions)
    const parkedCount = reports.reduce((sum, report) => sum + report.parkedCount, 0)
    if (new Set(owned).size === 2 && owned.length === 2 && parkedCount === 20) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}
