import assert from 'node:assert/strict'
import type { QueueDriver, ReceivedRecord } from '../../queue-driver.ts'
import { bound, type DriverCase, never, prepare, record, text } from './driver-case.ts'

/** What is read on of a partition without a group, and where reading begins. */
export const followingCases: readonly DriverCase[] = [
  {
    name: 'reads a partition on without an end, in order, each record once, and nothing of other partitions',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const other = await harness.connect()
      await fill(driver, topic, ['0', '1', '2'])
      const following = new Following(other, topic, 1)
      assert.deepEqual(await following.take(2), ['1', '2'])
      for (let value = 3; value < 20; value++) {
        await driver.produce([{ ...record(topic, 'k', 'other'), partition: 0 }], bound)
        await fill(driver, topic, [String(value)])
        assert.deepEqual(await following.take(1), [String(value)])
      }
      await following.end()
    },
  },
  {
    name: 'gives what is stored all at once to each of those who read on',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const followings = [new Following(driver, topic, 0), new Following(await harness.connect(), topic, 0)]
      const values = Array.from({ length: 2_500 }, (_, index) => String(index))
      const taking = followings.map((following) => following.take(values.length))
      await fill(driver, topic, values)
      for (const taken of await Promise.all(taking)) assert.deepEqual(taken, values)
      for (const following of followings) await following.end()
    },
  },
  {
    name: 'ends reading on when the signal fires, also while nothing comes, and when the loop is left',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const place = { topic, partition: 2, fromOffset: 0 }
      const ending = new AbortController()
      const waiting = driver.follow(place, ending.signal)[Symbol.asyncIterator]()
      const next = waiting.next()
      ending.abort()
      assert.equal((await next).done, true)
      for await (const _ of driver.follow(place, AbortSignal.abort())) assert.fail('expected no records')
      await driver.produce([{ ...record(topic, 'k', '0'), partition: 2 }], bound)
      for await (const [first] of driver.follow(place, never)) {
        assert.equal(text(first?.value), '0')
        break
      }
    },
  },
  {
    name: 'says of an offset beyond the end that it is out of range, and of what does not exist that it is not there',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await fill(driver, topic, ['0'])
      const first = (topicName: string, partition: number, fromOffset: number) =>
        driver.follow({ topic: topicName, partition, fromOffset }, never)[Symbol.asyncIterator]().next()
      await assert.rejects(first(topic, 1, 5), { code: 'out_of_range' })
      await assert.rejects(first(topic, 3, 0), { code: 'not_found' })
      await assert.rejects(first(harness.unique('nothing'), 0, 0), { code: 'not_found' })
    },
  },
  {
    name: 'leaves nothing at the broker: a group of the same name as the reader has committed nothing',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await fill(driver, topic, ['0'])
      const following = new Following(driver, topic, 0)
      await following.take(1)
      await following.end()
      const progress = await driver.describe(topic)
      assert.deepEqual(
        progress.map(({ nextOffset, committedOffset }) => [nextOffset, committedOffset]),
        [0, 1, 0].map((nextOffset) => [nextOffset, undefined]),
      )
    },
  },
  {
    name: 'tells where to begin: at the oldest, behind the newest, or at the first that is not before a moment',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      assert.deepEqual(await driver.offsetsAt(topic, 'latest'), [0, 0, 0])
      const times = [1_000, 3_000, 2_000, 5_000]
      for (const timestampAt of times)
        await driver.produce([{ ...record(topic, 'k', 'v'), partition: 1, timestampAt: base + timestampAt }], bound)
      await driver.produce([{ ...record(topic, 'k', 'v'), partition: 2, timestampAt: base + 9_000 }], bound)
      assert.deepEqual(await driver.offsetsAt(topic, 'earliest'), [0, 0, 0])
      assert.deepEqual(await driver.offsetsAt(topic, 'latest'), [0, 4, 1])
      const expected = { 0: 0, 1_000: 0, 1_001: 1, 3_000: 1, 3_001: 3, 5_000: 3, 5_001: 4 }
      for (const [at, offset] of Object.entries(expected))
        assert.deepEqual(await driver.offsetsAt(topic, { startAt: base + Number(at) }), [0, offset, 0])
      assert.deepEqual(await driver.offsetsAt(topic, { startAt: base + 9_001 }), [0, 4, 1])
      await assert.rejects(driver.offsetsAt(harness.unique('nothing'), 'latest'), { code: 'not_found' })
    },
  },
]

/** Recent, or retention would take what is as old. */
const base = Date.now() - 60_000

/** Puts the values into partition 1, in one order. */
async function fill(driver: QueueDriver, topic: string, values: readonly string[]): Promise<void> {
  await driver.produce(
    values.map((value) => ({ ...record(topic, 'k', value), partition: 1 })),
    bound,
  )
}

/** Reads partition 1 on, some records at a time. */
class Following {
  readonly #records: AsyncIterator<readonly ReceivedRecord[]>
  #left: readonly ReceivedRecord[] = []

  constructor(driver: QueueDriver, topic: string, fromOffset: number) {
    this.#records = driver.follow({ topic, partition: 1, fromOffset }, never)[Symbol.asyncIterator]()
  }

  async take(count: number): Promise<readonly (string | undefined)[]> {
    while (this.#left.length < count) {
      const step = await this.#records.next()
      assert.equal(step.done, false)
      this.#left = this.#left.concat(step.value ?? [])
    }
    const taken = this.#left.slice(0, count)
    this.#left = this.#left.slice(count)
    return taken.map(({ value }) => text(value))
  }

  async end(): Promise<void> {
    await this.#records.return?.()
  }
}
