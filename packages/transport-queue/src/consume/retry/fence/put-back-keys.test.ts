import { expect, test } from 'vitest'
import { PutBackKeys } from './put-back-keys.ts'

test('a key that was put back is read again from its first message once nothing before it is left', () => {
  const keys = new PutBackKeys()
  keys.add('a', 5)
  keys.add('a', 6)
  keys.add('b', 3)
  expect([keys.mayBegin('a'), keys.mayBegin('c'), keys.readAgain()]).toEqual([false, true, undefined])
  expect([keys.free('a'), keys.free('a'), keys.free('c')]).toEqual([true, false, false])
  expect(keys.mayBegin('a')).toBe(false)
  expect([keys.readAgain(), keys.mayBegin('a'), keys.mayBegin('b')]).toEqual([5, true, false])
  expect(keys.readAgain()).toBeUndefined()
})

test('of several that are free the first says where reading begins', () => {
  const keys = new PutBackKeys()
  for (const [key, offset] of [
    ['a', 5],
    ['b', 3],
    ['c', 8],
  ] as const) {
    keys.add(key, offset)
    keys.free(key)
  }
  expect(keys.readAgain()).toBe(3)
})

test('one that is put back while it is read again is left once more, from there', () => {
  const keys = new PutBackKeys()
  keys.add('a', 5)
  keys.free('a')
  keys.readAgain()
  keys.add('a', 9)
  keys.readAll()
  expect([keys.mayBegin('a'), keys.free('a'), keys.readAgain()]).toEqual([false, true, 9])
  keys.readAll()
  expect([keys.mayBegin('a'), keys.free('a')]).toEqual([true, false])
})
