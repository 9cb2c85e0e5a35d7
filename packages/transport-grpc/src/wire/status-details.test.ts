import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { type ErrorDetails, ServiceError } from '@tenon/core/transport'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readDetails, readRequestId, writeDetails } from './status-details.ts'

/** The least that the longest line of a status leaves. */
const limitBytes = 5_136

const write = (reason: string | undefined, details?: ErrorDetails) =>
  writeDetails(
    new ServiceError('invalid_argument', 'refused', {
      ...(reason === undefined ? {} : { reason }),
      ...(details ? { details } : {}),
    }),
    { status: 3, domain: 'user', limitBytes },
  )
const read = (bytes: Buffer | undefined) => readDetails(bytes ?? Buffer.alloc(0))

test('reason, violations and retry delay come back as they went', () => {
  const violations = [
    { field: '/name', message: 'is required', rule: 'required' },
    { field: '', message: 'größer', rule: 'custom' },
  ]
  const details = { violations, retryDelayMs: 1_500.25 }
  expect(read(write('form', details))).toEqual({ reason: 'form', details })
  expect(read(write(undefined, { violations: [] }))).toEqual({ details: { violations: [] } })
  expect(read(write('draining'))).toEqual({ reason: 'draining' })
})

test('an error with none of them has no details', () => {
  expect(write(undefined)).toBeUndefined()
  expect(write(undefined, {})).toBeUndefined()
})

test("a service's own details come through beside the others", () => {
  const details = { orderId: 'o-1', left: { cents: 120 }, retryDelayMs: 10 }
  expect(read(write('gone', details))).toEqual({ reason: 'gone', details })
})

test('a delay that is none is left out', () => {
  for (const retryDelayMs of [-1, Number.NaN, Number.POSITIVE_INFINITY])
    expect(write(undefined, { retryDelayMs })).toBeUndefined()
  expect(read(write(undefined, { retryDelayMs: 999.999_999_9 }))).toEqual({ details: { retryDelayMs: 999.999_999 } })
})

test('more violations than headers can hold are cut off', () => {
  const violations = Array.from({ length: 5_000 }, (_, index) => ({
    field: `/items/${index}`,
    message: 'is required',
    rule: 'required',
  }))
  const bytes = write('form', { violations })
  expect(bytes?.length).toBeLessThan(5_000)
  const { reason, details } = read(bytes)
  expect(reason).toBe('form')
  expect(details?.violations).toEqual(violations.slice(0, details?.violations?.length))
  expect(details?.violations?.length).toBeGreaterThan(50)
})

test.each([10, 1_000, 3_000, 20_000, 100_000])('a field of %i characters is cut, and its violation kept', (length) => {
  const field = `/tags/${'k'.repeat(length)}`
  const violations = [{ field, message: 'must be >= 1', rule: 'minimum' }]
  const bytes = write(undefined, { violations })
  expect(bytes?.length).toBeLessThan(1_300)
  const [found] = read(bytes).details?.violations ?? []
  expect(found).toMatchObject({ message: 'must be >= 1', rule: 'minimum' })
  if (field.length <= 1_024) expect(found?.field).toBe(field)
  else expect(found?.field).toBe(`${field.slice(0, 1_021)}…`)
})

test('the largest of everything stays below what headers may hold', () => {
  const long = '\u20ac'.repeat(100_000)
  const violations = [
    { field: long, message: long, rule: long },
    ...Array.from({ length: 500 }, () => ({ field: '/a', message: 'b', rule: 'c' })),
  ]
  const error = new ServiceError('invalid_argument', long, {
    reason: long,
    details: { violations, retryDelayMs: 315_576_000_000_000, own: 'x'.repeat(680) },
  })
  const bytes = writeDetails(error, { status: 3, domain: long, callId: 'c'.repeat(128), limitBytes })
  expect(Math.ceil((bytes?.length ?? 0) / 3) * 4).toBeLessThan(6_850)
  expect(readRequestId(bytes ?? Buffer.alloc(0))).toBe('c'.repeat(128))
  const { reason, details } = read(bytes)
  expect(details).toMatchObject({ own: 'x'.repeat(680), retryDelayMs: 315_576_000_000_000 })
  // Of three bytes each: cut between two characters, and marked.
  expect(reason).toBe(`${'\u20ac'.repeat(41)}…`)
  expect(details?.violations?.[0]).toEqual({
    field: `${'\u20ac'.repeat(340)}…`,
    message: `${'\u20ac'.repeat(169)}…`,
    rule: `${'\u20ac'.repeat(41)}…`,
  })
})

