import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test, vi } from 'vitest'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { sqliteDriver } from '../driver/sqlite/sqlite-driver.ts'
import type { QueueDriver, RecordToSend } from '../queue-driver.ts'
import { deadLetters, topic } from '../queue-transport.test-harness.ts'
import { listDeadLetters, type PartitionOffsets } from './list-dead-letters.ts'

const whose = { topic, group: 'user' }
const bound = { timeoutMs: 5_000 }

test('listing leaves nothing behind in a queue file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-list-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'queue.db')
  const driver = sqliteDriver({ path, partitionCount: 1 })
  await driver.connect({ clientId: 'test' })
  await driver.produce([letter(0), letter(1)], bound)
  for (let count = 0; count < 3; count++)
    expect((await listDeadLetters(driver, whose)).letters.map(({ lastFailedAt }) => lastFailedAt)).toEqual([0, 1])
  await driver.close()
  using database = new DatabaseSync(path, { readOnly: true })
  for (const table of ['consumer_group', 'claim', 'member'])
    expect(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()).toEqual({ count: 0 })
})

test('a list goes on where the one before ended, over all partitions, and tells each letter once', async () => {
  const driver = memoryDriver({ broker: memoryBroker({ partitionCount: 3 }) })
  const failedAt = Array.from({ length: 50 }, (_, index) => index)
  await driver.produce(
    failedAt.map((at) => ({ ...letter(at), partition: (at * 7) % 3 })),
    bound,
  )
  const told: number[] = []
  let from: PartitionOffsets = {}
  let isComplete = false
  for (let page = 0; !isComplete; page++) {
    const list = await listDeadLetters(driver, { ...whose, maxCount: 8, from })
    expect(list.letters).toHaveLength(page < 6 ? 8 : 2)
    told.push(...list.letters.map(({ lastFailedAt }) => lastFailedAt))
    from = list.next
    isComplete = list.isComplete
  }
  expect(told).toEqual(failedAt)
})

test('a topic whose last offsets hold no records ends the list early, which says that it may lack some', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const driver = memoryDriver({ broker: memoryBroker({ partitionCount: 1 }) })
  await driver.produce([letter(0)], bound)
  const marked: QueueDriver = Object.assign(memoryDriver({ broker: memoryBroker() }), {
    join: driver.join.bind(driver),
    describe: async () => [{ partition: 0, earliestOffset: 0, nextOffset: 2, committedOffset: undefined }],
  })
  const listing = listDeadLetters(marked, { ...whose, timeoutMs: 600_000 })
  await vi.advanceTimersByTimeAsync(3_100)
  expect(await listing).toMatchObject({ letters: [{ lastFailedAt: 0 }], isComplete: false, next: { 0: 1 } })
})

function letter(failedAt: number): RecordToSend {
  const headers = {
    'tenon-error-code': 'internal',
    'tenon-source-topic': topic,
    'tenon-failed-at': new Date(failedAt).toISOString(),
  }
  const asBytes = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const)
  return { topic: deadLetters, key: null, value: Buffer.from('x'), headers: asBytes }
}
