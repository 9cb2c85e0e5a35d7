import assert from 'node:assert/strict'
import type { QueueDriver, ReceivedRecord, RecordRange } from '../../queue-driver.ts'
import { bound, type DriverCase, never, prepare, record, text } from './driver-case.ts'

/** What is read of a partition without a group. */
export const readingCases: readonly DriverCase[] = [
  {
    name: 'reads a partition from any offset to any other, in order and as it was stored',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await fill(driver, topic, 7)
      for (let fromOffset = 0; fromOffset <= 7; fromOffset++)
        for (let toOffset = 0; toOffset <= 7; toOffset++) {
          const expected = Array.from({ length: Math.max(0, toOffset - fromOffset) }, (_, index) => fromOffset + index)
          const records = await readAll(driver, { topic, partition: 1, fromOffset, toOffset })
          assert.deepEqual(
            records.map(placeOf),
            expected.map((offset) => `${topic}/1@${offset}=${offset}`),
          )
        }
      const [first] = await readAll(driver, { topic, partition: 1, fromOffset: 0, toOffset: 1 })
      assert.equal(text(first?.key), 'k')
      assert.deepEqual(
        first?.headers.map(([name, value]) => [name, text(value)]),
        [['h', '0']],
      )
    },
  },
  {
    name: 'reads thousands of records in several steps, and nothing of other partitions',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await driver.produce([{ ...record(topic, 'k', 'other'), partition: 0 }], bound)
      for (let index = 0; index < 4; index++)
        await driver.produce(
          Array.from({ length: 1_000 }, () => ({ ...record(topic, 'k', 'x'.repeat(1_000)), partition: 1 })),
          bound,
        )
      const offsets: number[] = []
      let stepCount = 0
      for await (const records of driver.read({ topic, partition: 1, fromOffset: 0 }, bound)) {
        stepCount++
        assert.ok(records.length > 0)
        offsets.push(...records.map(({ offset }) => offset))
      }
      assert.ok(stepCount > 1)
      assert.deepEqual(offsets, [...Array(4_000).keys()])
    },
  },
  {
    name: 'ends where the partition ends, and waits for nothing that is to come',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      assert.deepEqual(await readAll(driver, { topic, partition: 2, fromOffset: 0, toOffset: 10 }), [])
      await fill(driver, topic, 2)
      for (const toOffset of [2, 3, 1_000]) {
        const records = await readAll(driver, { topic, partition: 1, fromOffset: 1, toOffset })
        assert.deepEqual(records.map(placeOf), [`${topic}/1@1=1`])
      }
      assert.equal((await readAll(driver, { topic, partition: 1, fromOffset: 0 })).length, 2)
      assert.deepEqual(await readAll(driver, { topic, partition: 1, fromOffset: 3, toOffset: 9 }), [])
    },
  },
  {
    name: 'ends at the end that was there when reading began',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await fill(driver, topic, 2)
      const offsets: number[] = []
      for await (const records of driver.read({ topic, partition: 1, fromOffset: 0 }, bound)) {
        offsets.push(...records.map(({ offset }) => offset))
        await fill(driver, topic, 1)
      }
      assert.deepEqual(offsets, [0, 1])
    },
  },
  {
    name: 'says of a topic or partition that does not exist that it is not there, and of an offset that is none',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const nowhere = { topic: harness.unique('nothing'), partition: 0, fromOffset: 0 }
      await assert.rejects(readAll(driver, nowhere), { code: 'not_found' })
      await assert.rejects(readAll(driver, { ...nowhere, topic, partition: 3 }), { code: 'not_found' })
      for (const offset of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        const named = (name: string) => ({ code: 'out_of_range', message: new RegExp(`^${name} must be`) })
        await assert.rejects(readAll(driver, { ...nowhere, topic, fromOffset: offset }), named('fromOffset'))
        await assert.rejects(readAll(driver, { ...nowhere, topic, toOffset: offset }), named('toOffset'))
      }
    },
  },
  {
    name: 'stops reading when the loop is left, and reads anew',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await fill(driver, topic, 3)
      const range = { topic, partition: 1, fromOffset: 0 }
      for (let count = 0; count < 3; count++) {
        for await (const [first] of driver.read(range, bound)) {
          assert.equal(first?.offset, 0)
          break
        }
        const records = driver.read(range, bound)[Symbol.asyncIterator]()
        assert.deepEqual(await records.return?.(), { done: true, value: undefined })
        assert.deepEqual(await records.next(), { done: true, value: undefined })
      }
      assert.equal((await readAll(driver, range)).length, 3)
    },
  },
  {
    name: 'ends as if there were no more when the signal fires',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await fill(driver, topic, 3_000)
      const range = { topic, partition: 1, fromOffset: 0 }
      const signal = AbortSignal.abort()
      for await (const _ of driver.read(range, { ...bound, signal })) assert.fail('expected no records')
      const ending = new AbortController()
      let seenCount = 0
      for await (const records of driver.read(range, { ...bound, signal: ending.signal })) {
        assert.equal(seenCount, 0)
        seenCount = records.length
        ending.abort()
      }
      assert.ok(seenCount > 0)
      assert.equal((await readAll(driver, range)).length, 3_000)
    },
  },
]

/** Puts so many records into partition 1, each with its count as its value and in a header. */
async function fill(driver: QueueDriver, topic: string, count: number): Promise<void> {
  const records = Array.from({ length: count }, (_, index) => ({
    ...record(topic, 'k', String(index)),
    partition: 1,
    headers: [['h', Buffer.from(String(index))]] as const,
  }))
  await driver.produce(records, bound)
}

async function readAll(driver: QueueDriver, range: RecordRange): Promise<readonly ReceivedRecord[]> {
  const all: ReceivedRecord[] = []
  for await (const records of driver.read(range, { ...bound, signal: never })) all.push(...records)
  return all
}

function placeOf({ topic, partition, offset, value }: ReceivedRecord): string {
  return `${topic}/${partition}@${offset}=${text(value)}`
}
