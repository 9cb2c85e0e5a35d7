import assert from 'node:assert/strict'
import type { RecordToSend } from '../../queue-driver.ts'
import { bound, bytes, type DriverCase, prepare, record, text } from './driver-case.ts'
import { Reader } from './reader.ts'

/** What becomes of a record from its producer to its reader. */
export const recordCases: readonly DriverCase[] = [
  {
    name: 'delivers key, value and headers as they were produced, also to a group that did not exist then',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const sent: RecordToSend = {
        topic,
        key: bytes('k'),
        value: Buffer.from([0, 255, 1]),
        headers: [
          ['One', bytes('1')],
          ['two', bytes('a')],
          ['two', bytes('b')],
        ],
      }
      await driver.produce([sent], bound)
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      const [received] = await reader.take(1)
      assert.ok(received)
      assert.equal(text(received.key), 'k')
      assert.deepEqual([...(received.value ?? [])], [0, 255, 1])
      assert.deepEqual(
        received.headers.map(([name, value]) => `${name}=${text(value)}`),
        ['One=1', 'two=a', 'two=b'],
      )
      assert.equal(received.topic, topic)
      assert.ok(Math.abs(received.timestampAt - Date.now()) < 60_000)
    },
  },
  {
    name: 'delivers a record without key and value',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await driver.produce([{ topic, key: null, value: null, headers: [] }], bound)
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      const [received] = await reader.take(1)
      assert.equal(received?.key, null)
      assert.equal(received?.value, null)
    },
  },
  {
    name: 'keeps the order of a key, and puts a key into one partition',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const keys = ['a', 'b', 'c', 'd', 'e']
      const records = Array.from({ length: 100 }, (_, index) => record(topic, keys[index % 5] ?? '', String(index)))
      await Promise.all(records.map((one) => driver.produce([one], bound)))
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      const received = await reader.take(100)
      for (const key of keys) {
        const ofKey = received.filter((one) => text(one.key) === key)
        assert.equal(new Set(ofKey.map(({ partition }) => partition)).size, 1)
        const values = ofKey.map(({ value }) => Number(text(value)))
        assert.deepEqual(
          values,
          values.toSorted((one, other) => one - other),
        )
      }
    },
  },
  {
    name: 'produces to the partition that is asked for',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await driver.produce(
        [0, 1, 2].map((partition) => ({ ...record(topic, 'k', String(partition)), partition })),
        bound,
      )
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      for (const { value, partition } of await reader.take(3)) assert.equal(text(value), String(partition))
    },
  },
  {
    name: 'keeps the time that a producer says',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const timestampAt = 1_700_000_000_123
      await driver.produce([{ ...record(topic, 'k', 'v'), timestampAt }], bound)
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      const [received] = await reader.take(1)
      assert.equal(received?.timestampAt, timestampAt)
    },
  },
  {
    name: 'does not begin to produce when the signal has fired',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const refused = driver.produce([record(topic, 'k', 'never')], { ...bound, signal: AbortSignal.abort() })
      await assert.rejects(refused, { code: 'cancelled' })
      await driver.produce([record(topic, 'k', 'sent')], bound)
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      const [received] = await reader.take(1)
      assert.equal(text(received?.value), 'sent')
    },
  },
  {
    name: 'wakes a reader that waits',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      for (const value of ['1', '2', '3']) {
        const taken = reader.take(1)
        await driver.produce([record(topic, 'k', value)], bound)
        assert.equal(text((await taken)[0]?.value), value)
      }
    },
  },
]
