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
    health.close()
    for (const name of answers.keys()) answers.set(name, () => undefined)
    await health.refresh()
    expect(health.isPassing).toBe(true)
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
