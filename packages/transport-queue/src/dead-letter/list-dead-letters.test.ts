import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { sqliteDriver } from '../driver/sqlite/sqlite-driver.ts'
import type { RecordToSend } from '../queue-driver.ts'
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

test.each([
  ['evenly', (index: number) => index],
  ['one partition behind the other', (index: number) => (index % 40) * 30 + Math.floor(index / 40)],
])('a list of many partitions that were filled %s holds few times maxCount letters', async (_how, failedAtOf) => {
  const [partitionCount, lettersEach] = [40, 30]
  const driver = memoryDriver({ broker: memoryBroker({ partitionCount }) })
  const all = Array.from({ length: partitionCount * lettersEach }, (_, index) => index)
  await driver.produce(
    all.map((index) => ({ ...letter(failedAtOf(index)), partition: index % partitionCount })),
    bound,
  )
  const counts = { read: 0, readings: 0 }
  const read = driver.read.bind(driver)
  driver.read = async function* (range, readBound) {
    counts.readings += 1
    for await (const records of read(range, readBound)) {
      for (const record of records) {
        counts.read += 1
        yield [record]
      }
    }
  }
  const list = await listDeadLetters(driver, { ...whose, maxCount: 30 })
  expect(list.letters.map(({ lastFailedAt }) => lastFailedAt)).toEqual(all.slice(0, 30))
  expect(list.isComplete).toBe(false)
  expect(counts.read).toBeLessThan(4 * 30 + partitionCount)
  expect(counts.readings).toBeLessThan(partitionCount + 5)
})

test('a list that takes the last letter is complete, whatever else lies behind it', async () => {
  const driver = memoryDriver({ broker: memoryBroker({ partitionCount: 2 }) })
  const notALetter = { topic: deadLetters, key: null, value: null, headers: [] }
  await driver.produce(
    [letter(0), letter(1), notALetter].map((record) => ({ ...record, partition: 0 })),
    bound,
  )
  const list = await listDeadLetters(driver, { ...whose, maxCount: 2 })
  expect(list).toMatchObject({ isComplete: true, next: { 0: 3, 1: 0 } })
  expect(list.letters).toHaveLength(2)
})

test('a topic whose last offsets hold no records is listed to its end', async () => {
  const driver = memoryDriver({ broker: memoryBroker({ partitionCount: 1 }) })
  await driver.produce([letter(0)], bound)
  driver.describe = async () => [{ partition: 0, earliestOffset: 0, nextOffset: 2, committedOffset: undefined }]
  expect(await listDeadLetters(driver, whose)).toMatchObject({
    letters: [{ lastFailedAt: 0 }],
    isComplete: true,
    next: { 0: 2 },
  })
})

test('a list that runs out of time tells what was read by then, and where to go on', async () => {
  const driver = memoryDriver({ broker: memoryBroker({ partitionCount: 2 }) })
  await driver.produce(
    [0, 1, 2, 3].map((at) => ({ ...letter(at), partition: at % 2 })),
    bound,
  )
  const read = driver.read.bind(driver)
  driver.read = async function* (range, readBound) {
    if (range.partition === 0) return yield* read(range, readBound)
    yield (await read(range, readBound)[Symbol.asyncIterator]().next()).value?.slice(0, 1) ?? []
    await once(readBound.signal ?? new EventTarget(), 'abort')
  }
  const list = await listDeadLetters(driver, { ...whose, timeoutMs: 20 })
  expect(list).toMatchObject({ isComplete: false, next: { 0: 2, 1: 1 } })
  expect(list.letters.map(({ lastFailedAt }) => lastFailedAt)).toEqual([0, 1, 2])
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
