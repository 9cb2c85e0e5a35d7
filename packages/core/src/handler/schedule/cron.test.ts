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

/** Hours and minutes, from one moment on and before the other. */
function momentsBetween(timing: ReturnType<typeof cron>, from: string, to: string): readonly string[] {
  const next = timing.momentsFrom(0)
  const found: string[] = []
  for (let atMs = next(Date.parse(from) - 1); atMs < Date.parse(to); atMs = next(atMs))
    found.push(new Date(atMs).toISOString().slice(11, 16))
  return found
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

  // Berlin goes from 02:00 to 03:00 at 01:00 UTC.
  it.each([
    ['30 2 * * *', ['01:00']],
    ['0 30 2 * * *', ['01:00']],
    ['30 2 * * SUN', ['01:00']],
    ['0,30 2 * * *', []],
    ['*/15 2 * * *', []],
    ['*/30 30 2 * * *', []],
    ['30 2,14 * * *', ['12:30']],
    ['30 1-3 * * *', ['00:30', '01:30']],
    ['0 3 * * *', ['01:00']],
  ])('with %j has these moments on a day that leaves out the hour from two on: %j', (pattern, expected) => {
    const timing = cron(pattern, { timeZone: 'Europe/Berlin' })
    expect(momentsBetween(timing, '2027-03-27T23:00:00Z', '2027-03-28T22:00:00Z')).toEqual(expected)
  })

  // Berlin goes from 03:00 back to 02:00 at 01:00 UTC.
  it.each([
    ['30 2 * * *', ['00:30']],
    ['0 30 2 * * *', ['00:30']],
    ['30 2 * * SUN', ['00:30']],
    ['0,30 2 * * *', ['00:00', '00:30', '01:00', '01:30']],
    ['30 2,14 * * *', ['00:30', '01:30', '13:30']],
    ['30 1-3 * * *', ['23:30', '00:30', '01:30', '02:30']],
    ['0 3 * * *', ['02:00']],
  ])('with %j has these moments on a day that has the hour from two on twice: %j', (pattern, expected) => {
    const timing = cron(pattern, { timeZone: 'Europe/Berlin' })
    expect(momentsBetween(timing, '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z')).toEqual(expected)
  })

  it.each(['30 2 * * *', '0,30 2 * * *'])('has all moments of %j on all days by UTC', (pattern) => {
    const expected = pattern.startsWith('0,') ? ['02:00', '02:30'] : ['02:30']
    for (const day of ['2027-03-28', '2026-10-25'])
      expect(momentsBetween(cron(pattern), `${day}T00:00:00Z`, `${day}T23:59:59Z`)).toEqual(expected)
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
