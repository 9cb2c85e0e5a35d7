import { contract, contractInfo, type Schema, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { compileCodec } from '../codec/message-codec.ts'
import type { MessageShape } from '../proto/message-shape.ts'
import { lockService } from './lock-service.ts'
import { writeLock } from '../lock-file/write-lock.ts'

const text = Type.String()
const small = Type.Integer({ minimum: 0, maximum: 100 })
const nullable = (schema: Parameters<typeof Type.Array>[0]) => Type.Union([schema, Type.Null()])

/** The messages of both contracts, those of the second with the numbers of the first. */
function shapesOf(before: Schema, after: Schema): readonly [before: MessageShape, after: MessageShape] {
  const info = (input: Schema) =>
    contractInfo(contract('demo.v1.Shop', { doIt: { input, output: stream(Type.Object({})) } }))
  const first = lockService(info(before), undefined)
  const second = lockService(info(after), { text: writeLock(first.file), where: 'the lock' })
  const [one, other] = [first, second].map(({ shape }) => shape.methods[0]?.request)
  if (one === undefined || other === undefined) throw new Error('expected a method')
  return [one, other]
}

const circle = Type.Object({ form: Type.Literal('circle'), radius: small })
const square = Type.Object({ form: Type.Literal('square'), side: small, label: text })
const line = Type.Object({ form: Type.Literal('line') })

const before = Type.Object({
  id: text,
  state: Type.Enum(['on', 'off']),
  shape: Type.Union([circle, square]),
  notes: Type.Array(nullable(Type.Object({ author: text, body: text }))),
  sizes: Type.Record(text, Type.Object({ width: small, height: small })),
})
const after = Type.Object({
  sizes: Type.Record(text, Type.Object({ depth: Type.Optional(small), height: small, width: small })),
  notes: Type.Array(nullable(Type.Object({ body: text, author: text }))),
  shape: Type.Union([line, Type.Object({ form: Type.Literal('square'), label: text, side: small }), circle]),
  state: Type.Enum(['off', 'half', 'on']),
  id: text,
})
const value = {
  id: '1',
  state: 'off',
  shape: { form: 'square', side: 3, label: 'L' },
  notes: [null, { author: 'A', body: 'B' }],
  sizes: { s: { width: 1, height: 2 } },
}

test('messages, enums, unions, wrappers and maps are written by the numbers that the lock has', () => {
  const [one, other] = shapesOf(before, after)
  expect(compileCodec(other).decode(compileCodec(one).encode(value))).toEqual(value)
  expect(compileCodec(one).decode(compileCodec(other).encode(value))).toEqual(value)
})

test('without a lock they would not be understood', () => {
  const [one] = shapesOf(before, before)
  const [other] = shapesOf(after, after)
  expect(() => compileCodec(other).decode(compileCodec(one).encode(value))).toThrow()
})

test('what contains itself does so with the numbers of the lock', () => {
  const tree = (fields: object) => {
    const Tree = Type.Object({ ...fields, leaves: Type.Array(Type.Ref('Tree')) })
    return Type.Object({ tree: Type.Cyclic({ Tree }, 'Tree') })
  }
  const [one, other] = shapesOf(tree({ name: text, size: small }), tree({ size: small, name: text }))
  const found = { tree: { name: 'a', size: 1, leaves: [{ name: 'b', size: 2, leaves: [] }] } }
  expect(compileCodec(other).decode(compileCodec(one).encode(found))).toEqual(found)
  expect(other.messages[0]?.fields.map(({ type }) => type.kind === 'message' && type.shape)).toContain(
    other.messages[0],
  )
})

test('a number beyond 32 bits is read as it is where the field has 32, so that validation refuses it', () => {
  const [one, other] = shapesOf(
    Type.Object({ a: small, b: Type.Array(small) }),
    Type.Object({ a: Type.Integer(), b: Type.Array(Type.Integer()) }),
  )
  const large = { a: 2 ** 32 + 1, b: [-(2 ** 40), -1, 5] }
  expect(compileCodec(one).decode(compileCodec(other).encode(large))).toEqual(large)
})

test('an integer that needs 32 bits from now on keeps the 64 of its lock', () => {
  const [, other] = shapesOf(
    Type.Object({ a: Type.Integer(), b: Type.Record(text, Type.Integer()) }),
    Type.Object({ a: small, b: Type.Record(text, small) }),
  )
  expect(other.fields.map(({ type }) => type)).toEqual([
    { kind: 'scalar', scalar: 'int64' },
    { kind: 'scalar', scalar: 'int64' },
  ])
})
