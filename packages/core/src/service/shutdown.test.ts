import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../telemetry/log.ts'
import { runPhases, type ShutdownPhase, wait } from './shutdown.ts'

const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: () => log }
const never = () => new Promise<never>(() => undefined)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

async function run(...phases: readonly ShutdownPhase[]) {
  const done = runPhases(phases, log)
  await vi.runAllTimersAsync()
  return (await done).map(({ phase, error, durationMs }) => [phase, error?.message, durationMs])
}

describe('runPhases', () => {
  it('runs each after the one before it, whatever became of that', async () => {
    const order: string[] = []
    const noting = (name: string, result: () => unknown): ShutdownPhase => ({
      name,
      budgetMs: 100,
      run: () => {
        order.push(name)
        return result()
      },
    })
    const reports = await run(
      noting('one', () => new Promise((resolve) => setTimeout(resolve, 50))),
      noting('throws', () => {
        throw new Error('at once')
      }),
      noting('rejects', () => Promise.reject('a text')), // oxlint-disable-line typescript/prefer-promise-reject-errors -- users may
      noting('last', () => undefined),
    )
    expect(order).toEqual(['one', 'throws', 'rejects', 'last'])
    expect(reports).toEqual([
      ['one', undefined, 50],
      ['throws', 'at once', 0],
      ['rejects', 'a text', 0],
      ['last', undefined, 0],
    ])
    expect(log.error).toHaveBeenCalledTimes(2)
  })

  it('tells a phase that its time is over, and lets it end by itself', async () => {
    const reports = await run({
      name: 'drain',
      budgetMs: 100,
      run: (signal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
    })
    expect(reports).toEqual([['drain', undefined, 100]])
  })

  it('goes on without a phase that does not end', async () => {
    const reports = await run({ name: 'drain', budgetMs: 100, run: never }, { name: 'close', budgetMs: 0, run: never })
    expect(reports).toEqual([
      ['drain', 'shutdown phase "drain" did not end within 100 ms [service.phase_timed_out]', 600],
      ['close', 'shutdown phase "close" did not end within 0 ms [service.phase_timed_out]', 500],
    ])
  })

  it('swallows what a phase that is given up throws later', async () => {
    const late = (signal: AbortSignal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => setTimeout(() => reject(new Error('too late')), 1_000))
      })
    expect(await run({ name: 'drain', budgetMs: 10, run: late })).toMatchObject([['drain', expect.any(String), 510]])
  })

  it('leaves no timer behind', async () => {
    await runPhases([{ name: 'quick', budgetMs: 10_000, run: () => undefined }], log)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('wait', () => {
  it('waits for its time, or for the signal', async () => {
    const ending = new AbortController()
    let isDone = false
    const full = wait(100, ending.signal).then(() => (isDone = true))
    await vi.advanceTimersByTimeAsync(99)
    expect(isDone).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await full
    const short = wait(100, ending.signal)
    ending.abort()
    await short
    await wait(100, ending.signal)
    expect(vi.getTimerCount()).toBe(0)
  })
})
