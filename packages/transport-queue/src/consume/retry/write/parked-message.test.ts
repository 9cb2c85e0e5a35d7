import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import type { ReceivedRecord } from '../../../queue-driver.ts'
import { mostDoneCount, readParked, toDone, toParked, toTakeover } from './parked-message.ts'

const topic = 'shop.order.placed.v1.retry.user'
const source: ReceivedRecord = {
  topic: 'shop.order.placed.v1',
  partition: 3,
  offset: 42,
  timestampAt: 1_000,
  key: Buffer.from('k'),
  value: Buffer.from('{}'),
  headers: [['ce_id', Buffer.from('1')]],
}
const history = { dueAt: 5_000, firstFailedAt: 2_000, failureCount: 3, countedCount: 1 }
const stored = (record: ReturnType<typeof toParked>): ReceivedRecord => ({
  ...record,
  partition: record.partition ?? 0,
  offset: 7,
  timestampAt: 9_000,
})

test('a message that was set aside is read back as it lay in its source, with how it failed', () => {
  const record = toParked(source, { topic, owner: 'a', sequence: 2, history })
  expect(record).toMatchObject({ topic, partition: 3 })
  expect(record.timestampAt).toBeUndefined()
  expect(readParked(stored(record), source.topic)).toEqual({
    kind: 'message',
    owner: 'a',
    sequence: 2,
    source,
    history,
  })
})

test('one that was halted is read back as that, and without attempts for who does not know of halts', () => {
  const halt = { round: 'r', code: 'internal', attemptCount: 5, sinceAt: 8_000 } as const
  const record = toParked(source, { topic, owner: 'a', sequence: 2, history: { ...history, halt } })
  const read = readParked(stored(record), source.topic)
  expect(read).toMatchObject({ source, history: { halt, failureCount: 0, countedCount: 0 } })
  const others = record.headers.filter(([name]) => name !== 'tenon-retry-halted')
  expect(readParked(stored({ ...record, headers: others }), source.topic)).toMatchObject({ history: undefined })
})

test('one that was given up is read back as that, and as one that failed for who does not know of those', () => {
  const error = new ServiceError('data_loss', 'broken', { reason: 'torn', cause: new Error('half a page') })
  const givenUp = { error, attemptCount: 3, firstFailedAt: 2_000, failedAt: 4_000 }
  const record = toParked(source, { topic, owner: 'a', sequence: 2, history: { ...history, givenUp } })
  const read = readParked(stored(record), source.topic)
  expect(read).toMatchObject({ source, history: { ...history, givenUp: { ...givenUp, error: {} } } })
  const found = read?.kind === 'message' ? read.history?.givenUp?.error : undefined
  expect([found?.code, found?.reason, found?.message]).toEqual(['data_loss', 'torn', 'broken: half a page'])
  const others = record.headers.filter(([name]) => name !== 'tenon-retry-given-up')
  const unknowing = readParked(stored({ ...record, headers: others }), source.topic)
  expect(unknowing).toMatchObject({ kind: 'message', source, history })
  expect(unknowing).not.toHaveProperty('history.givenUp')
})

test.each(['', '1 2 3', '1 2 x internal', '1 2 3 oops'])(
  'what says less than how it was given up is none: %j',
  (text) => {
    const record = toParked(source, { topic, owner: 'a', sequence: 2, history })
    const headers = [...record.headers, ['tenon-retry-given-up', Buffer.from(text)] as const]
    expect(readParked(stored({ ...record, headers }), source.topic)).not.toHaveProperty('history.givenUp')
  },
)

test.each(['', 'r', 'r 1 2', 'r x 2 internal', 'r 1 2 oops'])('a halt that says nothing is none: %j', (text) => {
  const record = toParked(source, { topic, owner: 'a', sequence: 2, history: undefined })
  const headers = [...record.headers, ['tenon-retry-halted', Buffer.from(text)] as const]
  expect(readParked(stored({ ...record, headers }), source.topic)).toMatchObject({ history: undefined })
})

test('one that is set aside again has the facts of the last time only', () => {
  const once = toParked(source, { topic, owner: 'a', sequence: 2, history })
  const headers = [...once.headers, ...source.headers]
  const again = toParked({ ...source, headers }, { topic, owner: 'b', sequence: 1, history: undefined })
  const read = readParked(stored(again), source.topic)
  expect(read).toMatchObject({ owner: 'b', sequence: 1, history: undefined })
})

test('a takeover is read back', () => {
  const record = toTakeover({ topic, partition: 3, owner: 'a', sequence: 1, fromOffset: 10, untilOffset: 20 })
  const expected = { kind: 'takeover', owner: 'a', sequence: 1, fromOffset: 10, untilOffset: 20 }
  expect(readParked(stored(record), source.topic)).toEqual(expected)
})

test.each([
  [[7], '7'],
  [[7, 8], '7-8'],
  [[1, 2, 3, 9, 11, 12], '1-3,9,11-12'],
])('what is done with is read back: %j', (offsets, text) => {
  const record = toDone({ topic, partition: 3, owner: 'a', sequence: 1, untilOffset: 20, offsets })
  expect(record.headers.map(([, value]) => String(value))).toContain(text)
  const expected = { kind: 'done', owner: 'a', sequence: 1, untilOffset: 20, offsets }
  expect(readParked(stored(record), source.topic)).toEqual(expected)
})

test.each(['', '1,', '3-1', 'x', '1-2-3', '-1', '0-99999999999', `0-${mostDoneCount}`])(
  'a record that is done with "%s" is nobody’s',
  (text) => {
    const { headers, ...record } = toDone({
      topic,
      partition: 3,
      owner: 'a',
      sequence: 1,
      untilOffset: 20,
      offsets: [1],
    })
    const changed = headers.map(
      ([name, value]) => [name, name === 'tenon-retry-done' ? Buffer.from(text) : value] as const,
    )
    expect(readParked(stored({ ...record, headers: changed }), source.topic)).toBeUndefined()
  },
)

test.each(['', '-1', '1.5e400', 'x'])('a record whose sequence is "%s" is nobody’s', (sequence) => {
  const headers = [
    ['tenon-retry-owner', Buffer.from('a')],
    ['tenon-retry-offset', Buffer.from('1')],
    ['tenon-retry-sequence', Buffer.from(sequence)],
  ] as const
  expect(readParked({ ...source, headers }, source.topic)).toBeUndefined()
})
