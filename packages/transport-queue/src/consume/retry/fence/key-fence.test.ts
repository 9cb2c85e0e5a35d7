import { expect, test } from 'vitest'
import { KeyFence } from './key-fence.ts'

const neverFires = new AbortController().signal

test('a fence is up until it was lowered as often as it was raised', () => {
  const fence = new KeyFence('key')
  const key = Buffer.from('a')
  const place = fence.placeOf(key)
  expect(fence.isUp(key)).toBe(false)
  fence.raise(place)
  fence.raise(place)
  fence.lower(place)
  expect([fence.isUp(key), fence.isUp(Buffer.from('b'))]).toEqual([true, false])
  fence.lower(place)
  expect(fence.isUp(key)).toBe(false)
})

test('a message without an order has none', () => {
  const fence = new KeyFence('key')
  fence.raise(fence.placeOf(null))
  expect(fence.isUp(null)).toBe(false)
  const open = new KeyFence('none')
  const key = Buffer.from('a')
  open.raise(open.placeOf(key))
  expect(open.isUp(key)).toBe(false)
})

test('who waits for a fence goes on when it is down', async () => {
  const fence = new KeyFence('key')
  const key = Buffer.from('a')
  fence.raise(fence.placeOf(key))
  const down = fence.untilDown(fence.placeOf(key) ?? -1, neverFires)
  fence.lower(fence.placeOf(key))
  await down
  expect(fence.isUp(key)).toBe(false)
})

test('who waits for a fence goes on when the signal fires', async () => {
  const fence = new KeyFence('key')
  const key = Buffer.from('a')
  fence.raise(fence.placeOf(key))
  const over = new AbortController()
  const down = fence.untilDown(fence.placeOf(key) ?? -1, over.signal)
  over.abort()
  await down
  expect(fence.isUp(key)).toBe(true)
})

test('keys of one partition are spread over the table', () => {
  const fence = new KeyFence('key')
  const keys = Array.from({ length: 10_000 }, (_, index) => Buffer.from(`k${index}`))
  expect(new Set(keys.map((key) => fence.placeOf(key))).size).toBeGreaterThan(9_000)
})
