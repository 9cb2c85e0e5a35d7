import { assert, double, integer, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { every } from './every.ts'

describe('every', () => {
  it.each([
    [250, 250],
    ['250 ms', 250],
    ['1.5 s', 1_500],
    ['5 m', 300_000],
    ['2 h', 7_200_000],
    ['1 d', 86_400_000],
  ] as const)('reads %j', (interval, intervalMs) => {
    const { problems, momentsFrom } = every(interval)
    expect(problems).toEqual([])
    expect(momentsFrom(1_000)(1_000)).toBe(1_000 + intervalMs)
  })

  it('keeps its distance from the beginning, however late it is asked', () => {
    const next = every('1 s').momentsFrom(500)
    expect([next(500), next(1_499), next(1_500), next(9_700)]).toEqual([1_500, 1_500, 2_500, 10_500])
  })

  it('comes on from each of its moments, however its sums are rounded', () => {
    const beginMs = 147.854559
    expect(every(1).momentsFrom(beginMs)(beginMs + 930)).toBe(beginMs + 931)
    const begins = double({ min: 0, max: 1e9, noNaN: true })
    const intervals = double({ min: 1, max: 1e6, noNaN: true })
    const counts = integer({ min: 0, max: 1_000_000 })
    assert(
      property(begins, intervals, counts, (begin, interval, count) => {
        const moment = begin + count * interval
        expect(every(interval).momentsFrom(begin)(moment)).toBe(begin + (count + 1) * interval)
      }),
    )
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '5 minutes', '5m', '0 s', '366 d', undefined])(
    'tells what it takes instead of %j',
    (interval) => {
      expect(every(interval as number).problems).toEqual([
        expect.stringMatching(
          /^every\(\) takes 1 ms to 365 d, as milliseconds or as text such as "30 s" or "5 m", found /,
        ),
      ])
    },
  )

  it('tells all that is wrong with its options', () => {
    const timing = every('1 s', { overlap: 'wait' as 'skip', jitterMs: 1_001, timeoutMs: 0 })
    expect(timing.problems).toEqual([
      'overlap must be skip, queue or parallel, found "wait"',
      'timeoutMs must be from 1 to 86400000, found 0',
      'jitterMs must not exceed the interval of 1000 ms, found 1001',
    ])
  })

  it('is told in words', () => {
    expect([every('5 m').text, every(250).text]).toEqual(['every 5 m', 'every 250 ms'])
  })
})
