import { randomBytes } from 'node:crypto'
import { defineConsumer, defineHandler, defineService, inject, Publisher } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { contract, contractInfo, event } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { eventually } from '@tenon/testing'
import { httpClient, httpTransport } from '@tenon/transport-http'
import { type QueueDriver, queueTransport } from '@tenon/transport-queue'
import { describe, expect, test } from 'vitest'
import { kafkaAbsence, kafkaDrivers, openDriver } from './process/process-broker.ts'

/** How long calls keep coming once messages are there. More than a session or two: the soak asks for more. */
const burstMs = Number(process.env['TENON_HELD_MS'] ?? 1_000)
const sessionTimeoutMs = 6_000
const messageCount = 200
const absence = kafkaAbsence()

const works = contract('held.v1.WorkService', {
  work: { input: Type.Object({}), output: Type.Object({}), http: 'POST /v1/work' },
  publish: { input: Type.Object({ count: Type.Integer() }), output: Type.Object({}), http: 'POST /v1/publish' },
})

/** Holds the thread, whatever machine it is. */
function compute(): void {
  const endsAtMs = performance.now() + 2
  while (performance.now() < endsAtMs);
}

/** A driver that counts the partitions that its members are given. */
function counting(driver: QueueDriver): { readonly driver: QueueDriver; readonly assigned: () => number } {
  const join = driver.join.bind(driver)
  let count = 0
  Object.assign(driver, {
    join: ((membership, signal) =>
      join(
        {
          ...membership,
          consume: (partition) => {
            count += 1
            return membership.consume(partition)
          },
        },
        signal,
      )) satisfies QueueDriver['join'],
  })
  return { driver, assigned: () => count }
}

describe.skipIf(absence)(`consumers on Kafka${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test.each(kafkaDrivers)(
    'wait while calls have to, keep their place in the group, and then handle every message once, through %s',
    { timeout: 60_000 + 3 * burstMs },
    async (name) => {
      const unique = randomBytes(6).toString('hex')
      const noted = event(`held.noted.${unique}.v1`, { key: 'noteId', payload: Type.Object({ noteId: Type.String() }) })
      const target = process.env['KAFKA_BROKERS'] ?? ''
      const { driver, assigned } = counting(openDriver({ driver: name, target, sessionTimeoutMs }))
      const queue = queueTransport({ driver })
      const handled: string[] = []
      const handler = defineHandler(works, () => {
        const publisher = inject(Publisher)
        return {
          work: () => {
            compute()
            return {}
          },
          publish: async ({ count }) => {
            const noteIds = Array.from({ length: count }, (_, index) => String(index))
            await Promise.all(noteIds.map((noteId) => publisher.publish(noted, { noteId })))
            return {}
          },
        }
      })
      await using service = await defineService({
        name: `held-${unique}`,
        version: '1.0.0',
        admin: false,
        overload: {},
        handlers: [
          handler,
          defineConsumer(
            noted,
            () =>
              ({ noteId }) =>
                void handled.push(noteId),
          ),
        ],
        transports: () => [httpTransport({ port: 0 }), queue],
      }).start({ environment: { LOG_LEVEL: 'silent' } })
      const port = service.addresses.find(({ protocol }) => protocol === 'http')?.port ?? 0
      const channel = httpClient().open({ contract: contractInfo(works), address: `127.0.0.1:${port}` })
      const client = buildClient(works, channel)
      await eventually(() => expect(assigned()).toBeGreaterThan(0))
      const assignedCount = assigned()
      let hasEnded = false
      let refusedCount = 0
      const lane = async () => {
        while (!hasEnded)
          await client.work({}, { metadata: { 'x-criticality': 'sheddable' } }).catch(() => (refusedCount += 1))
      }
      const lanes = Array.from({ length: 200 }, lane)
      await eventually(() => expect(refusedCount).toBeGreaterThan(0))
      const handledBefore = handled.length
      await client.publish({ count: messageCount }, { metadata: { 'x-criticality': 'critical_plus' } })
      const publishedAtMs = performance.now()
      await eventually(() => expect(performance.now() - publishedAtMs).toBeGreaterThan(burstMs), {
        timeoutMs: 2 * burstMs + 10_000,
        intervalMs: 100,
      })
      const heldCount = messageCount - handled.length
      hasEnded = true
      await Promise.all(lanes)
      await eventually(() => expect(handled).toHaveLength(messageCount), { timeoutMs: 20_000 })
      expect([handledBefore, new Set(handled).size, heldCount > 0]).toEqual([0, messageCount, true])
      await eventually(
        async () => {
          const [report] = await queue.consumers()
          expect(report?.lagCount).toBe(0)
        },
        { timeoutMs: 20_000 },
      )
      expect([handled.length, assigned()]).toEqual([messageCount, assignedCount])
      await channel.close()
    },
  )
})
