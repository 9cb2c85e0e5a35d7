import { type MeterProvider, metrics } from '@opentelemetry/api'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ServiceError } from '../../../error/service-error.ts'
import { wasNotSent } from '../../not-sent.ts'
import { Breaker, type BreakerState } from './breaker.ts'
import { answering, failing, policed } from '../policed-channel.test-harness.ts'
import { VirtualClock } from '../virtual-clock.test-harness.ts'

function brokenBreaker(failure: unknown = new ServiceError('unavailable', 'away')) {
  const clock = new VirtualClock()
  const states: BreakerState[] = []
  const breaker = new Breaker({ clock, onChange: (state) => states.push(state) })
  const note = (count: number, error?: unknown) => Array.from({ length: count }, () => breaker.note(error))
  return { breaker, clock, states, note, fail: (count: number) => note(count, failure) }
}

/** Whether a call is refused when chance is as given. */
const refusesAt = ({ breaker, clock }: ReturnType<typeof brokenBreaker>, chance: number): boolean => {
  clock.chance = chance
  return breaker.refuses()
}

describe('a breaker', () => {
  it('refuses none of few calls, nor while half of them are taken', () => {
    const few = brokenBreaker()
    few.fail(19)
    expect(refusesAt(few, 0)).toBe(false)
    const half = brokenBreaker()
    half.fail(50)
    half.note(50)
    expect(refusesAt(half, 0)).toBe(false)
  })

  it('refuses in proportion to what fails beyond that, and never more than four fifths', () => {
    const some = brokenBreaker()
    some.fail(75)
    some.note(25)
    // (100 - 2 * 25) / 101
    expect([0.49, 0.5].map((chance) => refusesAt(some, chance))).toEqual([true, false])
    const all = brokenBreaker()
    all.fail(1_000)
    expect([0.79, 0.81].map((chance) => refusesAt(all, chance))).toEqual([true, false])
  })

  it.each([
    ['unavailable', true],
    ['deadline_exceeded', true],
    ['resource_exhausted', true],
    ['internal', false],
    ['not_found', false],
    ['cancelled', false],
  ] as const)('of calls that fail as %s counts them as failed: %s', (code, isFailed) => {
    const broken = brokenBreaker(new ServiceError(code, code))
    broken.fail(100)
    expect(refusesAt(broken, 0)).toBe(isFailed)
  })

  it('knows nothing from calls that end in no answer', () => {
    const { breaker, note, fail, clock } = brokenBreaker()
    fail(30)
    note(100, new ServiceError('cancelled', 'left'))
    note(100, new TypeError('broken'))
    clock.chance = 0.79
    expect(breaker.refuses()).toBe(true)
  })

  it('forgets what is older than one and a half seconds, and closes when it refused none for so long', () => {
    const broken = brokenBreaker()
    broken.fail(100)
    expect(refusesAt(broken, 0)).toBe(true)
    broken.clock.current = 1_499
    expect(refusesAt(broken, 0)).toBe(true)
    expect(broken.states).toEqual(['open'])
    broken.clock.current = 2_998
    expect(refusesAt(broken, 0)).toBe(false)
    expect(broken.states).toEqual(['open'])
    broken.clock.current = 3_000
    expect(refusesAt(broken, 0)).toBe(false)
    expect(broken.states).toEqual(['open', 'closed'])
  })

  it.each([20, 200, 2_000])(
    'at %i calls a second sends a fifth in an outage, and all within 4 s after it',
    (perSecond) => {
      const { breaker, clock } = brokenBreaker()
      const chance = chances()
      const sentIn = (fromMs: number, untilMs: number, error?: ServiceError) => {
        let sentCount = 0
        for (clock.current = fromMs; clock.current < untilMs; clock.current += 1_000 / perSecond) {
          clock.chance = chance()
          if (breaker.refuses()) continue
          sentCount += 1
          breaker.note(error)
        }
        return sentCount / ((untilMs - fromMs) / 1_000) / perSecond
      }
      expect(sentIn(0, 10_000)).toBe(1)
      const away = new ServiceError('unavailable', 'away')
      sentIn(10_000, 15_000, away)
      expect(Math.abs(sentIn(15_000, 30_000, away) - 0.2)).toBeLessThan(0.05)
      sentIn(30_000, 34_000)
      expect(sentIn(34_000, 40_000)).toBe(1)
    },
  )
})

