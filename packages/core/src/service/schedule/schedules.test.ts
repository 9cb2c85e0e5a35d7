import { createNoopMeter, metrics } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Call } from '../../call/call.ts'
import { currentCall } from '../../call/context.ts'
import type { Interceptor } from '../../call/rule/interceptor.ts'
import { ServiceError } from '../../error/service-error.ts'
import { defineSchedule } from '../../handler/define-handler.ts'
import type { Handler } from '../../handler/handler-class.ts'
import { hook } from '../../handler/hook.ts'
import { Intercepts } from '../../handler/intercepts.ts'
import { cron } from '../../handler/schedule/cron.ts'
import { every } from '../../handler/schedule/every.ts'
import { Runs } from '../../handler/schedule/runs.ts'
import type { ScheduledRun, ScheduleOptions } from '../../handler/schedule/timing.ts'
import type { Logger } from '../../telemetry/log.ts'
import { defineService, type StartedService } from '../define-service.ts'
import type { ServiceOptions } from '../service-options.ts'
import type { ScheduleState } from './running-schedule.ts'

const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: vi.fn(() => log) }
const begin = { log, environment: {} }
const startAt = Date.parse('2026-11-22T08:00:00Z')

beforeEach(() => {
  vi.clearAllMocks()
  vi.useFakeTimers({ now: startAt })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  metrics.disable()
})

function workerOf(handlers: readonly Handler[], options: Partial<ServiceOptions> = {}) {
  return defineService({ name: 'worker', version: '1.0.0', handlers, admin: false, ...options })
}

/** A schedule whose runs end when they are told to. */
function heldSchedule(options: ScheduleOptions = {}) {
  const held: { readonly run: ScheduledRun; readonly call: Call; end(error?: Error): void }[] = []
  const handler = defineSchedule('tidy', every('1 s', options), () => (run, call) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    held.push({ run, call, end: (error) => (error ? reject(error) : resolve()) })
    return promise
  })
  return { held, handler, service: workerOf([handler]) }
}

