import { expect, test } from 'vitest'
import { KeyFence } from './key-fence.ts'
import { type FetchedRecord, OpenRecords } from './open-records.ts'

const key = Buffer.from('a')
const nothingWaits: ReadonlyMap<number, unknown> = new Map()

function opened() {
  const fence = new KeyFence('key')
  const open = new OpenRecords(fence)
  const place = fence.placeOf(key) ?? -1
  const fetch = (offset: number, facts: Partial<FetchedRecord> = {}) =>
    open.fetch({
      offset,
      sourceOffset: 100 + offset,
      place,
      hasFailed: false,
      storedAt: offset,
      sequence: undefined,
      ...facts,
    })
  return { fence, open, place, fetch, isUp: () => fence.isUp(key) }
}

test('a fence is up from the writing of a message until its outcome is committed', () => {
  const { open, place, fetch, isUp } = opened()
  void open.write(1, { place, hasFailed: true })
  open.stored(1)
  expect([isUp(), open.isBehind, open.unhandledCount]).toEqual([true, true, 1])
  fetch(7, { sequence: 1, hasFailed: true })
  expect([isUp(), open.isBehind, open.unhandledCount, open.isUnbegun(7)]).toEqual([true, false, 1, true])
  expect(open.handled(7)).toBe(place)
  expect([isUp(), open.unhandledCount, open.isUnbegun(7), open.isEmpty]).toEqual([true, 0, false, false])
  open.committed(8)
  expect([isUp(), open.isEmpty]).toEqual([false, true])
})

test('what is not stored lowers its fence, and what is read back before its answer counts once', async () => {
  const { open, place, fetch, isUp } = opened()
  void open.write(1, { place, hasFailed: false })
  open.withdraw(1)
  expect([isUp(), open.unhandledCount]).toEqual([false, 0])
  const readBack = open.write(2, { place, hasFailed: false })
  fetch(3, { sequence: 2 })
  expect(await readBack).toBe('stored')
  open.stored(2)
  expect([open.isBehind, open.unhandledCount]).toEqual([false, 1])
  open.handled(3)
  open.done([3])
  expect(isUp()).toBe(false)
})

test('the fence of records that were removed falls when a later one is read back', () => {
  const { open, place, fetch, isUp } = opened()
  open.load(3, place)
  open.load(4, place)
  void open.write(1, { place, hasFailed: true })
  open.stored(1)
  void open.write(2, { place: undefined, hasFailed: true })
  open.stored(2)
  fetch(9, { place: undefined, sequence: 2, hasFailed: true })
  expect([isUp(), open.isBehind, open.unhandledCount]).toEqual([false, false, 1])
})

test('the fence does not fall for a moment when a record is read back', () => {
  const { fence, open, place, fetch } = opened()
  open.load(3, place)
  let hasFallen = false
  void fence.untilDown(place, new AbortController().signal).then(() => (hasFallen = true))
  fetch(3)
  return Promise.resolve().then(() => expect(hasFallen).toBe(false))
})

test('tells of what has its outcome behind something that has none, in order, and not more than is wanted', () => {
  const { open, fetch } = opened()
  for (const offset of [1, 2, 3, 4, 5]) fetch(offset)
  for (const offset of [1, 3, 5, 4]) open.handled(offset)
  expect(open.handledBehind(9)).toEqual([3, 4, 5])
  expect(open.handledBehind(2)).toEqual([3, 4])
  open.done([3])
  expect(open.handledBehind(9)).toEqual([4, 5])
  open.handled(2)
  expect(open.handledBehind(9)).toEqual([])
})

test('a place is stuck while one of its messages failed, or waits', () => {
  const { open, place, fetch } = opened()
  expect(open.isStuck(place, nothingWaits)).toBe(false)
  open.load(1, place)
  expect(open.isStuck(place, nothingWaits)).toBe(true)
  fetch(1)
  expect([open.isStuck(place, nothingWaits), open.isStuck(place, new Map([[101, 'retried']]))]).toEqual([false, true])
  fetch(2, { hasFailed: true })
  expect(open.isStuck(place, nothingWaits)).toBe(true)
  expect(open.handled(2)).toBeUndefined()
  expect(open.isStuck(place, nothingWaits)).toBe(false)
  expect(open.handled(1)).toBe(place)
})

test('the oldest that is meant is the first without an outcome', () => {
  const { open, fetch } = opened()
  for (const offset of [3, 4, 5, 6]) fetch(offset, { storedAt: 10 * offset })
  open.handled(4)
  const halted = new Set([104, 105, 106])
  const oldest = () => open.oldestStoredAt((sourceOffset) => halted.has(sourceOffset))
  expect(oldest()).toBe(50)
  halted.delete(105)
  expect(oldest()).toBe(60)
  halted.clear()
  expect(oldest()).toBeUndefined()
})

test('one that is put back may be begun again, and is gone when what lies there was not read', () => {
  const { open, fetch, isUp } = opened()
  for (const offset of [3, 4, 5]) fetch(offset)
  open.begin(3)
  open.begin(4)
  expect([open.isUnbegun(4), open.firstOffset]).toEqual([false, 3])
  open.putBack(4)
  expect([open.isUnbegun(4), open.isKnown(4), open.unhandledCount]).toEqual([true, true, 3])
  expect([open.passPutBack(4, 5), open.isKnown(4), open.unhandledCount, open.firstOffset]).toEqual([1, false, 2, 3])
  open.handled(3)
  expect([open.firstOffset, open.passPutBack(0, 6), open.firstOffset, isUp()]).toEqual([5, 1, undefined, true])
  open.done([3])
  expect(isUp()).toBe(false)
})
