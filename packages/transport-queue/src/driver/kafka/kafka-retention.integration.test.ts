import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { connect } from './kafka-client.test-harness.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const skipped = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'

describe.skipIf(skipped !== '')(`the retention of a topic of Kafka${skipped}`, () => {
  it.each(['kafkajs', 'platformatic'] as const)('is as it was wanted when it was created: %s', async (client) => {
    const driver = await connect(client, { brokers })
    const topic = `tenon-${randomBytes(6).toString('hex')}`
    const [kept, bounded] = [`${topic}.kept`, `${topic}.bounded`]
    await driver.ensureTopics([
      { topic: kept, isKept: true },
      { topic: bounded, keptMs: 864_000_000 },
    ])
    const isCompacted = false
    expect(await driver.retentionOf?.(kept)).toEqual({ keptMs: Number.POSITIVE_INFINITY, isCompacted })
    expect(await driver.retentionOf?.(bounded)).toEqual({ keptMs: 864_000_000, isCompacted })
    await expect(driver.retentionOf?.(`${topic}.nothing`)).rejects.toMatchObject({ code: 'not_found' })
  })
})
