import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../../telemetry/log.ts'
import { stopPhases } from './phase.ts'
import { PhaseJournal } from './phase-journal.ts'
import { runPhases, type ShutdownPhase, wait } from './shutdown.ts'

const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: () => log }
const journal = () => new PhaseJournal({ service: 'note', log, hide: (text) => text })
const never = () => new Promise<never>(() => undefined)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** How the phases ended that had so long together. */
async function run(totalMs: number, ...phases: readonly Partial<ShutdownPhase>[]) {
  const complete = phases.map((phase, index) => ({
    name: stopPhases[index] ?? 'drain',
    reserveMs: 0,
    run: never,
    ...phase,
  }))
  const done = runPhases(complete, { endsAtMs: performance.now() + totalMs, journal: journal() })
  await vi.runAllTimersAsync()
  return (await done).map(({ phase, error, durationMs }) => [phase, error?.message, durationMs])
}

/** How long each phase was let run. */
async function durations(totalMs: number, ...phases: readonly Partial<ShutdownPhase>[]) {
  return (await run(totalMs, ...phases)).map(([, , durationMs]) => durationMs)
}

const takes = (durationMs: number) => () => new Promise((resolve) => setTimeout(resolve, durationMs))

describe('runPhases', () => {
  it('runs each after the one before it, whatever became of that', async () => {
    const order: string[] = []
    const noting = (name: string, result: () => unknown) => ({
      run: () => {
        order.push(name)
        return result()
      },
    })
    const reports = await run(
      1_000,
      noting('one', takes(50)),
      noting('throws', () => {
        throw new Error('at once')
      }),
      noting('rejects', () => Promise.reject('a text')), // oxlint-disable-line typescript/prefer-promise-reject-errors -- users may
      noting('last', () => undefined),
    )
    expect(order).toEqual(['one', 'throws', 'rejects', 'last'])
    expect(reports).toEqual([
      [stopPhases[0], undefined, 50],
      [stopPhases[1], 'at once', 0],
      [stopPhases[2], 'a text', 0],
      [stopPhases[3], undefined, 0],
    ])
    expect(log.error).toHaveBeenCalledTimes(2)
  })

  it('tells a phase that its time is over, and lets it end by itself', async () => {
    const told = (signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    expect(await run(100, { name: 'drain', run: told })).toEqual([['drain', undefined, 75]])
  })

  it('goes on without a phase that does not end, and ends by its deadline', async () => {
    expect(await run(1_000, { name: 'drain', limitMs: 600 }, { name: 'close transports' })).toEqual([
      ['drain', 'shutdown phase "drain" did not end within 600 ms [service.phase_timed_out]', 600],
      [
        'close transports',
        'shutdown phase "close transports" did not end within 400 ms [service.phase_timed_out]',
        400,
      ],
    ])
  })

  it('keeps back what phases later on reserve', async () => {
    expect(await durations(1_000, {}, { reserveMs: 200 }, { reserveMs: 100 })).toEqual([700, 200, 100])
  })

  it('passes on what a phase does not use', async () => {
    expect(await durations(1_000, { reserveMs: 500, run: takes(100) }, { reserveMs: 100 })).toEqual([100, 900])
    expect(await durations(1_000, { reserveMs: 500, run: takes(100) }, { reserveMs: 100, limitMs: 300 })).toEqual([
      100, 300,
    ])
  })

  it('divides what is left when it is less than all reserves together', async () => {
    expect(await durations(100, { reserveMs: 300 }, { reserveMs: 100 })).toEqual([75, 25])
  })

  it('begins every phase although no time is left', async () => {
    const begun: boolean[] = []
    const noting = { run: (signal: AbortSignal) => void begun.push(signal.aborted) }
    await run(0, noting, noting)
    await run(-1, noting)
    expect(begun).toEqual([true, true, true])
  })

  it('leaves no timer behind', async () => {
    await run(10_000, { run: () => undefined })
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

  it('leaves nothing on a signal that lives longer', async () => {
    const { signal } = new AbortController()
    const waiting = wait(100, signal)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(100)
    await waiting
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })
})
