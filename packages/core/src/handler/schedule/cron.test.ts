import { describe, expect, it } from 'vitest'
import { cron } from './cron.ts'

function moments(timing: ReturnType<typeof cron>, from: string, count: number): readonly string[] {
  const next = timing.momentsFrom(0)
  let atMs = Date.parse(from)
  return Array.from({ length: count }, () => {
    atMs = next(atMs)
    return new Date(atMs).toISOString().slice(0, 19)
  })
}

describe('cron', () => {
  it.each([
    ['0 3 * * *', '2026-11-23T03:00:00'],
    ['*/15 * * * *', '2026-11-22T08:15:00'],
    ['*/5 * * * * *', '2026-11-22T08:00:05'],
    ['0 9 * * MON-FRI', '2026-11-23T09:00:00'],
    ['@daily', '2026-11-23T00:00:00'],
  ])('reads %j', (pattern, first) => {
    const timing = cron(pattern)
    expect(timing.problems).toEqual([])
    expect(moments(timing, '2026-11-22T08:00:00Z', 1)).toEqual([first])
  })

  it('goes by UTC wherever it runs, or by the zone it is given', () => {
    expect(moments(cron('0 3 * * *'), '2026-07-01T00:00:00Z', 1)).toEqual(['2026-07-01T03:00:00'])
    const inBerlin = cron('0 3 * * *', { timeZone: 'Europe/Berlin' })
    expect(moments(inBerlin, '2026-07-01T00:00:00Z', 1)).toEqual(['2026-07-01T01:00:00'])
  })

  it('comes right after a time that the clocks leave out', () => {
    const timing = cron('30 2 * * *', { timeZone: 'Europe/Berlin' })
    expect(moments(timing, '2026-03-28T12:00:00Z', 2)).toEqual(['2026-03-29T01:00:00', '2026-03-30T00:30:00'])
  })

  it('comes once at a time of day that comes twice, and goes on through the hour', () => {
    const once = cron('30 2 * * *', { timeZone: 'Europe/Berlin' })
    expect(moments(once, '2026-10-24T12:00:00Z', 2)).toEqual(['2026-10-25T00:30:00', '2026-10-26T01:30:00'])
    const often = cron('*/30 2 * * *', { timeZone: 'Europe/Berlin' })
    expect(moments(often, '2026-10-24T12:00:00Z', 4)).toEqual([
      '2026-10-25T00:00:00',
      '2026-10-25T00:30:00',
      '2026-10-25T01:00:00',
      '2026-10-25T01:30:00',
    ])
  })

  it.each(['', 'daily', '* * *', '60 * * * *', '0 3 * * 2027', '* * * * * * *', '2026-12-01T00:00:00', '@reboot', 5])(
    'tells what it takes instead of %j',
    (pattern) => {
      const [problem, ...others] = cron(pattern as string).problems
      expect(problem).toContain('cron() takes five fields such as "0 3 * * *", or six with seconds first, found ')
      expect(others).toEqual([])
    },
  )

  it('tells of a day that never comes', () => {
    expect(cron('0 0 30 2 *').problems).toEqual(['cron("0 0 30 2 *") has no moment that will ever come'])
  })

  it.each(['Europe/Nowhere', '', 1])('tells of %j, which is no zone', (timeZone) => {
    expect(cron('0 3 * * *', { timeZone: timeZone as string }).problems).toEqual([
      `timeZone must be a name such as "Europe/Berlin", found ${JSON.stringify(timeZone)}`,
    ])
  })
})
