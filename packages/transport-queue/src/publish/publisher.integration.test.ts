import { randomBytes } from 'node:crypto'
import { event } from '@tenon/core/contract'
import type { ServiceError } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { brokerAbsence, KafkaBroker } from '../driver/kafka/kafka-broker.test-harness.ts'
import { kafkajsDriver } from '../driver/kafkajs/kafkajs-driver.ts'
import type { QueueOptions } from '../queue-options.ts'
import { outcomeOf, publisherOn } from './publisher.test-harness.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const absence = brokers.length > 0 || isRequired ? undefined : 'KAFKA_BROKERS names no broker'

const prefix = `tenon-${randomBytes(6).toString('hex')}`
const payload = Type.Object({ id: Type.String(), text: Type.String() })
const made = (name: string) => event(`${prefix}.${name}.v1`, { key: 'id', payload })
const message = { id: 'a', text: 'hello' }

describe.skipIf(absence !== undefined)(
  `publishing to Kafka${absence === undefined ? '' : ` (skipped: ${absence})`}`,
  () => {
    it('refuses a message that is too large for it as internal, and takes those beside it', async () => {
      const publisher = await connected(brokers)
      const text = 'x'.repeat(2_000_000)
      const [first, tooLarge, last] = await Promise.all(
        [message, { ...message, text }, message].map((given) => outcomeOf(publisher.publish(made('large'), given))),
      )
      expect([first, last]).toEqual(['published', 'published'])
      expect(tooLarge).toMatchObject({ code: 'internal', message: 'a message was refused by its broker' })
      expect(String((tooLarge as ServiceError).cause)).toMatch(
        /a message of 2000\d{3} bytes for topic \S+\.large\.v1 was not taken/,
      )
    }, 60_000)

    it('says that a topic cannot be created, as unavailable, and why to the log', async () => {
      const publisher = await connected(brokers)
      await publisher.publish(made('taken_name'), message)
      // Kafka tells "." from "_" in names, but its metrics do not.
      const error = await outcomeOf(publisher.publish(made('taken.name'), message))
      expect(error).toMatchObject({ code: 'unavailable', message: 'a message could not be published' })
      expect(causesOf(error)).toContain('an operation on an invalid topic')
      await publisher.publish(made('taken_name'), message)
    }, 60_000)

    it('publishes what a small room holds, and refuses any beyond', async () => {
      const publisher = await connected(brokers, { maxPublishingCount: 100, partitionCount: 1 })
      const many = Array.from({ length: 100 }, (_, index) =>
        publisher.publish(made('many'), { ...message, text: `${index}` }),
      )
      expect(await outcomeOf(publisher.publish(made('many'), message))).toMatchObject({ code: 'resource_exhausted' })
      await Promise.all(many)
    }, 60_000)
  },
)

describe.skipIf(brokerAbsence !== undefined)(
  `publishing to a Kafka that goes away${brokerAbsence === undefined ? '' : ` (skipped: ${brokerAbsence})`}`,
  () => {
    it('fails as unavailable in its time meanwhile, and works again when it is back', async () => {
      await using broker = await KafkaBroker.start()
      const publisher = await connected([broker.address('plain')], { requestTimeoutMs: 2_000 })
      const warn = vi.fn()
      const log = { debug() {}, info() {}, warn, error() {}, child: () => log }
      publisher.logTo(log)
      await publisher.publish(made('away'), message)
      await broker.stop('SIGKILL')
      const told = await Promise.all([1, 2].map(() => outcomeOf(publisher.publish(made('away'), message))))
      for (const error of told)
        expect(error).toMatchObject({
          code: 'unavailable',
          message: 'a message could not be published',
          reason: undefined,
        })
      expect(warn).toHaveBeenCalledTimes(1)
      await broker.launch()
      await vi.waitFor(() => publisher.publish(made('away'), message), { timeout: 30_000, interval: 100 })
    }, 120_000)
  },
)

async function connected(at: readonly string[], options: Partial<QueueOptions> = {}) {
  const driver = kafkajsDriver({ brokers: at })
  await driver.connect({ clientId: prefix })
  onTestFinished(() => driver.close())
  return publisherOn(driver, options)
}

function causesOf(error: unknown): string {
  return error instanceof Error ? `${error.message}\n${causesOf(error.cause)}` : ''
}
