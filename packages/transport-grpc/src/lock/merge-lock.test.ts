import { contract, type Schema } from '@tenon/core/contract'
import { ContractError } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { protoOf } from './proto-of.ts'

const text = Type.String()

function merge(lock: string | undefined, fields: Readonly<Record<string, Schema>>): string {
  const input = Type.Object(fields as Record<string, typeof text>)
  const shop = contract('demo.v1.Shop', { doIt: { input, output: Type.Object({}) } })
  return protoOf(shop, lock === undefined ? {} : { lock })
}

const messageIn = (proto: string) =>
  proto.slice(proto.indexOf('message DoItRequest'), proto.indexOf('\n}', proto.indexOf('message DoItRequest')) + 2)

test('no number and no name is ever used for a second thing', () => {
  const history = [
    { a: text, b: text, state: Type.Enum(['on', 'off', 'half']) },
    { b: text, c: text, state: Type.Enum(['off']) },
    { b: text },
    { d: Type.Optional(Type.Array(text, { default: [] })), b: text, mode: Type.Enum(['x']) },
  ]
  const lock = history.reduce<string | undefined>(merge, undefined)
  expect(messageIn(lock ?? '')).toBe(`message DoItRequest {
  reserved 1, 3 to 4;
  reserved "a", "c", "state";

  optional string b = 2;
  repeated string d = 5;
  optional Mode mode = 6;

  enum Mode {
    MODE_UNSPECIFIED = 0;
    MODE_X = 1;
  }
}`)
})

test('values of an enum are reserved too, and new ones come above them', () => {
  const first = merge(undefined, { state: Type.Enum(['on', 'off', 'half']) })
  const second = merge(first, { state: Type.Enum(['off']) })
  expect(messageIn(merge(second, { state: Type.Enum(['full', 'off']) }))).toContain(`  enum State {
    reserved 1, 3;
    reserved "STATE_HALF", "STATE_ON";

    STATE_UNSPECIFIED = 0;
    STATE_OFF = 2;
    STATE_FULL = 4;
  }`)
})

test('what is reserved by hand is kept, and a name that is taken out there may come back with a new number', () => {
  const lock = merge(merge(undefined, { a: text, b: text }), { a: text })
  const freed = lock.replace('  reserved "b";\n', '').replace('reserved 2;', 'reserved 2, 10 to 20;')
  expect(messageIn(merge(freed, { a: text, b: text }))).toBe(`message DoItRequest {
  reserved 2, 10 to 20;

  optional string a = 1;
  optional string b = 21;
}`)
})

test('all breaks are told at once', () => {
  const lock = merge(undefined, { a: text, b: text })
  const small = Type.Integer({ minimum: 0, maximum: 1 })
  expect.assertions(2)
  try {
    merge(lock, { a: small, b: small })
  } catch (error) {
    expect(error).toBeInstanceOf(ContractError)
    expect((error as ContractError).problems).toHaveLength(2)
  }
})
