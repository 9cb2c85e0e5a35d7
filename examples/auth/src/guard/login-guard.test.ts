import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { guardLimits, LoginGuard } from './login-guard.ts'

const minuteMs = 60_000
const closed = (retryDelayMs: number) =>
  expect.objectContaining({ code: 'resource_exhausted', details: { retryDelayMs } })

function guardAt() {
  const clock = { now: 0 }
  const guard = new LoginGuard(() => clock.now)
  /** Tries wrong passwords until it is refused: how many were let through, and what the refusal was. */
  const fail = (email: string, address: string, most = 1_000) => {
    for (let count = 0; count < most; count += 1) {
      try {
        guard.begin(email, address)
      } catch (error) {
        return { count, error }
      }
    }
    return { count: most, error: undefined }
  }
  return { clock, guard, fail }
}

test('lets an address fail five times at an account, whatever its capitals, and again a quarter of an hour later', () => {
  const { clock, fail } = guardAt()
  expect(fail('ada@example.com', '10.0.0.7')).toEqual({ count: 5, error: closed(15 * minuteMs) })
  clock.now = 14 * minuteMs
  expect(fail('ADA@example.com', '10.0.0.7')).toEqual({ count: 0, error: closed(minuteMs) })
  clock.now = 15 * minuteMs
  expect(fail('ada@example.com', '10.0.0.7').count).toBe(5)
})

test('forgets the failures of an address at an account that has logged in, and keeps none of its other ones', () => {
  const { fail, guard } = guardAt()
  for (let round = 0; round < 100; round += 1) {
    guard.begin('ada@example.com', '10.0.0.7')
    guard.succeeded('ada@example.com', '10.0.0.7')
  }
  expect(fail('ada@example.com', '10.0.0.7').count).toBe(5)
})

test('lets an address fail at fifty accounts', () => {
  const { fail } = guardAt()
  const emails = Array.from({ length: 60 }, (_, index) => `user${index}@example.com`)
  const counts = emails.map((email) => fail(email, '10.0.0.7', 1).count)
  expect(counts.reduce((sum, count) => sum + count)).toBe(guardLimits.address.maxCount)
  expect(fail('user0@example.com', '10.0.0.8').count).toBe(5)
})

test('does not let many addresses lock the owner out of where they log in, nor anybody for longer than a quarter of an hour', () => {
  const { clock, fail, guard } = guardAt()
  guard.begin('ada@example.com', '10.0.0.7')
  guard.succeeded('ada@example.com', '10.0.0.7')
  const strangers = Array.from({ length: 50 }, (_, index) => `192.0.2.${index}`)
  const attack = () => strangers.reduce((sum, address) => sum + fail('ada@example.com', address).count, 0)
  expect(attack()).toBe(guardLimits.account.maxCount)
  expect(fail('ada@example.com', '10.0.0.8').error).toEqual(closed(15 * minuteMs))
  guard.begin('ada@example.com', '10.0.0.7')
  // Those who go on all the time do not make it longer.
  for (; clock.now < 15 * minuteMs; clock.now += minuteMs) attack()
  guard.begin('ada@example.com', '10.0.0.8')
})

test('lets an address register twenty times', () => {
  const { clock, guard } = guardAt()
  for (let count = 0; count < guardLimits.registration.maxCount; count += 1) guard.register('10.0.0.7')
  expect(() => guard.register('10.0.0.7')).toThrow('too many attempts')
  guard.register('10.0.0.8')
  clock.now = 15 * minuteMs
  guard.register('10.0.0.7')
})

test('has the limits that the README tells', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const limits = Array.from(readme.matchAll(/^\| (?:failures|registrations) .* \| (\d+) \|/gm), ([, count]) =>
    Number(count),
  )
  expect(limits).toEqual(Object.values(guardLimits).map(({ maxCount }) => maxCount))
})
