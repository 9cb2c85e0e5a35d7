import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { healthCheckDefaults, type HealthCheckOptions, resolveHealthCheck } from '../../handler/check-settings.ts'
import type { Logger } from '../../telemetry/log.ts'
import { Health } from './health.ts'
import type { Check } from './watched-check.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const told: { level: string; fields: object; message: string | undefined }[] = []
beforeEach(() => void told.splice(0))

const note = (level: string) => (fields: object, message?: string) => void told.push({ level, fields, message })
const log: Logger = {
  debug: note('debug'),
  info: note('info'),
  warn: note('warn'),
  error: note('error'),
  child: () => log,
}

type GivenCheck = Pick<Check, 'name' | 'run'> & Partial<Check> & { readonly options?: HealthCheckOptions }

/** Checks in which the first failure counts, unless they say otherwise. */
function healthOf(checks: readonly GivenCheck[], hide?: (text: string) => string) {
  const settled = checks.map(({ options, ...check }) => ({
    settings: resolveHealthCheck(check.name, { gracePeriodMs: 0, ...options }),
    ...check,
  }))
  return new Health(settled, { log, ...(hide && { hide }) })
}

/** A check that passes or fails as it is told. */
function switched(name: string, options: HealthCheckOptions = {}) {
  const state = { isBroken: false }
  const run = () => {
    if (state.isBroken) throw new Error('no connection')
  }
  return { state, check: { name, run, options } }
}

const said = ({ results }: Health) => results.map(({ name, isPassing, message }) => ({ name, isPassing, message }))

