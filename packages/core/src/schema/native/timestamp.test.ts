import fc from 'fast-check'
import Type from 'typebox'
import { expect, it } from 'vitest'
import { compileSchema, type SchemaResult } from '../compiled-schema.ts'
import { type Schema, toJsonSchema } from '../schema.ts'
import { int64 } from './int64.ts'
import { compileJsonReader, compileJsonWriter } from './json-conversion.ts'
import { timestamp } from './timestamp.ts'

const schema = Type.Object({ at: timestamp() })

function faultsOf(at: unknown, of: Schema = schema): readonly string[] {
  const result = compileSchema(of).read({ at }) as SchemaResult
  return result.ok ? [] : result.violations.map(({ field, rule, message }) => `${field} ${rule}: ${message}`)
}

const otherForm = ['/at format: must be a date and time of RFC 3339, such as 2026-01-31T12:00:00.000Z']

it.each([
  '0001-01-01T00:00:00.000Z',
  '9999-12-31T23:59:59.999999999Z',
  '2024-02-29T23:59:59.000Z',
  '2026-01-31T12:00:00.123Z',
  '2026-01-31T12:00:00.000001Z',
  '2026-01-31T12:00:00.123000456Z',
])('takes %s', (at) => {
  expect(faultsOf(at)).toEqual([])
})

it.each([
  ['no digits of a second', '2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
  ['one digit', '2026-01-31T12:00:00.5Z', '2026-01-31T12:00:00.500Z'],
  ['four digits', '2026-01-31T12:00:00.1234Z', '2026-01-31T12:00:00.123400Z'],
  ['eight digits', '2026-01-31T12:00:00.12345678Z', '2026-01-31T12:00:00.123456780Z'],
  ['three digits too many', '2026-01-31T12:00:00.123000Z', '2026-01-31T12:00:00.123Z'],
  ['six digits too many', '2026-01-31T12:00:00.000000000Z', '2026-01-31T12:00:00.000Z'],
  ['three of nine digits too many', '2026-01-31T12:00:00.123456000Z', '2026-01-31T12:00:00.123456Z'],
  ['zeros before its last digit', '2026-01-31T12:00:00.0000010Z', '2026-01-31T12:00:00.000001Z'],
  ['an offset of nothing', '2026-01-31T12:00:00+00:00', '2026-01-31T12:00:00.000Z'],
  ['an offset to the east', '2026-01-01T01:30:00.25+05:45', '2025-12-31T19:45:00.250Z'],
  ['an offset to the west, over a leap day', '2024-02-29T23:59:59.999999999-23:59', '2024-03-01T23:58:59.999999999Z'],
  ['small letters', '2026-01-31t12:00:00z', '2026-01-31T12:00:00.000Z'],
  ['an offset in the first minute of all', '0001-01-01T00:00:00-00:01', '0001-01-01T00:01:00.000Z'],
])('is read with %s, and given its one spelling', (_name, at, spelled) => {
  expect(compileSchema(schema).read({ at })).toEqual({ ok: true, value: { at: spelled } })
})

it('is read in its one spelling from JSON, but not written in another', () => {
  const at = '2026-01-31T12:00:00Z'
  expect(compileJsonReader(toJsonSchema(schema))?.({ at })).toEqual({ at: '2026-01-31T12:00:00.000Z' })
  const listed = Type.Object({ ats: Type.Array(Type.Union([timestamp(), Type.Null()])) })
  expect(compileJsonReader(toJsonSchema(listed))?.({ ats: [at, null] })).toEqual({
    ats: ['2026-01-31T12:00:00.000Z', null],
  })
  expect(compileSchema(schema).write({ at })).toMatchObject({ ok: false, violations: [{ field: '/at' }] })
})

it.each([
  ['a moment in another spelling', '2026-01-31T12:00:00Z', 'must be written as toISOString() does'],
  ['a moment with an offset', '2026-01-31T12:00:00.000+01:00', 'must be written as toISOString() does'],
  ['what is no moment', '2026-01-31', 'must be a date and time of RFC 3339'],
])('tells those who write %s what is wrong with it: %s, %s', (_what, at, message) => {
  const told = { field: '/at', rule: 'format', message: `${message}, such as 2026-01-31T12:00:00.000Z` }
  expect(compileSchema(schema).write({ at })).toMatchObject({ ok: false, violations: [told] })
})

it('is the moment that Date makes of any spelling that a Date can read', () => {
  const dates = fc.date({
    min: new Date('0001-01-02T00:00:00Z'),
    max: new Date('9999-12-30T00:00:00Z'),
    noInvalidDate: true,
  })
  const offset = fc.tuple(fc.constantFrom('+', '-'), fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  const two = (number: number) => String(number).padStart(2, '0')
  fc.assert(
    fc.property(dates, offset, fc.integer({ min: 0, max: 3 }), (date, [sign, hour, minute], digitCount) => {
      const clock = date.toISOString().slice(0, 19)
      const digits = date.toISOString().slice(20, 20 + digitCount)
      const text = `${clock}${digitCount === 0 ? '' : `.${digits}`}${sign}${two(hour)}:${two(minute)}`
      expect(compileSchema(schema).read({ at: text })).toEqual({
        ok: true,
        value: { at: new Date(text).toISOString() },
      })
    }),
  )
})

it.each([
  ['a year that protobuf does not have', '0000-01-01T00:00:00.000Z'],
  ['a year that its offset leads out of', '0001-01-01T00:00:00+00:01'],
  ['a year that its offset leads beyond', '9999-12-31T23:59:59-00:01'],
  ['five digits of a year', '+10000-01-01T00:00:00.000Z'],
  ['a day that its month does not have', '2026-02-29T00:00:00.000Z'],
  ['a day that its month does not have, and an offset', '2026-02-29T00:00:00+01:00'],
  ['a leap second', '2016-12-31T23:59:60Z'],
  ['hour 24', '2026-01-01T24:00:00Z'],
  ['ten digits of a second', '2026-01-31T12:00:00.1234567890Z'],
  ['a point without digits', '2026-01-31T12:00:00.Z'],
  ['no zone', '2026-01-31T12:00:00'],
  ['an offset of 24 hours', '2026-01-31T12:00:00+24:00'],
  ['an offset without minutes', '2026-01-31T12:00:00+01'],
  ['a space for the T', '2026-01-31 12:00:00Z'],
  ['a day alone', '2026-01-31'],
  ['a line break', '2026-01-31T12:00:00.000Z\n'],
  ['nothing', ''],
])('refuses %s', (_name, at) => {
  expect(faultsOf(at)).toEqual(otherForm)
})

it.each([7, null, true, {}, []])('refuses %j, which is no text', (at) => {
  expect(faultsOf(at)).toEqual(['/at type: must be timestamp'])
})

it('takes what a Date writes, of every year it can have', () => {
  const dates = fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  })
  fc.assert(fc.property(dates, (date) => faultsOf(date.toISOString()).length === 0))
})

