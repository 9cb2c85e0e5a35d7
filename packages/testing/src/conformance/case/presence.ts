import Type from 'typebox'
import { behavioursOf } from '../behaviour.ts'
import { accepts, refuses } from './rule.ts'

const value = behavioursOf('value')

/** What is there, what is empty, what is null, and what is not there at all. */
export const presenceCases = [
  value(
    'an empty object, list and record are what they are',
    accepts({
      fields: {
        object: Type.Object({ a: Type.Optional(Type.String()) }),
        list: Type.Array(Type.String()),
        record: Type.Record(Type.String(), Type.Integer()),
      },
      input: { object: {}, list: [], record: {} },
    }),
  ),
  value(
    'values that are like nothing are what they are',
    accepts({
      fields: {
        zero: Type.Optional(Type.Integer()),
        no: Type.Optional(Type.Boolean()),
        empty: Type.Optional(Type.String()),
        point: Type.Optional(Type.Number()),
      },
      input: { zero: 0, no: false, empty: '', point: 0 },
    }),
  ),
  value(
    'an optional field that is left out is absent',
    accepts({
      fields: {
        text: Type.Optional(Type.String()),
        count: Type.Optional(Type.Integer()),
        on: Type.Optional(Type.Boolean()),
      },
      input: {},
    }),
  ),
  value(
    'an absent list is told from an empty one',
    accepts({
      fields: {
        list: Type.Optional(Type.Array(Type.String())),
        record: Type.Optional(Type.Record(Type.String(), Type.String())),
      },
      input: {},
      needs: ['input.absent_list'],
    }),
  ),
  value(
    'a list that must be there is missing when it is absent',
    refuses({ fields: { list: Type.Array(Type.String()) }, input: {}, needs: ['input.absent_list'] }, [
      '/list',
      'required',
    ]),
  ),
  value(
    'null is a value where the schema has it',
    accepts({
      fields: {
        note: Type.Union([Type.String(), Type.Null()]),
        other: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      },
      input: { note: null },
      needs: ['input.null'],
    }),
  ),
  value(
    'defaults take the place of what is left out, also inside of others',
    accepts(
      {
        fields: {
          size: Type.Integer({ default: 10 }),
          name: Type.String({ default: 'none' }),
          isOn: Type.Boolean({ default: true }),
          colour: Type.Union([Type.Literal('red'), Type.Literal('green')], { default: 'green' }),
          inner: Type.Object({ unit: Type.String({ default: 'mm' }) }),
        },
        input: { inner: {} },
      },
      { size: 10, name: 'none', isOn: true, colour: 'green', inner: { unit: 'mm' } },
    ),
  ),
  value(
    'a default does not take the place of what is given',
    accepts({
      fields: {
        size: Type.Integer({ default: 10 }),
        isOn: Type.Boolean({ default: true }),
        name: Type.String({ default: 'x' }),
      },
      input: { size: 0, isOn: false, name: '' },
    }),
  ),
]
