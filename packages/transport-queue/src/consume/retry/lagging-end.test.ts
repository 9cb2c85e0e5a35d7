import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import type { QueueDriver } from '../../queue-driver.ts'
import { type Handle, topic, toRecord } from '../../queue-transport.test-harness.ts'
import { pass, watchedConsumer } from '../watch/standstill.test-harness.ts'

const retryTopic = `${topic}.retry.user`
const hourMs = 3_600_000

test.each([
  ['empty', 0],
  ['as empty as retention left it', 3],
])(
  'a topic that is taken for %s once after a message was set aside lets none of its key go before it',
  async (_what, keptOffset) => {
    const seen: string[] = []
    let hasFailed = false
    const handle: Handle = async ({ orderId, count }) => {
      if (orderId === 'h' && !hasFailed) {
        hasFailed = true
        await new Promise((resolve) => setTimeout(resolve, 1_000))
        throw new ServiceError('unavailable', 'not now', { details: { retryDelayMs: hourMs } })
      }
      if (orderId === 'h') seen.push(`h${count}`)
    }
    const retry = { initialDelayMs: 20, maxDelayMs: hourMs, maxAgeMs: 604_800_000 }
    const watched = await watchedConsumer(handle, { retry, maxUncommittedCount: 10, commitIntervalMs: 10 })
    const { driver, send, report, told } = watched
    const lag = lagOnce(driver, keptOffset)
    await driver.ensureTopics([{ topic: retryTopic, partitionCount: 1 }])
    const forgotten = { ...toRecord('{}', 'k'), topic: retryTopic, partition: 0 }
    for (let offset = 0; offset < keptOffset; offset++) await driver.produce([forgotten], { timeoutMs: 1_000 })
    lag.begin()
    await send(`h${'a'.repeat(40)}`)
    await pass(3_000)
    expect(lag.toldCount).toBe(1)
    await send('h')
    await pass(10_000)
    expect([seen, (await report())?.parkedCount]).toEqual([[], 2])
    await pass(hourMs)
    expect([seen, (await report())?.parkedCount]).toEqual([['h0', 'h41'], 0])
    expect(told('warn').filter((text) => text.includes('gone'))).toEqual([])
  },
)

/** A driver whose broker keeps nothing before an offset, and takes a topic for empty once after something was stored in it. */
function lagOnce(driver: QueueDriver, keptOffset: number) {
  const [produce, describe, read] = [
    driver.produce.bind(driver),
    driver.describe.bind(driver),
    driver.read.bind(driver),
  ]
  let [hasBegun, isBehind] = [false, false]
  const lag = { toldCount: 0, begin: () => void (hasBegun = true) }
  const changed: Pick<QueueDriver, 'produce' | 'describe' | 'read'> = {
    produce: async (records, bound) => {
      await produce(records, bound)
      isBehind ||= hasBegun && lag.toldCount === 0 && records.some((record) => record.topic === retryTopic)
    },
    describe: async (of, group) => {
      const progress = await describe(of, group)
      if (of !== retryTopic) return progress
      const bounds = { earliestOffset: keptOffset, ...(isBehind && { nextOffset: keptOffset }) }
      if (isBehind) lag.toldCount += 1
      isBehind = false
      return progress.map((one) => ({ ...one, ...bounds }))
    },
    async *read(range, bound) {
      if (range.topic !== retryTopic || !isBehind) yield* read(range, bound)
    },
  }
  Object.assign(driver, changed)
  return lag
}
