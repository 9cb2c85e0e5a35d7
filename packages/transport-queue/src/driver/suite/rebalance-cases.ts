import assert from 'node:assert/strict'
import { bound, type DriverCase, never, prepare, record, revoked, text } from './driver-case.ts'
import { Reader } from './reader.ts'

/** How partitions go from one member of a group to another. */
export const rebalanceCases: readonly DriverCase[] = [
  {
    name: 'shares the partitions between two members, each with one owner, and hands them over when one leaves',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await using first = await Reader.join(driver, group, [topic])
      await first.owns(3)
      const second = await Reader.join(await harness.connect(), group, [topic])
      await second.ownsAny()
      await first.ownsFewer(3)
      assert.equal(first.owned.length + second.owned.length, 3)
      assert.equal(new Set([...first.owned, ...second.owned].map(({ partition }) => partition)).size, 3)
      await second.member.leave(never)
      await first.owns(3)
      assert.equal(second.member.state, 'left')
    },
  },
  {
    name: 'waits for the running message before it gives a partition to another member',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await driver.produce(
        [0, 1, 2].map((partition) => ({ ...record(topic, 'k', 'running'), partition })),
        bound,
      )
      await using first = await Reader.join(driver, group, [topic])
      const running = await first.take(3)
      first.hold()
      const joining = Reader.join(await harness.connect(), group, [topic])
      await first.revoked()
      for (const one of running) assert.equal(await first.partitionOf(one).commit(one.offset + 1), true)
      first.release()
      await using second = await joining
      await second.ownsAny()
      await driver.produce(
        [0, 1, 2].map((partition) => ({ ...record(topic, 'k', 'next'), partition })),
        bound,
      )
      const values = await Promise.race([second.take(1), second.take(1)])
      assert.equal(text(values[0]?.value), 'next')
    },
  },
  {
    name: 'refuses the commit of a partition that was lost',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await driver.produce([record(topic, 'k', '1')], bound)
      const first = await Reader.join(driver, group, [topic])
      const [received] = await first.take(1)
      assert.ok(received)
      const partition = first.partitionOf(received)
      await first.member.leave(AbortSignal.abort())
      assert.ok(partition.lost.aborted && partition.revoked.aborted)
      assert.equal(await partition.commit(received.offset + 1), false)
      await using next = await Reader.join(driver, group, [topic])
      assert.equal(text((await next.take(1))[0]?.value), '1')
    },
  },
  {
    name: 'refuses the commit of an earlier assignment, and goes on',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await using first = await Reader.join(driver, group, [topic])
      await first.owns(3)
      const second = await Reader.join(await harness.connect(), group, [topic])
      await second.ownsAny()
      const gone = await first.lost()
      assert.equal(await gone.commit(1), false)
      await second.member.leave(never)
      await first.owns(3)
      assert.equal(first.member.state, 'assigned')
      await driver.produce([record(topic, 'k', 'after')], bound)
      const [received] = await first.take(1)
      assert.ok(received)
      assert.equal(text(received.value), 'after')
      assert.equal(await first.partitionOf(received).commit(received.offset + 1), true)
    },
  },
  {
    name: 'lets the running message end and be committed before it leaves',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await driver.produce([record(topic, 'k', 'running')], bound)
      const first = await Reader.join(driver, group, [topic])
      const [running] = await first.take(1)
      assert.ok(running)
      first.hold()
      const partition = first.partitionOf(running)
      const left = first.member.leave(never)
      await revoked(partition)
      assert.equal(await partition.commit(running.offset + 1), true)
      first.release()
      await left
      await driver.produce([record(topic, 'k', 'next')], bound)
      await using next = await Reader.join(driver, group, [topic])
      assert.equal(text((await next.take(1))[0]?.value), 'next')
    },
  },
  {
    name: 'takes a member without partitions for an assigned one',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await using _first = await Reader.join(driver, group, [topic])
      await using _second = await Reader.join(await harness.connect(), group, [topic])
      await using _third = await Reader.join(await harness.connect(), group, [topic])
      await using fourth = await Reader.join(await harness.connect(), group, [topic])
      assert.equal(fourth.member.state, 'assigned')
    },
  },
]
