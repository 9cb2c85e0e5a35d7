import { expect, test } from 'vitest'
import { CountedRecords, type JudgedRecord, ownerName } from './counted-records.ts'

const [first, second, third] = [ownerName(0, 1), ownerName(10, 2), ownerName(20, 3)]
const message = (offset: number, owner: string, sequence: number, sourceOffset: number): JudgedRecord => ({
  kind: 'message',
  offset,
  owner,
  sequence,
  sourceOffset,
})
const takeover = (offset: number, owner: string, fromOffset: number, untilOffset: number): JudgedRecord => ({
  kind: 'takeover',
  offset,
  owner,
  sequence: 1,
  sourceOffset: fromOffset,
  untilOffset,
})

const done = (offset: number, owner: string, untilOffset: number, doneOffsets: readonly number[]): JudgedRecord => ({
  kind: 'done',
  offset,
  owner,
  sequence: 10 + offset,
  sourceOffset: 0,
  untilOffset,
  doneOffsets,
})

/** The offsets of those that count for an owner that begins behind these records. */
function countedOf(records: readonly JudgedRecord[], committedOffset = 20) {
  const counted = new CountedRecords({ owner: third, committedOffset })
  for (const record of records) counted.load(record)
  const isTakenOver = counted.endLoading()
  return { counted, isTakenOver, offsets: [...counted.loaded] }
}

test('of what others wrote only that counts which lies before the commit of the source', () => {
  const { offsets, isTakenOver } = countedOf([message(0, first, 1, 19), message(1, first, 2, 20)])
  expect([offsets, isTakenOver]).toEqual([[0], true])
})

test('what was stored twice counts once, also behind what is done with', () => {
  const batch = [message(0, first, 1, 1), message(1, first, 2, 2), message(2, first, 1, 1), message(3, first, 2, 2)]
  expect(countedOf(batch).offsets).toEqual([0, 1])
  const counted = new CountedRecords({ owner: third, committedOffset: 20 })
  for (const record of batch.slice(0, 2)) counted.skip(record)
  for (const record of batch.slice(2)) counted.load(record)
  expect([...counted.loaded]).toEqual([])
})

test('what an earlier owner had left to the source stays so, whatever is committed later', () => {
  const log = [message(0, first, 1, 9), message(1, first, 2, 15), takeover(2, second, 10, 2), message(3, second, 2, 15)]
  expect(countedOf(log).offsets).toEqual([0, 3])
})

test('a takeover says nothing of what was written after its owner had looked', () => {
  const log = [message(0, first, 1, 9), message(1, second, 2, 15), takeover(2, first, 0, 1)]
  expect(countedOf(log).offsets).toEqual([0, 1])
})

test('of two owners that set a message aside without knowing of each other the later one counts', () => {
  const log = [message(0, second, 1, 15), message(1, first, 1, 15), message(2, first, 2, 16), message(3, second, 2, 16)]
  expect(countedOf(log).offsets).toEqual([0, 3])
})

test('what comes later counts when it is its own, and what a fenced owner adds does not', () => {
  const { counted } = countedOf([message(0, first, 1, 9)])
  expect(counted.judge(message(0, first, 1, 9))).toBe('counts')
  expect(counted.judge(message(1, third, 1, 30))).toBe('counts')
  expect(counted.judge(message(2, third, 1, 30))).toBe('passed')
  expect(counted.judge(message(3, second, 1, 31))).toBe('passed')
  expect(counted.judge(message(4, second, 2, 9))).toBe('passed')
})

test('what is said to be done with does not count, and what is left of it is taken over', () => {
  const log = [message(0, first, 1, 1), message(1, first, 2, 2), message(2, first, 3, 3), done(3, first, 0, [1, 2, 7])]
  expect(countedOf(log)).toMatchObject({ offsets: [0], isTakenOver: true })
  const all = [message(0, first, 1, 1), done(1, second, 1, [0])]
  expect(countedOf(all)).toMatchObject({ offsets: [], isTakenOver: false })
})

test('what a fenced owner says is done with counts for nothing, wherever it lies', () => {
  const open = [message(0, first, 1, 1), message(1, first, 2, 2)]
  expect(countedOf([...open, takeover(2, second, 10, 2), done(3, first, 0, [1])]).offsets).toEqual([0, 1])
  expect(countedOf([...open, done(2, first, 0, [1]), takeover(3, second, 10, 2)]).offsets).toEqual([0, 1])
  expect(countedOf([...open, done(2, first, 0, [1]), takeover(3, second, 10, 3)]).offsets).toEqual([0])
})

test('what an owner says after it took over counts, though a fenced one takes over later', () => {
  const open = [message(0, first, 1, 1), message(1, first, 2, 2), takeover(2, second, 10, 2)]
  expect(countedOf([...open, done(3, second, 2, [1]), takeover(4, first, 0, 1)]).offsets).toEqual([0])
  expect(countedOf([...open, done(3, second, 2, [1]), takeover(4, first, 0, 2)]).offsets).toEqual([0])
  expect(countedOf([...open, takeover(3, first, 0, 2), done(4, first, 2, [1])]).offsets).toEqual([0, 1])
})

test('what is done with needs no telling apart from what comes of its message', () => {
  const { counted } = countedOf([message(0, first, 1, 9)])
  counted.judge(message(0, first, 1, 9))
  counted.release(9)
  expect(counted.judge(message(4, second, 2, 9))).toBe('counts')
})
