import { expect, test } from 'vitest'
import type { PartitionProgress, ReceivedRecord } from '../../../queue-driver.ts'
import { CountedRecords } from './counted-records.ts'
import { KeyFence } from '../fence/key-fence.ts'
import { OpenRecords } from '../fence/open-records.ts'
import { toParked } from '../write/parked-message.ts'
import { ReadBack } from './read-back.ts'

const topic = 'orders.retry.user'
const owner = '0.1.own'
const key = Buffer.from('a')

/** An owner that found the retry topic to end at offset 5, and has stored two messages since. */
function readBackOfTwo() {
  const fence = new KeyFence('key')
  const open = new OpenRecords(fence)
  const bounds = { earliestOffset: 0, nextOffset: 0 }
  let goneCount = 0
  let base = 0
  const readBack = new ReadBack({
    topic,
    source: { partition: 0, revoked: new AbortController().signal },
    consumer: { topic: 'orders', group: 'user' },
    progress: {
      describe: async (): Promise<readonly PartitionProgress[]> => [{ partition: 0, committedOffset: 0, ...bounds }],
    },
    fence,
    open,
    baseOffset: () => base,
    passed: (count) => void (goneCount += count),
  })
  readBack.begin({ counted: new CountedRecords({ owner, committedOffset: 0 }), endOffset: 5 })
  for (const sequence of [1, 2]) {
    void open.write(sequence, { place: fence.placeOf(key), hasFailed: true })
    open.stored(sequence)
  }
  /** How many are gone when nothing was found, and where the topic begins and ends. */
  const foundNothing = async (earliestOffset: number, nextOffset: number) => {
    Object.assign(bounds, { earliestOffset, nextOffset })
    expect(await readBack.foundNothing(base + earliestOffset)).toBe(base + earliestOffset)
    return goneCount
  }
  const restartAt = (offset: number) => {
    base = offset
    readBack.restartAt(offset)
    return goneCount
  }
  return { readBack, open, foundNothing, restartAt, isUp: () => fence.isUp(key) }
}

/** The message of that sequence, as it lies in the retry topic. */
function stored(offset: number, sequence: number): ReceivedRecord {
  const source = { topic: 'orders', partition: 0, offset: sequence, timestampAt: 0, key, value: null, headers: [] }
  return { ...toParked(source, { topic, owner, sequence, history: undefined }), partition: 0, offset, timestampAt: 0 }
}

test('an end that lags takes nothing for gone, whatever retention has taken before', async () => {
  const { open, foundNothing, isUp } = readBackOfTwo()
  for (const offset of [0, 4, 5]) expect(await foundNothing(offset, offset)).toBe(0)
  // One of the two is gone, and nobody knows yet that it is the first.
  expect(await foundNothing(6, 6)).toBe(0)
  expect([open.isBehind, open.unhandledCount, isUp()]).toEqual([true, 2, true])
  expect(await foundNothing(7, 7)).toBe(2)
  expect([open.isBehind, open.unhandledCount, isUp()]).toEqual([false, 0, false])
})

test('nothing is gone while the topic goes on behind what is', async () => {
  const { foundNothing } = readBackOfTwo()
  expect(await foundNothing(9, 10)).toBe(0)
  expect(await foundNothing(10, 10)).toBe(2)
})

test('what is gone is counted from where the next of its own may lie', async () => {
  const { readBack, foundNothing } = readBackOfTwo()
  readBack.fetched([stored(7, 1)], 5)
  for (const offset of [7, 8]) expect(await foundNothing(offset, offset)).toBe(0)
  expect(await foundNothing(9, 9)).toBe(1)
})

test('and from where a topic begins that was not known at the assignment', async () => {
  const { readBack, foundNothing } = readBackOfTwo()
  readBack.startAt(100)
  for (const offset of [100, 101]) expect(await foundNothing(offset, offset)).toBe(0)
  expect(await foundNothing(102, 102)).toBe(2)
})

test('all that was stored in a topic that is gone is gone, and the next one begins behind it', async () => {
  const { open, restartAt, foundNothing, isUp } = readBackOfTwo()
  expect([restartAt(7), open.isBehind, isUp()]).toEqual([2, false, false])
  void open.write(3, { place: undefined, hasFailed: true })
  open.stored(3)
  expect(await foundNothing(0, 0)).toBe(2)
  expect(await foundNothing(1, 1)).toBe(3)
})
