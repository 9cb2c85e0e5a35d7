import assert from 'node:assert/strict'
import type { AssignedPartition, QueueDriver } from '../../queue-driver.ts'
import { bound, type DriverCase, type DriverHarness, never, prepare, record } from './driver-case.ts'
import { Reader } from './reader.ts'

/** What the owner of a partition says of the partition of the same number elsewhere. */
export const besideCases: readonly DriverCase[] = [
  {
    name: 'tells what was committed beside a partition, of that topic and partition only',
    run: async (harness) => {
      const { driver, topic, other, group } = await prepareTwo(harness)
      await using reader = await Reader.join(driver, group, [topic])
      await reader.owns(3)
      // Nothing has come yet.
      assert.equal(await owned(reader, 1).commitBeside(other, 5), true)
      assert.deepEqual(await committed(driver, other, group), [undefined, 5, undefined])
      assert.deepEqual(await committed(driver, topic, group), [undefined, undefined, undefined])
      assert.equal(await owned(reader, 1).commitBeside(other, 7), true)
      assert.equal(await owned(reader, 2).commitBeside(other, 2), true)
      assert.deepEqual(await committed(driver, other, group), [undefined, 7, 2])
      assert.deepEqual(await committed(driver, other, harness.unique('stranger')), [undefined, undefined, undefined])
    },
  },
  {
    name: 'keeps what was committed beside a partition for the next owner, and goes on as if nothing had been',
    run: async (harness) => {
      const { driver, topic, other, group } = await prepareTwo(harness)
      await driver.produce([{ ...record(topic, 'k', '0'), partition: 1 }], bound)
      const first = await Reader.join(driver, group, [topic])
      const [received] = await first.take(1)
      assert.ok(received)
      assert.equal(await first.partitionOf(received).commitBeside(other, 4), true)
      assert.equal(await first.partitionOf(received).commit(1), true)
      assert.equal(await first.partitionOf(received).commitBeside(other, 6), true)
      await first.member.leave(never)
      await using second = await Reader.join(await harness.connect(), group, [topic])
      await second.owns(3)
      assert.deepEqual(await committed(driver, other, group), [undefined, 6, undefined])
      assert.deepEqual(await committed(driver, topic, group), [undefined, 1, undefined])
      assert.equal(await owned(second, 1).commitBeside(other, 9), true)
      assert.deepEqual(await committed(driver, other, group), [undefined, 9, undefined])
      await driver.produce([{ ...record(topic, 'k', '1'), partition: 1 }], bound)
      const [next] = await second.take(1)
      assert.equal(next?.offset, 1)
    },
  },
  {
    name: 'refuses a commit beside a partition that was lost or given up, and keeps what its next owner says',
    run: async (harness) => {
      const { driver, topic, other, group } = await prepareTwo(harness)
      await using first = await Reader.join(driver, group, [topic])
      await first.owns(3)
      const second = await Reader.join(await harness.connect(), group, [topic])
      await second.ownsAny()
      const gone = await first.lost()
      const given = second.owned[0]
      assert.ok(given)
      assert.equal(await given.commitBeside(other, 8), true)
      assert.equal(await gone.commitBeside(other, 3), false)
      const offsets = await committed(driver, other, group)
      assert.deepEqual(
        offsets.filter((offset) => offset !== undefined),
        [8],
      )
      await second.member.leave(AbortSignal.abort())
      assert.equal(await given.commitBeside(other, 3), false)
      assert.deepEqual(await committed(driver, other, group), offsets)
    },
  },
  {
    name: 'says of a topic that is not there that it is not, also to a group that has committed elsewhere',
    run: async (harness) => {
      const { driver, topic, other, group } = await prepareTwo(harness)
      await using reader = await Reader.join(driver, group, [topic])
      // A member that was not heard of in time, as on a busy machine, is given its partitions anew: what it had stores nothing then.
      do await reader.owns(3)
      while (!(await owned(reader, 0).commitBeside(other, 1)))
      await assert.rejects(driver.describe(harness.unique('nothing'), group), { code: 'not_found' })
    },
  },
  {
    name: 'says of a topic without such a partition that it is not there',
    run: async (harness) => {
      const { driver, topic, group } = await prepareTwo(harness)
      const narrow = harness.unique('narrow')
      await driver.ensureTopics([{ topic: narrow, partitionCount: 1 }])
      await using reader = await Reader.join(driver, group, [topic])
      await reader.owns(3)
      assert.equal(await owned(reader, 0).commitBeside(narrow, 1), true)
      for (const missing of [narrow, harness.unique('nothing')])
        await assert.rejects(owned(reader, 2).commitBeside(missing, 1), { code: 'not_found' })
      assert.equal(reader.member.state, 'assigned')
    },
  },
]

async function prepareTwo(harness: DriverHarness) {
  const { driver, topic } = await prepare(harness)
  const other = harness.unique('other')
  await driver.ensureTopics([{ topic: other, partitionCount: 3 }])
  return { driver, topic, other, group: harness.unique('group') }
}

function owned(reader: Reader, partition: number): AssignedPartition {
  const found = reader.owned.find((one) => one.partition === partition)
  assert.ok(found)
  return found
}

async function committed(driver: QueueDriver, topic: string, group: string) {
  const progress = await driver.describe(topic, group)
  return progress.map(({ committedOffset }) => committedOffset)
}
