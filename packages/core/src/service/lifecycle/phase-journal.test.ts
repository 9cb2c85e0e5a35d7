import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../../telemetry/log.ts'
import { type Phase, PhaseJournal, phaseChannelName } from './phase-journal.ts'

const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: () => log }
const drain: Phase = { stage: 'stop', name: 'drain', budgetMs: 1_000 }
const listen: Phase = { stage: 'start', name: 'listen', budgetMs: 5_000 }

beforeEach(() => {
  vi.useFakeTimers()
  vi.clearAllMocks()
})
afterEach(() => void vi.useRealTimers())

const newJournal = () => new PhaseJournal({ service: 'note', log, hide: (text) => text.replaceAll('pa55', '***') })

const takes = (durationMs: number) => () => new Promise((resolve) => setTimeout(resolve, durationMs))

describe('PhaseJournal', () => {
  it('gives what a phase gives, and tells once how long it took', async () => {
    const journal = newJournal()
    expect(await journal.run(listen, () => 7)).toBe(7)
    const draining = journal.run(drain, takes(40))
    await vi.advanceTimersByTimeAsync(30)
    expect(journal.states).toEqual([
      { stage: 'start', name: 'listen', state: 'done', durationMs: 0, budgetMs: 5_000 },
      { stage: 'stop', name: 'drain', state: 'running', durationMs: 30, budgetMs: 1_000 },
    ])
    await vi.advanceTimersByTimeAsync(10)
    await draining
    expect(journal.states[1]).toEqual({
      stage: 'stop',
      name: 'drain',
      state: 'done',
      durationMs: 40,
      budgetMs: 1_000,
    })
    expect(vi.mocked(log.info).mock.calls).toEqual([
      [{ stage: 'start', phase: 'listen', durationMs: 0, budgetMs: 5_000 }, 'start: listen'],
      [{ stage: 'stop', phase: 'drain', durationMs: 40, budgetMs: 1_000 }, 'stop: drain'],
    ])
  })

  it('names all that failed in one line without secrets, and leaves the error itself to the log', async () => {
    const journal = newJournal()
    const error = new AggregateError([new Error('db refused pa55'), new Error('cache hangs')], 'nothing ends')
    await expect(
      journal.run(drain, () => {
        throw error
      }),
    ).rejects.toBe(error)
    expect(journal.states).toMatchObject([{ state: 'failed', error: 'nothing ends: db refused ***; cache hangs' }])
    expect(journal.reportsOf('stop')).toMatchObject([{ phase: 'drain', error }])
    expect(journal.reportsOf('start')).toEqual([])
    expect(log.error).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ err: error }), 'stop: drain failed')
  })

  it('leaves the error that ends a start to who throws it', async () => {
    await expect(newJournal().run(listen, () => Promise.reject(new Error('taken')))).rejects.toThrow('taken')
    expect(vi.mocked(log.warn).mock.calls).toEqual([
      [expect.objectContaining({ phase: 'listen', reason: 'taken' }), 'start: listen did not succeed'],
    ])
    expect(log.error).not.toHaveBeenCalled()
  })

  it('publishes each begin and end while they happen', async () => {
    const events: unknown[] = []
    const listener = (event: unknown) => void events.push(event)
    subscribe(phaseChannelName, listener)
    try {
      const journal = newJournal()
      journal.note({ ...listen, name: 'read settings' }, performance.now())
      await journal.run(drain, () => void events.push('runs'))
    } finally {
      unsubscribe(phaseChannelName, listener)
    }
    expect(events).toMatchObject([
      { service: 'note', stage: 'start', name: 'read settings', at: 'begin' },
      { service: 'note', stage: 'start', name: 'read settings', at: 'end' },
      { service: 'note', stage: 'stop', name: 'drain', at: 'begin' },
      'runs',
      { service: 'note', stage: 'stop', name: 'drain', at: 'end' },
    ])
  })
})