describe('a schedule', () => {
  it('runs at its moments once the service is ready, as a call of its own', async () => {
    const seen: unknown[] = []
    class Tidier {
      readonly #shelf = 'shelf'

      @Runs('tidy', every('1 m', { timeoutMs: 5_000 }))
      async tidy({ dueAt }: ScheduledRun, call: Call) {
        seen.push([this.#shelf, new Date(dueAt).toISOString(), call.operation, call.transport, call.remainingMs()])
        expect(currentCall()).toBe(call)
      }
    }
    const started = await workerOf([Tidier]).start(begin)
    await vi.advanceTimersByTimeAsync(59_999)
    expect(seen).toEqual([])
    await vi.advanceTimersByTimeAsync(60_001)
    expect(seen).toEqual([
      ['shelf', '2026-11-22T08:01:00.000Z', 'schedule tidy', 'schedule', 5_000],
      ['shelf', '2026-11-22T08:02:00.000Z', 'schedule tidy', 'schedule', 5_000],
    ])
    expect((await started.stop()).exitCode).toBe(0)
  })

  it('runs by the time of day', async () => {
    const dues: string[] = []
    const mornings = cron('30 9,10 * * *', { timeZone: 'Europe/Berlin' })
    const report = defineSchedule(
      'report',
      mornings,
      () =>
        ({ dueAt }) =>
          dues.push(new Date(dueAt).toISOString()),
    )
    const started = await workerOf([report]).start(begin)
    await vi.advanceTimersByTimeAsync(2 * 3_600_000)
    expect(dues).toEqual(['2026-11-22T08:30:00.000Z', '2026-11-22T09:30:00.000Z'])
    await started.stop()
  })

  it('goes through the interceptors of service, class and method', async () => {
    const seen: string[] = []
    const noting = (name: string): Interceptor => {
      return (call, next) => {
        seen.push(`${name} around ${call.operation}`)
        return next()
      }
    }
    @Intercepts(noting('class'))
    class Tidier {
      @Runs('tidy', every('1 m'))
      @Intercepts(noting('method'))
      tidy() {
        seen.push('tidy')
      }
    }
    const started = await workerOf([Tidier], { interceptors: [noting('service')] }).start(begin)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(seen.join(', ')).toBe(
      'service around schedule tidy, class around schedule tidy, method around schedule tidy, tidy',
    )
    await started.stop()
  })

  it('goes on when runs fail, each of which is logged', async () => {
    let runCount = 0
    const handler = defineSchedule('tidy', every('1 s'), () => () => {
      runCount += 1
      throw runCount === 1 ? new Error('no shelf') : new ServiceError('not_found', 'nothing to tidy')
    })
    const started = await workerOf([handler], { log: { calls: 'none' } }).start(begin)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(runCount).toBe(3)
    const failed = expect.objectContaining({ operation: 'schedule tidy', code: 'internal' })
    expect(log.error).toHaveBeenCalledExactlyOnceWith(failed, 'schedule tidy failed')
    expect(log.info).toHaveBeenCalledWith(expect.anything(), 'schedule tidy failed: nothing to tidy')
    expect((await started.stop()).exitCode).toBe(0)
  })

  it('begins a run later by a part of its jitter', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const { held, service } = heldSchedule({ jitterMs: 600 })
    const started = await service.start(begin)
    await vi.advanceTimersByTimeAsync(1_299)
    expect(held).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(held[0]?.run.dueAt).toBe(startAt + 1_000)
    random.mockRestore()
    held[0]?.end()
    await started.stop()
  })

  it('begins no run after its next moment, however long the jitter', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.9)
    const dues: number[] = []
    const handler = defineSchedule(
      'tidy',
      cron('* * * * * *', { jitterMs: 60_000 }),
      () =>
        ({ dueAt, missedCount }) => {
          dues.push(dueAt - startAt)
          expect([Date.now() - dueAt, missedCount]).toEqual([900, 0])
        },
    )
    const started = await workerOf([handler]).start(begin)
    await vi.advanceTimersByTimeAsync(4_900)
    expect(dues).toEqual([1_000, 2_000, 3_000, 4_000])
    expect(log.error).not.toHaveBeenCalled()
    random.mockRestore()
    await started.stop()
  })

  it('waits for nothing more, with jitter too, when its last moment has come', async () => {
    const dues: number[] = []
    const once = {
      ...cron('@hourly', { jitterMs: 1 }),
      momentsFrom: () => (afterMs: number) => (afterMs < startAt + 1 ? startAt + 1 : Infinity),
    }
    const handler = defineSchedule(
      'tidy',
      once,
      () =>
        ({ dueAt }) =>
          dues.push(dueAt - startAt),
    )
    const setTimer = vi.spyOn(globalThis, 'setTimeout')
    const started = await workerOf([handler]).start(begin)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(dues).toEqual([1])
    setTimer.mockClear()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(setTimer).not.toHaveBeenCalled()
    await started.stop()
  })

  it('counts what it missed while the process slept, and makes up for none of it', async () => {
    const runs: ScheduledRun[] = []
    const handler = defineSchedule('report', cron('0 * * * *'), () => (run) => runs.push(run))
    const started = await workerOf([handler]).start(begin)
    // While a machine sleeps, its timers do too.
    vi.setSystemTime(startAt + 3.5 * 3_600_000)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(runs).toEqual([])
    expect(log.warn).toHaveBeenCalledWith(
      { missedCount: 3 },
      'schedule report missed moments: the process slept or was busy',
    )
    await vi.advanceTimersByTimeAsync(30 * 60_000)
    expect(runs).toEqual([{ dueAt: startAt + 4 * 3_600_000, missedCount: 3 }])
    await started.stop()
  })

  it('goes on when the clock is set back by far, and runs no moment twice when it is by little', async () => {
    const dues: string[] = []
    const handler = defineSchedule('report', cron('0 * * * *'), () => ({ dueAt }) => {
      dues.push(new Date(dueAt).toISOString().slice(11, 16))
    })
    const started = await workerOf([handler]).start(begin)
    await vi.advanceTimersByTimeAsync(3_600_000)
    vi.setSystemTime(startAt + 3_600_000 - 40_000)
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(dues).toEqual(['09:00'])
    vi.setSystemTime(startAt - 2 * 3_600_000)
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(dues).toEqual(['09:00', '07:00'])
    await started.stop()
  })

  it('goes on when the clock is set back right after the start, before the schedule has looked at it', async () => {
    const dues: string[] = []
    const handler = defineSchedule('report', cron('0 * * * *'), () => ({ dueAt }) => {
      dues.push(new Date(dueAt).toISOString().slice(11, 16))
    })
    const started = await workerOf([handler]).start(begin)
    vi.setSystemTime(startAt - 2.5 * 3_600_000)
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(dues).toEqual(['06:00'])
    await started.stop()
  })
})

