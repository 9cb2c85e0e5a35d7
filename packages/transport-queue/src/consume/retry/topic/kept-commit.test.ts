import { ServiceError } from '@tenon/core/transport'
import { expect, onTestFinished, test, vi } from 'vitest'
import { keepCommit } from './kept-commit.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** Keeps a commit whose storing ends as is said, one after the other, and then well. */
function kept(ends: readonly (() => Promise<boolean>)[]) {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const ending = new AbortController()
  const left = [...ends]
  let count = 0
  const storeAnew = async () => {
    count += 1
    return (await left.shift()?.()) ?? true
  }
  keepCommit({ storeAnew, revoked: ending.signal })
  const countAfter = async (durationMs: number) => {
    await vi.advanceTimersByTimeAsync(durationMs)
    return count
  }
  return { countAfter, ending }
}

test('a commit is stored anew at once and every six hours, until the partition is given up', async () => {
  const { countAfter, ending } = kept([])
  expect([await countAfter(6 * hourMs - 1), await countAfter(1), await countAfter(6 * hourMs)]).toEqual([1, 2, 3])
  ending.abort()
  expect(await countAfter(24 * hourMs)).toBe(3)
})

test('one that fails or is refused is tried again every minute', async () => {
  const fail = () => Promise.reject(new ServiceError('unavailable', 'away'))
  const { countAfter } = kept([async () => true, fail, async () => false])
  expect([await countAfter(6 * hourMs), await countAfter(minuteMs), await countAfter(minuteMs)]).toEqual([2, 3, 4])
  expect([await countAfter(6 * hourMs - 1), await countAfter(1)]).toEqual([4, 5])
})

test('nothing is stored of a partition that is given up meanwhile', async () => {
  const answer = Promise.withResolvers<boolean>()
  const { countAfter, ending } = kept([() => answer.promise])
  ending.abort()
  answer.resolve(false)
  expect(await countAfter(24 * hourMs)).toBe(1)
})