describe('a remote with a breaker', () => {
  it('sends fewer calls while it fails, says so, and tells of it once', async () => {
    const { begin, clock, decisions, log, sent } = policed({ breaker: true }, failing('unavailable'))
    for (let count = 0; count < 100; count += 1) {
      begin('add')
      await clock.pass(1)
    }
    expect(sent).toHaveLength(20)
    const refused = begin('read')
    await clock.pass(1)
    expect(refused.error).toMatchObject({ code: 'unavailable', reason: 'breaker_open' })
    expect(wasNotSent(refused.error)).toBe(true)
    const told = decisions.map(({ decision }) => decision)
    expect(told.filter((decision) => decision === 'breaker_opened')).toHaveLength(1)
    expect(told.filter((decision) => decision === 'breaker_refused')).toHaveLength(81)
    expect(log.warn).toHaveBeenCalledExactlyOnceWith({ contract: 'demo.NoteService' }, expect.any(String))
    await clock.pass(1_501)
    begin('read')
    expect(log.info).toHaveBeenCalledOnce()
  })

  it('is counted while it is open', async () => {
    const add = countedChanges()
    const { begin, clock } = policed({ breaker: true }, failing('unavailable'))
    for (let count = 0; count < 30; count += 1) {
      begin('add')
      await clock.pass(1)
    }
    await clock.pass(3_001)
    begin('read')
    expect(add.mock.calls).toEqual([
      [1, attributes],
      [-1, attributes],
    ])
  })

  it('sends all calls while half of them succeed', async () => {
    const answers = Array.from({ length: 99 }, (_, index) =>
      index % 2 === 0 ? failing('unavailable') : answering('b'),
    )
    const { begin, clock, sent } = policed({ breaker: true }, answering('a'), ...answers)
    clock.chance = 0
    for (let count = 0; count < 100; count += 1) {
      begin('read')
      await clock.pass(1)
    }
    expect(sent).toHaveLength(100)
  })

  it('counts as closed once its client is, and opens no more, whatever calls come late', async () => {
    const { begin, channel, clock, decisions, sent } = policed({ breaker: true }, failing('unavailable'))
    const add = countedChanges()
    clock.chance = 0
    const call = async (count: number) => {
      for (let made = 0; made < count; made += 1) {
        begin('read')
        await clock.pass(1)
      }
    }
    await call(30)
    expect(add.mock.calls).toEqual([[1, attributes]])
    await channel.close()
    const sentBefore = sent.length
    await call(30)
    expect(sent.length - sentBefore).toBe(30)
    expect(add.mock.calls).toEqual([
      [1, attributes],
      [-1, attributes],
    ])
    const changes = decisions.flatMap(({ decision }) => (decision === 'breaker_refused' ? [] : decision))
    expect(changes).toEqual(['breaker_opened', 'breaker_closed'])
  })

  it('counts a call once, however often it was made, and not as failed when it succeeded at last', async () => {
    const policy = { breaker: true, retry: { maxAttemptCount: 2 }, budget: { ratio: 1 } }
    const answers = Array.from({ length: 80 }, (_, index) =>
      index % 2 === 0 ? failing('unavailable') : answering('b'),
    )
    const { begin, clock, sent } = policed(policy, failing('unavailable'), answering('b'), ...answers)
    clock.chance = 0
    for (let count = 0; count < 40; count += 1) {
      begin('read')
      await clock.pass(1)
    }
    expect(sent).toHaveLength(80)
  })
})

const attributes = { 'tenon.client.contract': 'demo.NoteService' }

/** What the number of open breakers is told, while the test runs. */
function countedChanges() {
  const add = vi.fn()
  const meter = { createUpDownCounter: () => ({ add }), createCounter: () => ({ add: () => undefined }) }
  metrics.setGlobalMeterProvider({ getMeter: () => meter } as unknown as MeterProvider)
  onTestFinished(() => metrics.disable())
  return add
}

/** Numbers from 0 to 1 that are the same each time. @see Numerical Recipes, chapter 7: a quick linear congruential generator */
function chances(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
