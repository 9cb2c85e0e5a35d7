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

/** Two of each of three keys in one partition, and so in another. */
const messages = [...ordersOf('abcabc'), ...ordersOf('xyzxyz').map((record) => ({ ...record, partition: 1 }))]
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
        if (payload.count < 3 && attempt === 1) fail(failWith('aborted'))
      }
    }
    // Nothing ends a batch but the sixth key, so each has messages of both partitions, however late one of these comes.
    const consumer = { group, batch: { maxCount: 6, maxWaitMs: 60_000 }, retry: { initialDelayMs: 0 } }
    const started = await startBatches(newDriver(), { consumer, handle, queue: { joinTimeoutMs: 30_000 } })
    await started.until((all) => all.length >= 18)
    await started.stop()
    const of = (key: string) => seen.filter((name) => name.startsWith(key))
    for (const key of 'abcxyz') {
      const first = 'abcxyz'.indexOf(key) % 3
      expect(of(key)).toEqual([`${key}${first}:1`, `${key}${first}:2`, `${key}${first + 3}:1`])
    }
    expect(started.batches.map(({ length }) => length)).toEqual([6, 6, 6])
    const after = await sender.describe(topic, group)
    expect(after.map(({ nextOffset, committedOffset }) => nextOffset - (committedOffset ?? 0))).toEqual([0, 0])
  }, 60_000)
})