it('says to other readers of the schema no less than it checks, but for the days of a month', () => {
  const { pattern, format, type } = toJsonSchema(timestamp()) as Readonly<Record<string, string>>
  expect({ format, type }).toEqual({ format: 'date-time', type: 'string' })
  expect('2026-02-29T00:00:00.000Z').toMatch(new RegExp(String(pattern), 'u'))
  expect('2026-01-31T12:00:00.123000Z').not.toMatch(new RegExp(String(pattern), 'u'))
})

it('is the same text in JSON, also beside what is converted', () => {
  const both = Type.Object({ at: Type.Union([timestamp(), Type.Literal('never')]), id: int64() })
  const value = { at: '2026-01-31T12:00:00.000Z', id: 5n }
  const json: unknown = JSON.parse(compileJsonWriter(toJsonSchema(both))(value))
  expect(json).toEqual({ ...value, id: '5' })
  expect(compileJsonReader(toJsonSchema(both))?.(json)).toEqual(value)
  // Beside other text it stays as it came, for it may be that.
  expect(compileJsonReader(toJsonSchema(both))?.({ at: '2026-01-31T12:00:00Z', id: '5' })).toMatchObject({
    at: '2026-01-31T12:00:00Z',
  })
  expect(() => compileJsonReader(toJsonSchema(Type.Object({ at: Type.Union([timestamp(), int64()]) })))).toThrow(
    /int64 and text/,
  )
})

it('has a default, which is checked', () => {
  const initial = '2026-01-31T12:00:00.000Z'
  const absent = compileSchema(Type.Object({ at: timestamp({ default: initial }) })).read({}) as SchemaResult
  expect(absent).toMatchObject({ ok: true, value: { at: initial } })
  expect(() => timestamp({ default: '2026-01-31' })).toThrow(
    /default must be a moment.*"2026-01-31".*\[contract\.schema\]/,
  )
})

it("runs a schema's own refinement on text only", () => {
  const late = Type.Object({
    at: Type.Refine(
      timestamp(),
      (at) => at > '2026',
      () => 'must be late',
    ),
  })
  expect(faultsOf('2025-01-31T12:00:00.000Z', late)).toEqual(['/at custom: must be late'])
  expect(faultsOf(7, late)).toEqual(['/at type: must be timestamp'])
})
