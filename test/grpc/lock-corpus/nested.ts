import { Type } from '@tenon/core/typebox'
import { type Change, fieldChange } from './change.ts'

const text = Type.String()
const small = Type.Integer({ minimum: 0, maximum: 100 })

/** What happens inside of objects, lists and records. */
export const nestedChanges: readonly Change[] = [
  fieldChange({
    name: 'adds a field to an object',
    verdict: 'compatible',
    before: { a: Type.Object({ b: text }) },
    after: { a: Type.Object({ c: small, b: text }) },
  }),
  fieldChange({
    name: 'removes a field of the objects of a list',
    verdict: 'compatible',
    before: { a: Type.Array(Type.Object({ b: text, c: text })) },
    after: { a: Type.Array(Type.Object({ c: text })) },
  }),
  fieldChange({
    name: 'reorders the fields of the objects of a record',
    verdict: 'compatible',
    before: { a: Type.Record(text, Type.Object({ b: text, c: small })) },
    after: { a: Type.Record(text, Type.Object({ c: small, b: text })) },
  }),
  fieldChange({
    name: 'adds an object with a choice of texts',
    verdict: 'compatible',
    before: {},
    after: { a: Type.Object({ state: Type.Enum(['on', 'off']) }) },
  }),
  fieldChange({
    name: 'removes an object with all that is in it',
    verdict: 'compatible',
    before: { a: Type.Object({ b: Type.Object({ c: text }) }), d: text },
    after: { d: text },
  }),
  fieldChange({
    name: 'changes a type deep inside',
    verdict: 'breaking',
    told: 'field c of',
    before: { a: Type.Object({ b: Type.Object({ c: text }) }) },
    after: { a: Type.Object({ b: Type.Object({ c: small }) }) },
  }),
  fieldChange({
    name: 'moves a field into an object of the old name',
    verdict: 'breaking',
    told: 'the lock says string',
    before: { a: text },
    after: { a: Type.Object({ a: text }) },
  }),
]
