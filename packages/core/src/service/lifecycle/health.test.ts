import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Health } from './health.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

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
    const health = new Health([...answers.keys()].map((name) => ({ name, run: () => answers.get(name)?.() })))
    expect(health.results).toEqual([])
    const refreshed = health.refresh()
    await vi.advanceTimersByTimeAsync(10)
    await refreshed
    expect(health.results).toEqual([
      { name: 'slow', isPassing: true, message: undefined },
      { name: 'text', isPassing: false, message: 'broken' },
      { name: 'error', isPassing: false, message: 'no connection' },
    ])
    expect(health.isPassing).toBe(false)
    for (const name of answers.keys()) answers.set(name, () => undefined)
    await health.refresh()
    expect(health.isPassing).toBe(true)
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
      const health = new Health(checks)
      const refreshed = health.refresh()
      await vi.advanceTimersByTimeAsync(20)
      await refreshed
      expect(health.isPassing).toBe(false)
      expect(new Set(health.results.map(({ isPassing }) => isPassing))).toEqual(new Set([false, true]))
      health.close()
    }
  })

  it('runs a check that hangs no second time, and keeps it failing until it has ended', async () => {
    const answer = Promise.withResolvers<void>()
    const run = vi.fn(() => answer.promise)
    const health = new Health([{ name: 'db', run }], { checkIntervalMs: 100, checkTimeoutMs: 50 })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(run).toHaveBeenCalledTimes(1)
    expect(health.results).toEqual([{ name: 'db', isPassing: false, message: 'no answer within 50 ms' }])
    answer.resolve()
    await vi.advanceTimersByTimeAsync(99)
    expect(health.isPassing).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(run).toHaveBeenCalledTimes(2)
    expect(health.isPassing).toBe(true)
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
    const health = new Health([{ name: 'db', run }])
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
    const health = new Health([
      { name: 'one', run },
      { name: 'two', run },
    ])
    const changed: boolean[] = []
    health.onChange(() => changed.push(health.isPassing))
    for (const broken of [false, true, true, false]) {
      isBroken = broken
      await health.refresh()
    }
    expect(changed).toEqual([false, true])
    health.close()
  })

  it('passes without any check', async () => {
    const health = new Health([])
    await health.refresh()
    expect(health).toMatchObject({ isPassing: true, results: [] })
    health.close()
  })

  it('runs in the background until it is closed', async () => {
    const run = vi.fn()
    const health = new Health([{ name: 'db', run }], { checkIntervalMs: 100 })
    await vi.advanceTimersByTimeAsync(250)
    expect(run).toHaveBeenCalledTimes(2)
    health.close()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(run).toHaveBeenCalledTimes(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives each check its own time, and tells it when that is over', async () => {
    let aborted = false
    const health = new Health(
      [
        {
          name: 'hangs',
          run: (signal) => {
            signal.addEventListener('abort', () => (aborted = true))
            return new Promise(() => undefined)
          },
        },
        { name: 'fine', run: () => undefined },
      ],
      { checkTimeoutMs: 50 },
    )
    const refreshed = health.refresh()
    await vi.advanceTimersByTimeAsync(49)
    expect(health.results.map(({ name }) => name)).toEqual(['fine'])
    await vi.advanceTimersByTimeAsync(1)
    await refreshed
    expect(aborted).toBe(true)
    expect(health.results[0]).toEqual({ name: 'hangs', isPassing: false, message: 'no answer within 50 ms' })
    health.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})