describe('a moment that comes while a run works', () => {
  it('is left out with skip, and told', async () => {
    const { held, service } = heldSchedule()
    const started = await service.start(begin)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(held).toHaveLength(1)
    expect(log.warn).toHaveBeenCalledWith(
      { skippedCount: 1 },
      'schedule tidy left out a run, for one before still works',
    )
    held[0]?.end()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(held.map(({ run }) => run.dueAt - startAt)).toEqual([1_000, 4_000])
    held[1]?.end()
    await started.stop()
  })

  it('waits with queue, and those after it are left out', async () => {
    const { held, service } = heldSchedule({ overlap: 'queue' })
    const started = await service.start(begin)
    await vi.advanceTimersByTimeAsync(3_500)
    expect(held).toHaveLength(1)
    held[0]?.end()
    await vi.advanceTimersByTimeAsync(0)
    expect(held.map(({ run }) => run.dueAt - startAt)).toEqual([1_000, 2_000])
    held[1]?.end()
    await started.stop()
  })

  it('begins a run of its own with parallel', async () => {
    const { held, service } = heldSchedule({ overlap: 'parallel' })
    const started = await service.start(begin)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(held).toHaveLength(3)
    for (const one of held) one.end()
    await started.stop()
  })

  it('is left out too when the time of the run is over, but not its work', async () => {
    const { held, service } = heldSchedule({ timeoutMs: 500 })
    const started = await service.start(begin)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(held).toHaveLength(1)
    expect(held[0]?.call.signal.aborted).toBe(true)
    held[0]?.end()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(held).toHaveLength(2)
    held[1]?.end()
    await started.stop()
  })
})

