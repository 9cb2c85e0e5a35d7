import assert from 'node:assert/strict'
import type { ConsumerStart } from '@tenon/core/transport'
import type { QueueDriver } from '../../queue-driver.ts'
import { bound, type DriverCase, type DriverHarness, never, prepare, record, text } from './driver-case.ts'
import { Reader } from './reader.ts'

/** Where a group begins that has committed nothing. */
export const startCases: readonly DriverCase[] = [
  {
    name: 'begins at the end, and keeps to that though nothing was committed since',
    run: async (harness) => {
      const { driver, topic, group } = await seeded(harness)
      const first = await Reader.joinAt(driver, group, starting(topic, 'latest'))
      await first.owns(3)
      await begun(first)
      assert.deepEqual(await committed(driver, topic, group), [2, 2, 2])
      await first.member.leave(AbortSignal.abort())
      await fill(driver, topic, { name: 'new', timestampAt: Date.now() })
      await using second = await Reader.joinAt(await harness.connect(), group, starting(topic, 'latest'))
      assert.deepEqual(valuesOf(await second.take(3)), ['new 0', 'new 1', 'new 2'])
    },
  },
  {
    name: 'begins at a moment, in each partition at the first record that is not before it',
    run: async (harness) => {
      const { driver, topic, group } = await seeded(harness)
      const start = { startAt: base + 1_000 }
      await using reader = await Reader.joinAt(driver, group, starting(topic, start))
      assert.deepEqual(valuesOf(await reader.take(3)), ['b 0', 'b 1', 'b 2'])
      assert.deepEqual(await committed(driver, topic, group), [1, 1, 1])
    },
  },
  {
    name: 'goes by what a group has committed in any partition, whatever it says of its start',
    run: async (harness) => {
      const { driver, topic, group } = await seeded(harness)
      const first = await Reader.join(driver, group, [topic])
      await first.take(6)
      const owned = first.owned.find(({ partition }) => partition === 2)
      assert.equal(await owned?.commit(1), true)
      await first.member.leave(never)
      await using second = await Reader.joinAt(await harness.connect(), group, starting(topic, 'latest'))
      assert.deepEqual(valuesOf(await second.take(5)), ['a 0', 'a 1', 'b 0', 'b 1', 'b 2'])
    },
  },
  {
    name: 'agrees where to begin among members that join at the same time, and loses nothing that comes then',
    run: async (harness) => {
      const { driver, topic, group } = await seeded(harness)
      const joining = [driver, await harness.connect(), await harness.connect()].map(async (one) => {
        const reader = await Reader.joinAt(one, group, starting(topic, 'latest'))
        await begun(reader)
        return reader
      })
      const readers = await Promise.all(joining)
      await fill(driver, topic, { name: 'new', timestampAt: Date.now() })
      const values = new Set<string>()
      // What moves to another member meanwhile may come to both.
      const done = Promise.withResolvers<void>()
      const collect = async (reader: Reader) => {
        while (values.size < 3) for (const value of valuesOf(await reader.takeAny())) values.add(value)
        done.resolve()
      }
      for (const reader of readers) void collect(reader)
      await done.promise
      assert.deepEqual(sorted([...values]), ['new 0', 'new 1', 'new 2'])
      for (const reader of readers) await reader[Symbol.asyncDispose]()
    },
  },
]

const base = Date.now() - 60_000

/** A topic with two records in each partition, the second a second later. */
async function seeded(harness: DriverHarness) {
  const { driver, topic } = await prepare(harness)
  await fill(driver, topic, { name: 'a', timestampAt: base })
  await fill(driver, topic, { name: 'b', timestampAt: base + 1_000 })
  return { driver, topic, group: harness.unique('group') }
}

async function fill(driver: QueueDriver, topic: string, { name, timestampAt }: Filling): Promise<void> {
  await driver.produce(
    [0, 1, 2].map((partition) => ({ ...record(topic, 'k', `${name} ${partition}`), partition, timestampAt })),
    bound,
  )
}

interface Filling {
  readonly name: string
  readonly timestampAt: number
}

function starting(topic: string, start: ConsumerStart): ReadonlyMap<string, ConsumerStart> {
  return new Map([[topic, start]])
}

/** Resolves when it is known where all partitions begin that are owned now. */
async function begun(reader: Reader): Promise<void> {
  await Promise.all(reader.owned.map((partition) => partition.startOffset()))
}

function valuesOf(records: readonly { readonly value: Uint8Array | null }[]): readonly string[] {
  return sorted(records.map(({ value }) => text(value) ?? ''))
}

function sorted(values: readonly string[]): readonly string[] {
  return values.toSorted((one, other) => (one < other ? -1 : 1))
}

async function committed(driver: QueueDriver, topic: string, group: string) {
  return (await driver.describe(topic, group)).map(({ committedOffset }) => committedOffset)
}
