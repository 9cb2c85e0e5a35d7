import { expect, it } from 'vitest'
import { needsNewKey, retiredKeys, signingKeyOf } from './key-schedule.ts'

const times = { lifetimeMs: 10, keyLifetimeMs: 1_000, publishAheadMs: 100 }
const key = (createdAt: number, id = `from ${createdAt}`) => ({ id, createdAt, privateKey: {} })
const idOf = (keys: readonly ReturnType<typeof key>[], now: number) => signingKeyOf(keys, times, now)?.id

it('signs with the first key at once, for nobody has kept an older set', () => {
  expect(idOf([], 0)).toBeUndefined()
  expect(idOf([key(0)], 0)).toBe('from 0')
})

it('signs with a new key once it has been published for long enough, in whatever order keys are kept', () => {
  const keys = [key(1_000), key(0)]
  expect([idOf(keys, 1_099), idOf(keys, 1_100)]).toEqual(['from 0', 'from 1000'])
})

it('is the same key on all instances, also where two were made at once', () => {
  const [a, b] = [key(0, 'a'), key(0, 'b')]
  expect(idOf([a, b], 50)).toBe(idOf([b, a], 50))
  expect(idOf([a, b], 500)).toBe(idOf([b, a], 500))
})

it('needs a new key when the newest is old', () => {
  expect([needsNewKey([], times, 0), needsNewKey([key(0)], times, 999)]).toEqual([true, false])
  expect([needsNewKey([key(0)], times, 1_000), needsNewKey([key(1_000), key(0)], times, 1_500)]).toEqual([true, false])
})

it('keeps a key until the last token that it signed has expired, on a clock that is five minutes behind', () => {
  const keys = [key(1_000), key(0)]
  expect(retiredKeys(keys, times, 301_109)).toEqual([])
  expect(retiredKeys(keys, times, 301_110)).toEqual([key(0)])
  expect(retiredKeys([key(0)], times, Number.MAX_SAFE_INTEGER)).toEqual([])
})
