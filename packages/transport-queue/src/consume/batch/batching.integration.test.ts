import { randomBytes } from 'node:crypto'
import type { BatchItem } from '@tenon/core'
import { describe, expect, it } from 'vitest'
import { kafkajsDriver } from '../../driver/kafkajs/kafkajs-driver.ts'
import { platformaticDriver } from '../../driver/platformatic/platformatic-driver.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import { failWith, nameOf, type Order, ordersOf, senderOf, startBatches, topic } from './batch-service.test-harness.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const reason = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'
const drivers: readonly (readonly [string, () => QueueDriver])[] = [
  ['kafkajs', () => kafkajsDriver({ brokers })],
  ['@platformatic/kafka', () => platformaticDriver({ brokers })],
]

/** Nine of three keys in one partition, three in another. */
const messages = [...ordersOf('abcabcabc'), ...ordersOf('xyz').map((record) => ({ ...record, partition: 1 }))]
let isSent = false

describe.skipIf(reason !== '').each(drivers)(`batches over %s${reason}`, (_name, newDriver) => {
  it('are of several partitions, keep the order of keys through failures, and are committed', async () => {
    const group = `tenon-batch-${randomBytes(6).toString('hex')}`
    // Each group reads what lies there once for both.
    const { sender } = await senderOf(newDriver, isSent ? [] : messages, 2)
    isSent = true
    const seen: string[] = []
    const handle = (items: readonly BatchItem<Order>[]) => {
      for (const { payload, attempt, fail } of items) {
        seen.push(`${nameOf(payload)}:${attempt}`)
        if (payload.orderId === 'b' && attempt === 1) fail(failWith('aborted'))
      }
    }
    const consumer = { group, batch: { maxCount: 6, maxWaitMs: 200 }, retry: { initialDelayMs: 0 } }
    const started = await startBatches(newDriver(), { consumer, handle, queue: { joinTimeoutMs: 30_000 } })
    await started.until((all) => all.length >= 15)
    await started.stop()
    const of = (key: string) => seen.filter((name) => name.startsWith(key))
    expect(of('a')).toEqual(['a0:1', 'a3:1', 'a6:1'])
    expect(of('b')).toEqual(['b1:1', 'b1:2', 'b4:1', 'b4:2', 'b7:1', 'b7:2'])
    expect(started.batches.some((one) => one.length > 3)).toBe(true)
    const after = await sender.describe(topic, group)
    expect(after.map(({ nextOffset, committedOffset }) => nextOffset - (committedOffset ?? 0))).toEqual([0, 0])
  }, 60_000)
})