describe('Health', () => {
  it('keeps what each check said last, in the order of the checks', async () => {
    const answers = new Map<string, () => unknown>([
      ['slow', () => new Promise((resolve) => setTimeout(resolve, 10))],
      ['text', () => Promise.reject('broken')], // oxlint-disable-line typescript/prefer-promise-reject-errors -- users may
      [
        'error',
        () => {
          throw new Error('no connection')
        },
      ],
    ])
    const health = healthOf([...answers.keys()].map((name) => ({ name, run: () => answers.get(name)?.() })))
    expect(health.results).toEqual([])
    const refreshed = health.refresh()
    await vi.advanceTimersByTimeAsync(10)
    await refreshed
    expect(said(health)).toEqual([
      { name: 'slow', isPassing: true, message: undefined },
      { name: 'text', isPassing: false, message: 'broken' },
      { name: 'error', isPassing: false, message: 'no connection' },
    ])
    expect(health.isReady).toBe(false)
    for (const name of answers.keys()) answers.set(name, () => undefined)
    await health.refresh()
    expect(health.isReady).toBe(true)
    health.close()
  })

  it('reports two checks of the same name, and lets neither hide the other', async () => {
    const failing = {
      name: 'db',
      run: () => {
        throw new Error('primary down')
      },
    }
    const slow = { name: 'db', run: () => new Promise((resolve) => setTimeout(resolve, 20)) }
    for (const checks of [
      [failing, slow],
      [slow, failing],
    ]) {
      const health = healthOf(checks)
      const refreshed = health.refresh()
      await vi.advanceTimersByTimeAsync(20)
      await refreshed
      expect(health.isReady).toBe(false)
      expect(new Set(health.results.map(({ isPassing }) => isPassing))).toEqual(new Set([false, true]))
      health.close()
    }
  })

  it('runs a check that hangs again, though ever more seldom, and takes what the newest run says', async () => {
    const runs: PromiseWithResolvers<void>[] = []
    const run = vi.fn(() => {
      runs.push(Promise.withResolvers<void>())
      return runs.at(-1)?.promise
    })
    const health = healthOf([{ name: 'db', run, options: { intervalMs: 100, timeoutMs: 50 } }])
    const begunAtMs: number[] = []
    for (let atMs = 100; atMs <= 1_600; atMs += 100) {
      const before = runs.length
      await vi.advanceTimersByTimeAsync(100)
      if (runs.length > before) begunAtMs.push(atMs)
    }
    expect(begunAtMs).toEqual([100, 300, 700, 1_500])
    expect(said(health)).toEqual([{ name: 'db', isPassing: false, message: 'no answer within 50 ms' }])
    // Of the four that hang one ends, too late to say anything: the next look asks again.
    runs[1]?.resolve()
    await vi.advanceTimersByTimeAsync(99)
    expect(health.isReady).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(runs).toHaveLength(5)
    runs[4]?.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(health.isReady).toBe(true)
    runs[0]?.reject(new Error('too late'))
    await vi.advanceTimersByTimeAsync(0)
    expect(said(health)).toEqual([{ name: 'db', isPassing: true, message: undefined }])
    health.close()
  })

  it('finds what a check asks for when that is back, though no run before has ended', async () => {
    let isBack = false
    const run = vi.fn(() => (isBack ? undefined : new Promise(() => undefined)))
    const health = healthOf([{ name: 'db', run }])
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(run.mock.calls.length).toBeLessThan(65)
    isBack = true
    await vi.advanceTimersByTimeAsync(60_000)
    expect(health.isReady).toBe(true)
    const before = run.mock.calls.length
    await vi.advanceTimersByTimeAsync(10_000)
    expect(run.mock.calls.length - before).toBe(2)
    health.close()
  })

  it('ends the checks that run when it is closed, and runs and notes none after', async () => {
    let told: unknown
    const run = vi.fn(
      (signal: AbortSignal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            told = 'to end'
            reject(new Error('gone'))
          })
        }),
    )
    const health = healthOf([{ name: 'db', run }])
    const refreshed = health.refresh()
    health.close()
    health.close()
    await refreshed
    await health.refresh()
    expect(told).toBe('to end')
    expect(run).toHaveBeenCalledTimes(1)
    expect(health.results).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('says when it passes or fails as a whole', async () => {
    let isBroken = false
    const run = () => {
      if (isBroken) throw new Error('no connection')
    }
    const health = healthOf([
      { name: 'one', run },
      { name: 'two', run },
    ])
    const changed: boolean[] = []
    health.onChange(() => changed.push(health.isReady))
    for (const broken of [false, true, true, false]) {
      isBroken = broken
      await health.refresh()
    }
    expect(changed).toEqual([false, true])
    health.close()
  })

  it('passes without any check', async () => {
    const health = healthOf([])
    await health.refresh()
    expect(health).toMatchObject({ isReady: true, isLive: true, results: [] })
    health.close()
  })

  it('runs in the background until it is closed', async () => {
    const run = vi.fn()
    const health = healthOf([{ name: 'db', run, options: { intervalMs: 100 } }])
    await vi.advanceTimersByTimeAsync(250)
    expect(run).toHaveBeenCalledTimes(2)
    health.close()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(run).toHaveBeenCalledTimes(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives each check its own time, and tells it when that is over', async () => {
    let aborted = false
    const health = healthOf([
      {
        name: 'hangs',
        run: (signal) => {
          signal.addEventListener('abort', () => (aborted = true))
          return new Promise(() => undefined)
        },
        options: { timeoutMs: 50 },
      },
      { name: 'fine', run: () => undefined },
    ])
    const refreshed = health.refresh()
    await vi.advanceTimersByTimeAsync(49)
    expect(health.results.map(({ name }) => name)).toEqual(['fine'])
    await vi.advanceTimersByTimeAsync(2)
    await refreshed
    expect(aborted).toBe(true)
    expect(said(health)[0]).toEqual({ name: 'hangs', isPassing: false, message: 'no answer within 50 ms' })
    health.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('forgives failures within the grace period, and counts them at its end though no run ends then', async () => {
    const { state, check } = switched('db', { intervalMs: 5_000, gracePeriodMs: 12_000 })
    const health = healthOf([check])
    const changed: boolean[] = []
    health.onChange(() => changed.push(health.isReady))
    await health.refresh()
    state.isBroken = true
    await health.refresh()
    await vi.advanceTimersByTimeAsync(11_990)
    expect(health.isReady).toBe(true)
    expect(said(health)).toEqual([{ name: 'db', isPassing: true, message: 'no connection' }])
    expect(changed).toEqual([])
    await vi.advanceTimersByTimeAsync(20)
    expect(changed).toEqual([false])
    expect(said(health)).toEqual([{ name: 'db', isPassing: false, message: 'no connection' }])
    state.isBroken = false
    await vi.advanceTimersByTimeAsync(5_000)
    expect(changed).toEqual([false, true])
    health.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not flap with a check that comes and goes faster than its grace period', async () => {
    const { state, check } = switched('db', { intervalMs: 1_000, gracePeriodMs: 3_000 })
    const health = healthOf([check])
    const changed = vi.fn()
    health.onChange(changed)
    await health.refresh()
    for (let round = 0; round < 20; round += 1) {
      state.isBroken = round % 3 !== 0
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(changed).not.toHaveBeenCalled()
    health.close()
  })

  it('has no grace for readiness before a check has passed once, and has it for liveness from the start', async () => {
    const broken = () => Promise.reject(new Error('no connection'))
    const health = healthOf([
      { name: 'db', run: broken, options: { gracePeriodMs: 10_000 } },
      { name: 'worker', run: broken, options: { gracePeriodMs: 10_000, affects: 'liveness' } },
    ])
    await health.refresh()
    expect([health.isReady, health.isLive]).toEqual([false, true])
    await vi.advanceTimersByTimeAsync(10_010)
    expect([health.isReady, health.isLive]).toEqual([false, false])
    health.close()
  })

  it('lets a check decide on what it affects, and on nothing else', async () => {
    for (const affects of ['readiness', 'liveness', 'none'] as const) {
      const { state, check } = switched('one', { affects })
      const health = healthOf([check])
      state.isBroken = true
      await health.refresh()
      await vi.advanceTimersByTimeAsync(0)
      expect([health.isReady, health.isLive]).toEqual([affects !== 'readiness', affects !== 'liveness'])
      expect(health.results[0]?.isPassing).toBe(false)
      health.close()
    }
  })

  it('runs every check at its own interval', async () => {
    const [often, seldom] = [vi.fn(), vi.fn()]
    const health = healthOf([
      { name: 'often', run: often, options: { intervalMs: 100 } },
      { name: 'seldom', run: seldom, options: { intervalMs: 1_000 } },
    ])
    await vi.advanceTimersByTimeAsync(1_000)
    expect([often.mock.calls.length, seldom.mock.calls.length]).toEqual([10, 1])
    health.close()
  })

  it('tells once that a check hangs, however long, and that it passes again', async () => {
    const answer = Promise.withResolvers<void>()
    const health = healthOf([{ name: 'db', run: () => answer.promise, options: { intervalMs: 1_000, timeoutMs: 500 } }])
    await vi.advanceTimersByTimeAsync(300_000)
    expect(told).toEqual([
      {
        level: 'warn',
        fields: { check: 'db', affects: 'readiness', reason: 'no answer within 500 ms', countsInMs: 0 },
        message: 'check "db" fails',
      },
    ])
    answer.resolve()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(told.slice(1)).toMatchObject([
      { level: 'info', fields: { check: 'db' }, message: 'check "db" passes again' },
    ])
    health.close()
  })

  it('tells at most once a minute of a check that comes and goes, and of one that stays broken then', async () => {
    const { state, check } = switched('db', { intervalMs: 1_000 })
    const health = healthOf([check])
    for (let second = 0; second < 60; second += 1) {
      state.isBroken = second % 2 === 0
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(told.map(({ level }) => level)).toEqual(['warn', 'info'])
    state.isBroken = true
    await vi.advanceTimersByTimeAsync(5_000)
    expect(told.map(({ level }) => level)).toEqual(['warn', 'info', 'warn'])
    health.close()
  })

  it('shows what a check throws without what must not be seen, and not without end', async () => {
    const refused = new AggregateError([new Error('refused by ::1'), new Error('refused by 127.0.0.1')], '')
    const errors = [
      new Error('password hunter2 is wrong'),
      refused,
      Object.assign(new Error(), { code: 'ECONNREFUSED' }),
    ]
    const long = new Error('x'.repeat(10_000))
    const health = healthOf(
      [...errors, long].map((error, index) => ({ name: String(index), run: () => Promise.reject(error) })),
      (text) => text.replaceAll('hunter2', '***'),
    )
    await health.refresh()
    expect(health.results.map(({ message }) => message)).toEqual([
      'password *** is wrong',
      'refused by ::1; refused by 127.0.0.1',
      'ECONNREFUSED',
      'x'.repeat(500),
    ])
    expect(JSON.stringify(told)).not.toContain('hunter2')
    health.close()
  })

  it('takes an answer that came while the process was busy, though its time was over then', async () => {
    vi.useRealTimers()
    const run = () =>
      new Promise<void>((resolve) => {
        // What a socket brings is read after the timers of the same turn.
        setTimeout(() => setImmediate(resolve), 0)
        const busyUntil = performance.now() + 30
        while (performance.now() < busyUntil);
      })
    const health = healthOf([{ name: 'db', run, options: { timeoutMs: 10 } }])
    await health.refresh()
    expect(said(health)).toEqual([{ name: 'db', isPassing: true, message: undefined }])
    health.close()
  })

  it('waits only for checks that decide something', async () => {
    const never = () => new Promise(() => undefined)
    const health = healthOf([
      { name: 'shown', run: never, options: { affects: 'none' } },
      { name: 'db', run: () => undefined },
    ])
    await health.refresh()
    expect(health.results.map(({ name }) => name)).toEqual(['db'])
    health.close()
  })

  it('tells a check when nobody asks any more', () => {
    const close = vi.fn()
    const health = healthOf([{ name: 'loop', run: () => undefined, close }])
    health.close()
    health.close()
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('counts no failure any more when it is closed within a grace period', async () => {
    const { state, check } = switched('db', { gracePeriodMs: 3_000 })
    const health = healthOf([check])
    const changed = vi.fn()
    health.onChange(changed)
    await health.refresh()
    for (const isBroken of [true, false, true]) {
      state.isBroken = isBroken
      await health.refresh()
    }
    health.close()
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(changed).not.toHaveBeenCalled()
  })

  it('tells a run nothing any more that has ended', async () => {
    const signals: AbortSignal[] = []
    const health = healthOf([{ name: 'db', run: (signal) => void signals.push(signal) }])
    await health.refresh()
    health.close()
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  })

  it('says how long the last run took, and when it ended', async () => {
    vi.setSystemTime(1_000_000)
    const run = () => new Promise((resolve) => setTimeout(resolve, 30))
    const health = healthOf([{ name: 'db', run }])
    const refreshed = health.refresh()
    await vi.advanceTimersByTimeAsync(30)
    await refreshed
    expect(health.results).toMatchObject([{ affects: 'readiness', durationMs: 30, checkedAt: 1_000_030 }])
    health.close()
  })
})

describe('the settings of a check', () => {
  it('have defaults, with a grace by what the check affects', () => {
    const { timeoutMs, intervalMs } = healthCheckDefaults
    expect(resolveHealthCheck('check')).toEqual({ timeoutMs, intervalMs, gracePeriodMs: 10_000, affects: 'readiness' })
    expect(resolveHealthCheck('check', { affects: 'liveness' }).gracePeriodMs).toBe(30_000)
  })

  it('are told all at once where they are wrong, with the check and the range', () => {
    const wrong = { timeoutMs: 0, intervalMs: 99, gracePeriodMs: Number.NaN, affects: 'all' } as never
    expect(() => resolveHealthCheck('check("db", …)', wrong)).toThrow(
      [
        'check("db", …): affects must be readiness, liveness or none, found "all" [config.malformed]',
        'check("db", …): timeoutMs must be from 1 to 60000, found 0 [config.out_of_range]',
        'check("db", …): intervalMs must be from 100 to 3600000, found 99 [config.out_of_range]',
        'check("db", …): gracePeriodMs must be from 0 to 3600000, found NaN [config.out_of_range]',
      ].join('\n'),
    )
  })
})