test('foreign details are passed over, and what other implementations leave out has its default', () => {
  const any = (url: string, value: Uint8Array) => (writer: BinaryWriter) =>
    writer
      .uint32(0x1a)
      .fork()
      .uint32(0x0a)
      .string(`type.googleapis.com/google.rpc.${url}`)
      .uint32(0x12)
      .bytes(value)
      .join()
  const writer = new BinaryWriter().uint32(0x08).int32(3)
  any('Help', Uint8Array.of(1, 2, 3))(writer)
  any('BadRequest', new BinaryWriter().uint32(0x0a).fork().uint32(0x0a).string('name').join().finish())(writer)
  expect(readDetails(writer.finish())).toEqual({
    details: { violations: [{ field: 'name', message: '', rule: 'custom' }] },
  })
})

test('whatever is written is read as it was, the name of the call included', () => {
  const word = fc.stringMatching(/^[a-z_]{1,40}$/)
  const line = fc.string({ unit: 'grapheme', maxLength: 60 }).filter((text) => text.isWellFormed())
  const violation = fc.record({ field: line, message: line, rule: word })
  const facts = fc.record({
    reason: fc.option(word, { nil: undefined }),
    violations: fc.option(fc.array(violation, { maxLength: 5 }), { nil: undefined }),
    retryDelayMs: fc.option(fc.nat(), { nil: undefined }),
    own: fc.option(fc.dictionary(word, fc.oneof(line, fc.boolean(), fc.integer()), { maxKeys: 3 }), { nil: undefined }),
    callId: fc.option(fc.uuid(), { nil: undefined }),
  })
  fc.assert(
    fc.property(facts, ({ reason, violations, retryDelayMs, own, callId }) => {
      const isOwnSent = own !== undefined && Object.keys(own).length > 0
      const details = {
        ...(violations && { violations }),
        ...(retryDelayMs !== undefined && { retryDelayMs }),
        ...(isOwnSent && { own }),
      }
      const hasDetails = Object.keys(details).length > 0
      const error = new ServiceError('aborted', 'refused', {
        ...(reason !== undefined && { reason }),
        ...(hasDetails && { details }),
      })
      const bytes = writeDetails(error, { status: 10, domain: 'user', callId, limitBytes }) ?? Buffer.alloc(0)
      expect(readDetails(bytes)).toEqual({ ...(reason !== undefined && { reason }), ...(hasDetails && { details }) })
      expect(readRequestId(bytes)).toBe(callId)
    }),
  )
})

test('a name of the call that could forge a line of a log is none', () => {
  for (const callId of ['a b', '', 'x'.repeat(129), 'a\n{"level":60}']) {
    const bytes = writeDetails(new ServiceError('aborted', 'refused'), {
      status: 10,
      domain: 'user',
      callId,
      limitBytes,
    })
    expect(readRequestId(bytes ?? Buffer.alloc(0))).toBeUndefined()
  }
})

test('details that cannot be read are none', () => {
  expect(readDetails(Uint8Array.of(0x1a, 0x7f, 1))).toEqual({})
  expect(readRequestId(Uint8Array.of(0x1a, 0x7f, 1))).toBeUndefined()
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void [readDetails(bytes), readRequestId(bytes)]))
})

test('details of which bytes were changed or lost hurt nobody', () => {
  const details = {
    violations: [{ field: '/a', message: 'b', rule: 'c' }],
    retryDelayMs: 1_500,
    own: { list: [1, null] },
  }
  const error = new ServiceError('aborted', 'refused', { reason: 'gone', details })
  const whole = writeDetails(error, { status: 10, domain: 'user', callId: 'req-1', limitBytes }) ?? Buffer.alloc(0)
  const at = fc.nat({ max: whole.length - 1 })
  fc.assert(
    fc.property(fc.array(fc.tuple(at, fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }), at, (changes, end) => {
      const bytes = Uint8Array.from(whole)
      for (const [place, value] of changes) bytes[place] = value
      for (const hostile of [bytes, bytes.subarray(0, end)]) {
        const { reason, details: found } = readDetails(hostile)
        expect(reason === undefined || typeof reason === 'string').toBe(true)
        expect(found === undefined || typeof found === 'object').toBe(true)
        readRequestId(hostile)
      }
    }),
    { numRuns: 2_000 },
  )
})
