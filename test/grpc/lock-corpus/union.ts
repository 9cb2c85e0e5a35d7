import { int64, timestamp, uint64 } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { type Change, fieldChange } from './change.ts'

const text = Type.String()
const small = Type.Integer({ minimum: 0, maximum: 100 })
const circle = Type.Object({ form: Type.Literal('circle'), radius: small })
const square = Type.Object({ form: Type.Literal('square'), side: small })
const point = Type.Object({ form: Type.Literal('point') })
const nullable = (schema: Parameters<typeof Type.Array>[0]) => Type.Union([schema, Type.Null()])
const Tree = Type.Cyclic({ Tree: Type.Object({ name: text, leaves: Type.Array(Type.Ref('Tree')) }) }, 'Tree')
const TallTree = Type.Cyclic(
  { Tree: Type.Object({ height: small, leaves: Type.Array(Type.Ref('Tree')), name: text }) },
  'Tree',
)

/** Unions, null, any JSON, moments and what contains itself. */
export const unionChanges: readonly Change[] = [
  fieldChange({
    name: 'adds an alternative in between',
    verdict: 'compatible',
    before: { a: Type.Union([circle, square]) },
    after: { a: Type.Union([circle, point, square]) },
  }),
  fieldChange({
    name: 'reorders alternatives',
    verdict: 'compatible',
    before: { a: Type.Union([circle, square]) },
    after: { a: Type.Union([square, circle]) },
  }),
  fieldChange({
    name: 'removes an alternative',
    verdict: 'compatible',
    before: { a: Type.Union([circle, point, square]) },
    after: { a: Type.Union([circle, square]) },
  }),
  fieldChange({
    name: 'adds a field to an alternative',
    verdict: 'compatible',
    before: { a: Type.Union([circle, square]) },
    after: { a: Type.Union([Type.Object({ form: Type.Literal('circle'), colour: text, radius: small }), square]) },
  }),
  fieldChange({
    name: 'brings an alternative back that was removed',
    verdict: 'breaking',
    told: 'field point of',
    before: [{ a: Type.Union([circle, square, point]) }, { a: Type.Union([circle, square]) }],
    after: { a: Type.Union([circle, square, point]) },
  }),
  fieldChange({
    name: 'makes an object a union',
    verdict: 'breaking',
    told: 'the lock says an object with fields',
    before: { a: Type.Object({ side: small }) },
    after: { a: Type.Union([circle, square]) },
  }),
  fieldChange({
    name: 'makes a union an object',
    verdict: 'breaking',
    told: 'the schema says an object with fields',
    before: { a: Type.Union([circle, square]) },
    after: { a: Type.Object({ side: small }) },
  }),
  fieldChange({
    name: 'exchanges all alternatives',
    verdict: 'breaking',
    told: 'none of the alternatives',
    before: { a: Type.Union([circle, Type.Object({ form: Type.Literal('line'), length: small })]) },
    after: { a: Type.Union([point, square]) },
  }),
  fieldChange({
    name: 'lets a required field be null',
    verdict: 'compatible',
    before: { a: text },
    after: { a: nullable(text) },
  }),
  fieldChange({
    name: 'lets the items of a list be null',
    verdict: 'breaking',
    told: 'the lock says repeated string',
    before: { a: Type.Array(text) },
    after: { a: Type.Array(nullable(text)) },
  }),
  fieldChange({
    name: 'puts a list into a list',
    verdict: 'breaking',
    told: 'the lock says repeated string',
    before: { a: Type.Array(text) },
    after: { a: Type.Array(Type.Array(text)) },
  }),
  fieldChange({
    name: 'adds a field with any JSON, and a moment',
    verdict: 'compatible',
    before: { a: text },
    after: { b: Type.Unknown(), at: timestamp(), a: text },
  }),
  fieldChange({
    name: 'makes a text a moment',
    verdict: 'breaking',
    told: 'the schema says google.protobuf.Timestamp',
    before: { a: Type.String({ format: 'date-time' }) },
    after: { a: timestamp() },
  }),
  fieldChange({
    name: 'lets a text be any JSON',
    verdict: 'breaking',
    told: 'the schema says google.protobuf.Value',
    before: { a: text },
    after: { a: Type.Unknown() },
  }),
  fieldChange({
    name: 'adds, reorders and removes fields of what contains itself',
    verdict: 'compatible',
    before: [{ a: Tree }, { a: TallTree }],
    after: { a: Tree },
  }),
  fieldChange({
    name: 'makes an int64 one without sign',
    verdict: 'breaking',
    told: 'the schema says uint64',
    unlikeBuf: 'one that is negative would be read as another number; buf counts all 64-bit integers as one',
    before: { a: int64() },
    after: { a: uint64() },
  }),
]
