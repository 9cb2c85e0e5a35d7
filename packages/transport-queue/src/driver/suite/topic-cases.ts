import assert from 'node:assert/strict'
import { bound, type DriverCase, prepare, record } from './driver-case.ts'
import { Reader } from './reader.ts'

/** What is told of topics, and how they come to be. */
export const topicCases: readonly DriverCase[] = [
  {
    name: 'creates a topic once, however many ask for it',
    run: async (harness) => {
      const driver = await harness.connect()
      const topic = harness.unique('topic')
      const [one, other] = [{ topic, partitionCount: 2 }, { topic }]
      await Promise.all([driver.ensureTopics([one]), driver.ensureTopics([one])])
      await driver.ensureTopics([other])
      await driver.produce([{ ...record(topic, 'k', '1'), partition: 1 }], bound)
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      assert.equal((await reader.take(1))[0]?.partition, 1)
    },
  },
  {
    name: 'tells where partitions end and how far a group has come',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await assert.rejects(driver.describe(harness.unique('nothing'), group), { code: 'not_found' })
      for (const value of ['0', '1', '2']) await driver.produce([{ ...record(topic, 'k', value), partition: 1 }], bound)
      const before = { partition: 1, earliestOffset: 0, nextOffset: 3, committedOffset: undefined }
      assert.deepEqual((await driver.describe(topic, group))[1], before)
      await using reader = await Reader.join(driver, group, [topic])
      const [first] = await reader.take(3)
      assert.ok(first)
      await reader.partitionOf(first).commit(2)
      const described = await driver.describe(topic, group)
      assert.deepEqual(
        described.map(({ partition }) => partition),
        [0, 1, 2],
      )
      assert.deepEqual(described[1], { ...before, committedOffset: 2 })
    },
  },
]
