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

const otherForm = ['/at format: must be a date and time in UTC with 3, 6 or 9 digits of a second']

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
  ['a year that protobuf does not have', '0000-01-01T00:00:00.000Z'],
  ['five digits of a year', '+10000-01-01T00:00:00.000Z'],
  ['a day that its month does not have', '2026-02-29T00:00:00.000Z'],
  ['a leap second', '2016-12-31T23:59:60.000Z'],
  ['hour 24', '2026-01-01T24:00:00.000Z'],
  ['no digits of a second', '2026-01-31T12:00:00Z'],
  ['four digits of a second', '2026-01-31T12:00:00.1234Z'],
  ['three digits too many', '2026-01-31T12:00:00.123000Z'],
  ['six digits too many', '2026-01-31T12:00:00.123000000Z'],
  ['three of nine digits too many', '2026-01-31T12:00:00.123456000Z'],
  ['an offset', '2026-01-31T12:00:00.000+00:00'],
  ['small letters', '2026-01-31t12:00:00.000z'],
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
