import assert from 'node:assert/strict'
import type { AssignedPartition, ReceivedRecord } from '../../queue-driver.ts'
import { bound, type DriverCase, membership, never, prepare, record, revoked, text } from './driver-case.ts'
import { Reader } from './reader.ts'

/** What a group reads, and where it goes on. */
export const groupCases: readonly DriverCase[] = [
  {
    name: 'gives every group all records',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await using one = await Reader.join(driver, harness.unique('one'), [topic])
      await using other = await Reader.join(driver, harness.unique('other'), [topic])
      await driver.produce(
        ['1', '2'].map((value) => record(topic, 'k', value)),
        bound,
      )
      assert.equal((await one.take(2)).length, 2)
      assert.equal((await other.take(2)).length, 2)
    },
  },
  {
    name: 'begins after the last commit, and delivers again what was not committed',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await driver.produce(
        ['1', '2', '3', '4'].map((value) => record(topic, 'k', value)),
        bound,
      )
      const first = await Reader.join(driver, group, [topic])
      const [, second] = await first.take(4)
      assert.ok(second)
      assert.equal(await first.partitionOf(second).commit(second.offset + 1), true)
      await first.member.leave(AbortSignal.abort())
      await using next = await Reader.join(driver, group, [topic])
      const again = await next.take(2)
      assert.deepEqual(
        again.map(({ value }) => text(value)),
        ['3', '4'],
      )
    },
  },
  {
    name: 'tells where reading begins, also before anything is fetched and where nothing is',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      for (const value of ['1', '2', '3', '4'])
        await driver.produce([{ ...record(topic, 'k', value), partition: 1 }], bound)
      const begun: (readonly [partition: number, offset: number | undefined])[] = []
      const consume = async (partition: AssignedPartition) => {
        const startOffset = await partition.startOffset()
        if (partition.partition === 1) {
          await partition.fetch()
          assert.equal(await partition.commit(3), true)
        }
        begun.push([partition.partition, await partition.startOffset()])
        assert.equal(await partition.startOffset(), startOffset)
        await revoked(partition)
      }
      for (const second of [0, 3]) {
        const member = await driver.join({ ...membership(group, [topic]), consume }, never)
        while (begun.length < 3) await new Promise((resolve) => setImmediate(resolve))
        await member.leave(never)
        const inOrder = begun.splice(0).toSorted(([one], [other]) => one - other)
        assert.deepEqual(inOrder, [
          [0, 0],
          [1, second],
          [2, 0],
        ])
      }
    },
  },
  {
    name: 'gives members of one group that read different topics each its own',
    run: async (harness) => {
      const { driver, topic: one } = await prepare(harness)
      const other = harness.unique('other')
      await driver.ensureTopics([{ topic: other, partitionCount: 3 }])
      const group = harness.unique('group')
      await using ofOne = await Reader.join(driver, group, [one])
      await using ofOther = await Reader.join(await harness.connect(), group, [other])
      for (const topic of [one, other])
        await driver.produce(
          [0, 1, 2].map((partition) => ({ ...record(topic, 'k', topic), partition })),
          bound,
        )
      for (const value of await ofOne.take(3)) assert.equal(text(value.value), one)
      for (const value of await ofOther.take(3)) assert.equal(text(value.value), other)
    },
  },
  {
    name: 'lets a partition that nobody asks for hold up no other',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const asked = Promise.withResolvers<ReceivedRecord>()
      const consume = async (partition: AssignedPartition) => {
        if (partition.partition === 0) return revoked(partition)
        while (!partition.revoked.aborted)
          for (const one of await partition.fetch()) if (text(one.value) === 'last') asked.resolve(one)
      }
      const member = await driver.join({ ...membership(harness.unique('group'), [topic]), consume }, never)
      const many = Array.from({ length: 3_000 }, () => ({ ...record(topic, 'k', 'held up'), partition: 0 }))
      await driver.produce(many, bound)
      await driver.produce([{ ...record(topic, 'k', 'last'), partition: 1 }], bound)
      assert.equal((await asked.promise).partition, 1)
      await member.leave(AbortSignal.abort())
    },
  },
  {
    name: 'rejects joining when the signal has fired',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await assert.rejects(driver.join(membership(harness.unique('group'), [topic]), AbortSignal.abort()))
    },
  },
  {
    name: 'leaves twice without harm',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const reader = await Reader.join(driver, harness.unique('group'), [topic])
      await Promise.all([reader.member.leave(never), reader.member.leave(AbortSignal.abort())])
      await reader.member.leave(never)
      assert.equal(reader.member.state, 'left')
    },
  },
]
