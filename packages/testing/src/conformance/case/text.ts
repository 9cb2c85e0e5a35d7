import { int64 } from '@tenon/core/contract'
import Type, { type TSchema } from 'typebox'
import { behavioursOf } from '../behaviour.ts'
import { accepts, refuses } from './rule.ts'

const text = behavioursOf('text')
const isBig = Type.Union([Type.Literal(1), Type.Literal(2)])
const colour = Type.Union([Type.Literal('red'), Type.Literal('green')])

/** What each type reads a text, or repeated texts, as. */
const readings: readonly (readonly [words: string, schema: TSchema, given: string | readonly string[], unknown])[] = [
  ['"12" is the integer 12', Type.Integer(), '12', 12],
  ['"-3" is the integer -3', Type.Integer(), '-3', -3],
  ['"0" is the integer 0', Type.Integer(), '0', 0],
  ['"9007199254740991" is the largest integer', Type.Integer(), '9007199254740991', 9_007_199_254_740_991],
  ['"1.5" is the number 1.5', Type.Number(), '1.5', 1.5],
  ['"-1e3" is the number -1000', Type.Number(), '-1e3', -1000],
  ['"true" is true', Type.Boolean(), 'true', true],
  ['"false" is false', Type.Boolean(), 'false', false],
  ['"12" stays text where text is meant', Type.String(), '12', '12'],
  ['"true" stays text where text is meant', Type.String(), 'true', 'true'],
  ['an empty text stays an empty text', Type.String(), '', ''],
  ['"1" is the constant 1', isBig, '1', 1],
  ['"red" is the constant red', colour, 'red', 'red'],
  ['"12" stays text where text or integer are meant', Type.Union([Type.Integer(), Type.String()]), '12', '12'],
  ['"true" is true where integer or boolean are meant', Type.Union([Type.Integer(), Type.Boolean()]), 'true', true],
  ['a date and time stays text', Type.String({ format: 'date-time' }), '2026-02-28T12:30:00Z', '2026-02-28T12:30:00Z'],
  ['one text is a list of one', Type.Array(Type.Integer()), '1', [1]],
  ['repeated texts are a list', Type.Array(Type.Integer()), ['1', '2'], [1, 2]],
  ['a comma does not divide a list', Type.Array(Type.String()), 'a,b', ['a,b']],
  ['a 64-bit integer is a bigint', int64(), '-9223372036854775808', -9_223_372_036_854_775_808n],
  ['characters of all kinds come through', Type.String(), 'ü&=+ %/?#🦊\u0000', 'ü&=+ %/?#🦊\u0000'],
]

/** What no type may be talked into. */
const refusals: readonly (readonly [
  words: string,
  schema: TSchema,
  given: string | readonly string[],
  rule: string,
])[] = [
  ['"1" is no boolean', Type.Boolean(), '1', 'type'],
  ['"0" is no boolean', Type.Boolean(), '0', 'type'],
  ['"TRUE" is no boolean', Type.Boolean(), 'TRUE', 'type'],
  ['"yes" is no boolean', Type.Boolean(), 'yes', 'type'],
  ['an empty text is no boolean', Type.Boolean(), '', 'type'],
  ['an empty text is no integer', Type.Integer(), '', 'type'],
  ['" 1" is no integer', Type.Integer(), ' 1', 'type'],
  ['"1x" is no integer', Type.Integer(), '1x', 'type'],
  ['"0x10" is no integer', Type.Integer(), '0x10', 'type'],
  ['"+1" is no integer', Type.Integer(), '+1', 'type'],
  ['"01" is no integer', Type.Integer(), '01', 'type'],
  ['"1.5" is no integer', Type.Integer(), '1.5', 'type'],
  ['"true" is no integer', Type.Integer(), 'true', 'type'],
  ['"9007199254740993" is too large for an integer', Type.Integer(), '9007199254740993', 'maximum'],
  ['"Infinity" is no number', Type.Number(), 'Infinity', 'type'],
  ['"NaN" is no number', Type.Number(), 'NaN', 'type'],
  ['"1e999" is no number', Type.Number(), '1e999', 'type'],
  ['"null" is no number', Type.Number(), 'null', 'type'],
  ['repeated texts are no text', Type.String(), ['a', 'b'], 'type'],
  ['"3" is none of the constants 1 and 2', isBig, '3', 'enum'],
  ['"blue" is none of the constants red and green', colour, 'blue', 'enum'],
  ['a range holds for what was read', Type.Integer({ minimum: 10 }), '9', 'minimum'],
  ['a format holds for text', Type.String({ format: 'date' }), '2026-02-30', 'format'],
]
const needs = ['input.text'] as const

/** How text is read: the only place where a value may become another type. */
export const textCases = [
  ...readings.map(([words, schema, given, read]) =>
    text(
      words,
      accepts({ fields: { value: schema }, input: { value: given }, place: 'query', needs }, { value: read }),
    ),
  ),
  ...refusals.map(([words, schema, given, rule]) =>
    text(
      words,
      refuses({ fields: { value: schema }, input: { value: given }, place: 'query', needs }, ['/value', rule]),
    ),
  ),
  text(
    'a repeated text is wrong at its own place',
    refuses({ fields: { value: Type.Array(Type.Integer()) }, input: { value: ['1', 'x'] }, place: 'query', needs }, [
      '/value/1',
      'type',
    ]),
  ),
  text(
    'a text that is left out has its default',
    accepts({ fields: { size: Type.Integer({ default: 10 }) }, input: {}, place: 'query', needs }, { size: 10 }),
  ),
  text(
    'a text that is left out is missing',
    refuses({ fields: { size: Type.Integer() }, input: {}, place: 'query', needs }, ['/size', 'required']),
  ),
  text(
    'a part of a path is read as its type',
    accepts({ fields: { id: Type.Integer() }, input: { id: '7' }, place: 'path', needs }, { id: 7 }),
  ),
  text(
    'a part of a path may have any characters',
    accepts({ fields: { id: Type.String() }, input: { id: 'a/b:c?d#e%2F ü🦊' }, place: 'path', needs }),
  ),
  text(
    'a part of a path is refused by its name',
    refuses({ fields: { id: Type.Integer() }, input: { id: 'x' }, place: 'path', needs }, ['/id', 'type']),
  ),
]
