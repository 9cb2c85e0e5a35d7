import { expect, test } from 'vitest'
import { nothingReserved } from './lock-file.ts'
import { declaredNames, resolveName, shortName } from './type-name.ts'

const message = (fullName: string, inside: readonly string[] = []) => ({
  fullName,
  fields: [],
  enums: [],
  reserved: nothingReserved,
  messages: inside.map((name) => ({
    fullName: `${fullName}.${name}`,
    fields: [],
    enums: [],
    messages: [],
    reserved: nothingReserved,
  })),
})
const declared = declaredNames({
  package: 'shop.google.v1',
  messages: [message('shop.google.v1.Order', ['Line', 'Order']), message('shop.google.v1.Line')],
})

test.each([
  ['Line', 'shop.google.v1.Order', 'shop.google.v1.Order.Line'],
  ['Line', 'shop.google.v1.Order.Order', 'shop.google.v1.Order.Line'],
  ['Line', 'shop.google.v1.Line', 'shop.google.v1.Line'],
  ['Order.Line', 'shop.google.v1', 'shop.google.v1.Order.Line'],
  ['.shop.google.v1.Line', 'shop.google.v1.Order', 'shop.google.v1.Line'],
  ['v1.Line', 'shop.google.v1.Order', 'shop.google.v1.Line'],
  // The innermost scope that knows the first word decides, also where it has no such name.
  ['Order.Line', 'shop.google.v1.Order', undefined],
  ['google.protobuf.Value', 'shop.google.v1.Line', undefined],
  ['other.Value', 'shop.google.v1.Line', 'other.Value'],
])('%s in %s means %s', (reference, scope, expected) => {
  expect(resolveName(reference, scope, declared)).toBe(expected)
})

test.each([
  ['shop.google.v1.Order.Line', 'shop.google.v1.Order', 'Line'],
  ['shop.google.v1.Line', 'shop.google.v1.Order', 'v1.Line'],
  ['shop.google.v1.Order', 'shop.google.v1.Order', 'v1.Order'],
  ['google.protobuf.Value', 'shop.google.v1.Line', '.google.protobuf.Value'],
])('%s is called in %s by the shortest name that means it, %s', (fullName, scope, expected) => {
  expect(shortName(fullName, scope, declared)).toBe(expected)
  expect(resolveName(expected, scope, declared)).toBe(fullName)
})

test('a message with the name of a method is called so that compilers do not take the method for it', () => {
  const messages = [message('demo.v1.GetUserRequest')]
  const method = { request: '', response: '', isRequestStream: false, isResponseStream: false, comment: '' }
  const service = { name: 'Users', methods: [{ ...method, name: 'GetUserRequest', isDeprecated: false }] }
  const names = declaredNames({ package: 'demo.v1', messages, service })
  expect(shortName('demo.v1.GetUserRequest', 'demo.v1.Users', names)).toBe('v1.GetUserRequest')
  expect(shortName('demo.v1.GetUserRequest', 'demo.v1.GetUserRequest', names)).toBe('GetUserRequest')
})
