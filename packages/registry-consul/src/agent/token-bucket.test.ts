import { expect, it } from 'vitest'
import { TokenBucket } from './token-bucket.ts'

it('lets a few through at once, and then one in a while', () => {
  const bucket = new TokenBucket({ burst: 2, refillMs: 100 })
  expect([0, 0, 0, 0].map((now) => bucket.take(now))).toEqual([0, 0, 100, 200])
})

it('fills up again, but never beyond its burst', () => {
  const bucket = new TokenBucket({ burst: 2, refillMs: 100 })
  bucket.take(0)
  expect([10_000, 10_000, 10_000].map((now) => bucket.take(now))).toEqual([0, 0, 100])
})
