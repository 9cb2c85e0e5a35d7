import { expect, test } from 'vitest'
import { readOwnDetails, writeOwnDetails } from './own-details.ts'

/** What is read of what is written, and the names of what is not. */
function carry(details: Readonly<Record<string, unknown>>, limitBytes = 512) {
  const refused: string[] = []
  const bytes = writeOwnDetails(details, { limitBytes, onRefused: (names) => refused.push(...names) })
  expect(bytes?.length ?? 0).toBeLessThanOrEqual(limitBytes)
  return { read: bytes && readOwnDetails(bytes), refused }
}
const carried = (details: Readonly<Record<string, unknown>>): unknown => carry(details).read

test('details of all JSON types come through', () => {
  const details = {
    text: 'ü',
    whole: 120,
    part: 0.5,
    no: false,
    none: null,
    list: ['a', 1, []],
    deep: { a: { b: {} } },
  }
  expect(carried(details)).toEqual(details)
})

test('what JSON leaves out is left out', () => {
  expect(carried({ gone: undefined, kept: 1, when: new Date(0) })).toEqual({
    kept: 1,
    when: '1970-01-01T00:00:00.000Z',
  })
})

test('no details, and such as JSON leaves out, are none', () => {
  expect(carry({})).toEqual({ read: undefined, refused: [] })
  expect(carry({ gone: undefined })).toEqual({ read: undefined, refused: [] })
})

test('an entry that JSON cannot say is named, and costs no other', () => {
  const ring: unknown[] = []
  ring.push(ring)
  expect(carry({ big: 1n, kept: 1, ring })).toEqual({ read: { kept: 1 }, refused: ['big', 'ring'] })
})

test('an entry that lies deeper than readers take is named, and costs no other', () => {
  const lists = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
  expect(carry({ flat: lists(48), kept: 1 }).read).toEqual({ flat: lists(48), kept: 1 })
  for (const depth of [60, 900])
    expect(carry({ deep: lists(depth), kept: 1 }, 6_000)).toEqual({ read: { kept: 1 }, refused: ['deep'] })
})

test('an entry is whole or not there at all', () => {
  expect(carried({ text: 'x'.repeat(480) })).toEqual({ text: 'x'.repeat(480) })
  expect(carry({ text: 'x'.repeat(512) })).toEqual({ read: undefined, refused: ['text'] })
  expect(carry({ text: 'ü'.repeat(300) })).toEqual({ read: undefined, refused: ['text'] })
  expect(carried({ text: '\u0001'.repeat(480) })).toEqual({ text: '\u0001'.repeat(480) })
})

test('entries that fit are kept, in their order, and the others are named', () => {
  const details = { orderId: 'o-1', log: 'x'.repeat(500), state: 'lost', dump: 'x'.repeat(5_000_000), last: [1] }
  expect(carry(details)).toEqual({
    read: { orderId: 'o-1', state: 'lost', last: [1] },
    refused: ['log', 'dump'],
  })
})

test('half of a surrogate pair is replaced, as UTF-8 has none', () => {
  expect(carried({ text: 'a\uD800' })).toEqual({ text: 'a\uD800'.toWellFormed() })
})