describe('a stop', () => {
  it('begins no run any more, not even one that waits, and waits for those that work', async () => {
    const { held, service } = heldSchedule({ overlap: 'queue' })
    const started = await service.start(begin)
    await vi.advanceTimersByTimeAsync(2_000)
    const ended = started.stop()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(service.state).toBe('draining')
    expect(held[0]?.call.draining.aborted).toBe(true)
    expect(held[0]?.call.signal.aborted).toBe(false)
    held[0]?.end()
    await vi.advanceTimersByTimeAsync(0)
    expect((await ended).exitCode).toBe(0)
    expect(held).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('cuts a run at the deadline of the drain', async () => {
    const { held, handler } = heldSchedule({ timeoutMs: 3_600_000 })
    const started = await workerOf([handler], { shutdownTimeoutMs: 10_000 }).start(begin)
    await vi.advanceTimersByTimeAsync(1_000)
    const ended = started.stop()
    await vi.advanceTimersByTimeAsync(10_000)
    expect((await ended).exitCode).toBe(1)
    expect(held[0]?.call.signal.reason).toMatchObject({ code: 'unavailable' })
  })

  it('waits for a run whose time is over and that works on, before it disposes what that works with', async () => {
    const { held, handler } = heldSchedule({ timeoutMs: 500 })
    const disposed = vi.fn()
    const onStop = [hook('close the store', disposed)]
    const started = await workerOf([handler], { shutdownTimeoutMs: 10_000, onStop }).start(begin)
    await vi.advanceTimersByTimeAsync(2_000)
    const ended = started.stop()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(held[0]?.call.signal.aborted).toBe(true)
    expect(disposed).not.toHaveBeenCalled()
    held[0]?.end()
    await vi.advanceTimersByTimeAsync(0)
    expect((await ended).exitCode).toBe(0)
    expect(disposed).toHaveBeenCalledTimes(1)
    expect(log.info).toHaveBeenLastCalledWith(
      expect.objectContaining({ cutCallCount: 0, abandonedCallCount: 0 }),
      'worker has stopped',
    )
  })

  it('gives such a run up at the deadline of the drain, says so, and ends with exit code 1', async () => {
    const { handler } = heldSchedule({ timeoutMs: 500 })
    const started = await workerOf([handler], { shutdownTimeoutMs: 10_000 }).start(begin)
    await vi.advanceTimersByTimeAsync(2_000)
    const ended = started.stop()
    await vi.advanceTimersByTimeAsync(10_000)
    expect((await ended).exitCode).toBe(1)
    expect(log.info).toHaveBeenLastCalledWith(
      { exitCode: 1, cutCallCount: 0, cutAnswerCount: 0, abandonedCallCount: 1 },
      'worker has stopped',
    )
  })

  it('that comes before the service was ready leaves schedules alone', async () => {
    const { held, handler } = heldSchedule()
    const readiness = Promise.withResolvers<void>()
    const service = workerOf([handler], {
      registry: () => ({ announce: () => readiness.promise as Promise<never> }),
    })
    const starting = service.start(begin)
    starting.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(held).toHaveLength(0)
    const stopped = service.stop()
    readiness.resolve()
    await vi.advanceTimersByTimeAsync(60_000)
    await stopped
    expect(held).toHaveLength(0)
  })
})

describe('runSchedule', () => {
  it('runs it once, now, whether or not it runs at its moments', async () => {
    const runs: ScheduledRun[] = []
    const handler = defineSchedule('tidy', every('1 s'), () => (run) => runs.push(run))
    const started = await workerOf([handler]).start({ ...begin, schedules: false })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(runs).toEqual([])
    await started.runSchedule('tidy')
    expect(runs).toEqual([{ dueAt: startAt + 60_000, missedCount: 0 }])
    await started.stop()
    await expect(started.runSchedule('tidy')).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('fails as the run does, and where there is no such schedule', async () => {
    const handler = defineSchedule('tidy', every('1 s'), () => () => {
      throw new ServiceError('aborted', 'somebody else tidies')
    })
    const started = await workerOf([handler]).start(begin)
    await expect(started.runSchedule('tidy')).rejects.toMatchObject({ code: 'aborted' })
    await expect(started.runSchedule('sweep')).rejects.toThrow(
      'no schedule of the service is named sweep, it has: tidy',
    )
    await started.stop()
  })
})

describe('/info', () => {
  async function scheduleOf({ addresses }: StartedService) {
    const admin = addresses.find(({ protocol }) => protocol === 'admin')
    vi.useRealTimers()
    const reply = await fetch(`http://${admin?.host}:${admin?.port}/info`)
    const { schedules } = (await reply.json()) as { readonly schedules: readonly ScheduleState[] }
    return schedules[0]
  }

  it('counts no run that is refused while the service drains', async () => {
    const meter = createNoopMeter()
    metrics.setGlobalMeterProvider({ getMeter: () => meter })
    const created = vi.spyOn(meter, 'createHistogram')
    const { held, handler } = heldSchedule()
    const started = await workerOf([handler], { admin: { port: 0 } }).start({ ...begin, schedules: false })
    const running = started.runSchedule('tidy')
    const ended = started.stop()
    await vi.advanceTimersByTimeAsync(0)
    expect(held[0]?.call.draining.aborted).toBe(true)
    await expect(started.runSchedule('tidy')).rejects.toMatchObject({ code: 'unavailable' })
    expect(created).not.toHaveBeenCalledWith('tenon.schedule.run.duration', expect.anything())
    expect(await scheduleOf(started)).toMatchObject({ runningCount: 1, succeededCount: 0, failedCount: 0 })
    held[0]?.end()
    await running
    expect(created).toHaveBeenCalledWith('tenon.schedule.run.duration', expect.anything())
    expect((await ended).exitCode).toBe(0)
  })

  it.each([Number.POSITIVE_INFINITY, 1e300])(
    'has no next moment of a timing that never comes again: %s',
    async (ms) => {
      const never = { ...every('1 h'), momentsFrom: () => () => ms }
      const handler = defineSchedule('tidy', never, () => () => undefined)
      const started = await workerOf([handler], { admin: { port: 0 } }).start(begin)
      const state = await scheduleOf(started)
      expect(state).toMatchObject({ name: 'tidy', runningCount: 0 })
      expect(state).not.toHaveProperty('nextAt')
      await started.stop()
    },
  )
})

describe('a service with schedules', () => {
  class Broken {
    @Runs('never', cron('0 0 30 2 *'))
    never() {}

    @Runs('tidy', every(0))
    tidy() {}
  }
  const twin = defineSchedule('tidy', every('1 s'), () => () => undefined)

  it('does not start with one that cannot run, and tells all that is wrong', async () => {
    const service = workerOf([Broken, twin, defineSchedule(' ', 'daily' as never, () => () => undefined)])
    const { problems } = await service.check({ environment: {} })
    expect(problems).toEqual([
      { code: 'config.malformed', message: expect.stringContaining('the name must be one line') },
      { code: 'wiring.schedule', message: 'schedule never: cron("0 0 30 2 *") has no moment that will ever come' },
      { code: 'wiring.schedule', message: expect.stringContaining('schedule tidy: every() takes 1 ms to 365 d') },
      {
        code: 'wiring.schedule',
        message: 'schedule  : expected what every(…) or cron(…) gives, found "daily"',
      },
      {
        code: 'wiring.schedule',
        message:
          'schedule tidy: Broken.tidy and schedule tidy.run both run under this name: give one of them another name',
      },
    ])
    await expect(service.start(begin)).rejects.toThrow('wiring.schedule')
  })

  it('describes them', () => {
    const nightly = cron('0 3 * * *', { timeZone: 'Europe/Berlin', overlap: 'queue', jitterMs: 1_000 })
    const service = workerOf([defineSchedule('report', nightly, () => () => undefined)])
    expect(service.describe({ environment: {} })).toMatchObject({
      handlers: [{ name: 'schedule report', schedules: ['report'] }],
      schedules: [
        {
          name: 'report',
          timing: 'cron 0 3 * * * (Europe/Berlin)',
          overlap: 'queue',
          jitterMs: 1_000,
          timeoutMs: 30_000,
          handler: 'schedule report',
          member: 'run',
          interceptors: [],
        },
      ],
    })
  })
})
