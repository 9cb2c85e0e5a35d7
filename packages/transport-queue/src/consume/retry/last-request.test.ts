import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { sqliteDriver } from '../../driver/sqlite/sqlite-driver.ts'
import { connected, newQueuePath, watched } from '../../queue-driver.test-harness.ts'
import type { ProduceBound, QueueDriver, RecordToSend } from '../../queue-driver.ts'
import { countdown } from '../../queue-transport.test-harness.ts'
import { orAborted } from '../../wait.ts'
import { consume, send, topic, untilParked } from './retry.test-harness.ts'

test('what is being set aside when its partition is given up is stored before another gets it', async () => {
  const path = newQueuePath()
  const open = () => connected(sqliteDriver({ path, partitionCount: 1 }))
  const { driver, assigned } = watched(await open())
  await driver.ensureTopics([{ topic, partitionCount: 1 }])
  await send(driver, ['poison', 'free'])
  const free = countdown(1)
  const { begun, goOn } = storesLate(driver)
  const first = await consume(
    driver,
    async ({ orderId }) => {
      if (orderId === 'free') return free.tick()
      await free.reached
      // Once that is noted: a message is set aside for others only.
      await new Promise((resolve) => setImmediate(resolve))
      throw new ServiceError('internal', 'not now')
    },
    { retry: { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000, maxAttemptCount: 2 } },
  )
  await begun
  const drained = first.server.drain(AbortSignal.timeout(20_000))
  goOn()
  await drained
  expect(assigned.map(({ revoked }) => revoked.aborted)).toEqual([true])
  const reader = await open()
  expect(await reader.describe(topic, 'user')).toMatchObject([{ committedOffset: 2 }])
  const { transport } = await consume(await open(), async () => undefined)
  await untilParked(transport, 1)
})

/** As on Kafka: what is being set aside is stored some time later, whether or not anybody waits for it. */
function storesLate(driver: QueueDriver) {
  const [begun, going] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const produce = driver.produce.bind(driver)
  const produceLate = async (records: readonly RecordToSend[], bound: ProduceBound): Promise<void> => {
    if (!records[0]?.topic.includes('.retry.')) return produce(records, bound)
    begun.resolve()
    const storing = going.promise.then(() => produce(records, { timeoutMs: bound.timeoutMs }))
    await orAborted(storing, bound.signal ?? new AbortController().signal)
  }
  Object.assign(driver, { produce: produceLate })
  return { begun: begun.promise, goOn: going.resolve }
}
