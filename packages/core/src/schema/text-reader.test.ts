import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Schema, toJsonSchema } from './schema.ts'
import { compileTextReader } from './text-reader.ts'

const read = (schema: Schema, text: string | readonly string[]) => compileTextReader(toJsonSchema(schema))(text)

describe('compileTextReader', () => {
  it.each([
    ['12', 12],
    ['-1.5e3', -1500],
    ['0', 0],
    ['', ''],
    [' 1', ' 1'],
    ['01', '01'],
    ['0x10', '0x10'],
    ['1_000', '1_000'],
    ['Infinity', 'Infinity'],
    ['NaN', 'NaN'],
    ['.5', '.5'],
    ['true', 'true'],
  ])('reads %j as a number only where it is a JSON number', (text, expected) => {
    expect(read(Type.Number(), text)).toBe(expected)
    expect(read(z.int(), text)).toBe(expected)
  })

  it('gives a number too large for JSON to the check as it is', () => {
    expect(read(Type.Number(), '1e400')).toBe(Number.POSITIVE_INFINITY)
  })

  it('reads true and false, and leaves other text as it is', () => {
    expect(read(Type.Boolean(), 'true')).toBe(true)
    expect(read(z.boolean(), 'false')).toBe(false)
    expect(read(Type.Boolean(), '1')).toBe('1')
    expect(read(Type.Boolean(), 'TRUE')).toBe('TRUE')
  })

  it('leaves text as it is where the schema allows text', () => {
    expect(read(Type.String(), '12')).toBe('12')
    expect(read(Type.Union([Type.String(), Type.Number()]), '12')).toBe('12')
    expect(read(Type.Unknown(), '12')).toBe('12')
  })

  it('reads constants and choices as their type', () => {
    expect(read(Type.Literal(1), '1')).toBe(1)
    expect(read(Type.Union([Type.Literal(1), Type.Literal(2)]), '2')).toBe(2)
    expect(read(z.literal([1, true]), 'true')).toBe(true)
    expect(read(z.enum(['1', '2']), '1')).toBe('1')
    expect(read(Type.Union([Type.Integer(), Type.Boolean()]), 'false')).toBe(false)
  })

  it('reads numbers beside constant texts that are none', () => {
    const either = Type.Union([Type.Number(), Type.Literal('NaN')])
    expect([read(either, '1.5'), read(either, 'NaN'), read(either, 'x')]).toEqual([1.5, 'NaN', 'x'])
    expect(read(Type.Union([Type.Number(), Type.Literal('1')]), '1')).toBe('1')
  })

  it('reads a list from one text or several, and several texts for one value as a list, for the check to refuse', () => {
    expect(read(Type.Array(Type.Integer()), '1')).toEqual([1])
    expect(read(Type.Array(Type.Integer()), ['1', 'x'])).toEqual([1, 'x'])
    expect(read(Type.Integer(), ['1', '2'])).toEqual([1, 2])
  })
})
