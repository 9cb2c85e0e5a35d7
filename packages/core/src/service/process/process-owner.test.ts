import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LifecycleError } from '../../error/setup-error.ts'
import type { Logger } from '../../telemetry/log.ts'
import { type OwnedService, processOwner } from './process-owner.ts'
import { forgetOwner } from './process-owner.test-harness.ts'
import type { StopOptions } from '../lifecycle/shutdown-phases.ts'

const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: () => log }
const exit = vi.fn()

beforeEach(() => {
  vi.useFakeTimers()
  vi.clearAllMocks()
  vi.spyOn(process, 'exit').mockImplementation(exit as never)
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
})

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  process.exitCode = undefined
  forgetOwner()
})

/** A service that starts at once and ends when it is stopped. */
function ownedService(given: Partial<OwnedService> & { readonly exitCode?: number } = {}) {
  const ended = Promise.withResolvers<{ exitCode: number }>()
  const end = () => ended.resolve({ exitCode: given.exitCode ?? 0 })
  const stop = vi.fn(async () => end())
  return {
    service: {
      name: 'note',
      log,
      onHangup: 'drain' as const,
      onParentExit: 'ignore' as const,
      start: async () => undefined,
      stop,
      ended: () => ended.promise,
      ...given,
    },
    stop,
    end,
  }
}

/** The module as another copy of this package has it. */
async function anotherCopy(): Promise<{ readonly processOwner: typeof processOwner }> {
  vi.resetModules()
  return import('./process-owner.ts')
}

describe('processOwner', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('stops all services at %s and ends with exit code 0', async (signal) => {
    const [one, two] = [ownedService(), ownedService()]
    const running = [processOwner().run(one.service), processOwner().run(two.service)]
    process.emit(signal, signal)
    await Promise.all(running)
    expect(one.stop).toHaveBeenCalled()
    expect(two.stop).toHaveBeenCalled()
    expect(process.exitCode).toBe(0)
    expect(exit).not.toHaveBeenCalled()
    expect(log.info).toHaveBeenCalledExactlyOnceWith(
      { signal },
      `${signal}: the services stop, and a second signal cuts them`,
    )
  })

  it('ignores a signal that is repeated when all have ended, which would end the process with another code', async () => {
    const { service } = ownedService()
    const running = processOwner().run(service)
    process.emit('SIGINT', 'SIGINT')
    await running
    await vi.advanceTimersByTimeAsync(500)
    const counts = ['SIGTERM', 'SIGINT', 'SIGHUP'].map((signal) => process.listenerCount(signal))
    expect(counts).toEqual([1, 1, 1])
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.emit(signal, signal)
    expect(exit).not.toHaveBeenCalled()
    expect(process.exitCode).toBe(0)
    expect(log.info).toHaveBeenCalledTimes(1)
  })

  it('is one for all copies of this package, so that none ends the process while services of another drain', async () => {
    const drained = Promise.withResolvers<void>()
    const [slow, fast] = [ownedService(), ownedService()]
    const stop = () => drained.promise.then(slow.end)
    const running = processOwner().run({ ...slow.service, stop })
    const copy = await anotherCopy()
    expect(copy.processOwner).not.toBe(processOwner)
    const others = copy.processOwner().run(fast.service)
    process.emit('SIGTERM', 'SIGTERM')
    await others
    await vi.advanceTimersByTimeAsync(10_000)
    expect(exit).not.toHaveBeenCalled()
    drained.resolve()
    await running
    expect(process.exitCode).toBe(0)
  })

  it('knows that a start was stopped by an error of another copy, too', async () => {
    const failed = Promise.withResolvers<void>()
    const { service, end } = ownedService({
      start: () => failed.promise,
      stop: async () => {
        end()
        failed.reject(Object.assign(new Error('asked to stop'), { code: 'service.stopped' }))
      },
    })
    const running = processOwner().run(service)
    process.emit('SIGTERM', 'SIGTERM')
    await running
    expect(process.exitCode).toBe(0)
  })

  it('tells when a copy of a version that it does not know runs services beside it', async () => {
    Object.defineProperty(globalThis, Symbol.for('tenon.process_owner'), { value: { version: 2 }, configurable: true })
    const copy = await anotherCopy()
    const [one, two] = [ownedService(), ownedService()]
    const running = [copy.processOwner().run(one.service), copy.processOwner().run(two.service)]
    expect(log.warn).toHaveBeenCalledExactlyOnceWith(
      {},
      expect.stringContaining('copies of @tenon/core whose versions do not know each other'),
    )
    process.emit('SIGTERM', 'SIGTERM')
    await Promise.all(running)
    expect(process.exitCode).toBe(0)
  })

  it('lets services drain one after another, last started first', async () => {
    const log: string[] = []
    const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const services = ends.map(({ promise }, index) => {
      const { service, end } = ownedService()
      const stop = async ({ drainAfter }: StopOptions = {}) => {
        log.push(`${index} turns away`)
        await drainAfter
        log.push(`${index} drains`)
        await promise
        end()
      }
      return { ...service, stop }
    })
    const running = services.map((service) => processOwner().run(service))
    await vi.advanceTimersByTimeAsync(0)
    process.emit('SIGTERM', 'SIGTERM')
    await vi.advanceTimersByTimeAsync(0)
    expect(log).toEqual(['2 turns away', '1 turns away', '0 turns away', '2 drains'])
    ends[2]?.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(log.slice(4)).toEqual(['1 drains'])
    ends[1]?.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(log.slice(5)).toEqual(['0 drains'])
    ends[0]?.resolve()
    await Promise.all(running)
  })

  it('ends a process that something forgotten keeps alive, and keeps none alive itself', async () => {
    const setTimeout = vi.spyOn(globalThis, 'setTimeout')
    const { service, end } = ownedService({ exitCode: 1 })
    const running = processOwner().run(service)
    end()
    await running
    expect(setTimeout.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([false])
    expect(process.exitCode).toBe(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(exit).toHaveBeenCalledTimes(1)
    expect(log.warn).toHaveBeenCalledTimes(1)
  })

  it('ends a process that only telemetry keeps alive, which nobody takes, without another warning', async () => {
    let isTelling = true
    const { service, end } = ownedService({ isTelling: () => isTelling })
    const running = processOwner().run(service)
    end()
    await running
    await vi.advanceTimersByTimeAsync(1_000)
    expect(exit).toHaveBeenCalledTimes(1)
    expect(log.warn).not.toHaveBeenCalled()
    isTelling = false
    await processOwner().run(service)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(log.warn).toHaveBeenCalledTimes(1)
  })

  it('cuts at a second signal, but takes two within a moment for one', async () => {
    const { service, end } = ownedService({ stop: async () => undefined })
    const running = processOwner().run(service)
    process.emit('SIGINT', 'SIGINT')
    process.emit('SIGINT', 'SIGINT')
    await expectCutByNextSignal()
    end()
    await running
  })

  it.each(['SIGHUP', 'the death of the parent'])('does not count %s as the first of two signals', async (first) => {
    const ppid = vi.spyOn(process, 'ppid', 'get')
    const { service, end } = ownedService({ stop: async () => undefined, onParentExit: 'drain' })
    const running = processOwner().run(service)
    if (first === 'SIGHUP') process.emit('SIGHUP', 'SIGHUP')
    else ppid.mockReturnValue(1)
    await vi.advanceTimersByTimeAsync(5_000)
    process.emit('SIGTERM', 'SIGTERM')
    await expectCutByNextSignal()
    end()
    await running
  })

  it('does not start a service that is run while others drain', async () => {
    const drained = Promise.withResolvers<void>()
    const first = ownedService()
    const running = processOwner().run({ ...first.service, stop: () => drained.promise.then(first.end) })
    process.emit('SIGTERM', 'SIGTERM')
    const start = vi.fn(async () => undefined)
    await processOwner().run({ ...ownedService().service, name: 'late', start })
    expect(start).not.toHaveBeenCalled()
    expect(log.info).toHaveBeenLastCalledWith({}, 'late is not started, for the services of the process stop')
    drained.resolve()
    await running
    expect(process.exitCode).toBe(0)
  })

  it('logs a start that fails, ends with exit code 1, and stops the other services', async () => {
    const other = ownedService()
    const failure = new Error('the port is taken')
    const failing = ownedService({ start: () => Promise.reject(failure) })
    const running = processOwner().run(other.service)
    await Promise.all([processOwner().run(failing.service), running])
    expect(log.error).toHaveBeenCalledWith({ err: failure }, 'the service could not start: the port is taken')
    expect(vi.mocked(process.stderr.write).mock.calls).toEqual([['note could not start: the port is taken\n']])
    expect(other.stop).toHaveBeenCalled()
    expect(process.exitCode).toBe(1)
  })

  it('stops a service whose start was under way when the signal came', async () => {
    const starting = Promise.withResolvers<void>()
    const { service, stop } = ownedService({ start: () => starting.promise })
    const running = processOwner().run(service)
    process.emit('SIGTERM', 'SIGTERM')
    starting.resolve()
    await running
    expect(stop).toHaveBeenCalled()
    expect(process.exitCode).toBe(0)
  })

  it('does not start a service that is run when another one has failed already', async () => {
    const [draining, failing, late] = [
      ownedService({ stop: async () => undefined }),
      ownedService({ start: () => Promise.reject(new Error('the port is taken')) }),
      ownedService({ start: vi.fn() }),
    ]
    const running = processOwner().run(draining.service)
    await processOwner().run(failing.service)
    await processOwner().run(late.service)
    expect(late.service.start).not.toHaveBeenCalled()
    draining.end()
    await running
    expect(process.exitCode).toBe(1)
  })

  it.each([0, 1])('leaves it to the end of a start that was stopped how the process ends: %i', async (exitCode) => {
    const starting = Promise.withResolvers<void>()
    const stopped = new LifecycleError([{ code: 'service.stopped', message: 'asked to stop' }])
    const { service, end } = ownedService({
      exitCode,
      start: () => starting.promise,
      stop: async () => {
        end()
        starting.reject(stopped)
      },
    })
    const running = processOwner().run(service)
    process.emit('SIGTERM', 'SIGTERM')
    await running
    expect(process.exitCode).toBe(exitCode)
    expect(log.error).not.toHaveBeenCalled()
  })

  it('holds the process while a service runs that does not hold it itself', async () => {
    const setInterval = vi.spyOn(globalThis, 'setInterval')
    const { service, end } = ownedService()
    const running = processOwner().run(service)
    const [hold] = setInterval.mock.results.map(({ value }) => value as NodeJS.Timeout)
    expect(hold?.hasRef()).toBe(true)
    expect(vi.getTimerCount()).toBe(1)
    end()
    await running
    await vi.advanceTimersByTimeAsync(1_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('drains at SIGHUP, and cuts nothing when it comes again', async () => {
    const { service, stop, end } = ownedService({ stop: async () => undefined })
    const stopped = vi.fn(async () => undefined)
    const running = processOwner().run({ ...service, stop: stopped })
    await vi.advanceTimersByTimeAsync(0)
    process.emit('SIGHUP', 'SIGHUP')
    await vi.advanceTimersByTimeAsync(1_000)
    process.emit('SIGHUP', 'SIGHUP')
    expect(stopped).toHaveBeenCalledTimes(1)
    expect(exit).not.toHaveBeenCalled()
    expect(stop).not.toHaveBeenCalled()
    end()
    await running
    expect(process.exitCode).toBe(0)
  })

  it('ignores SIGHUP when all services do, and not when one does not', async () => {
    const [one, two] = [ownedService({ onHangup: 'ignore' }), ownedService()]
    const first = processOwner().run(one.service)
    process.emit('SIGHUP', 'SIGHUP')
    expect(one.stop).not.toHaveBeenCalled()
    const second = processOwner().run(two.service)
    process.emit('SIGHUP', 'SIGHUP')
    expect(one.stop).toHaveBeenCalled()
    await Promise.all([first, second])
  })

  it('logs an error that nobody caught once, drains, and ends with exit code 1; others cut nothing', async () => {
    const before = process.listenerCount('uncaughtException')
    const [one, two] = [ownedService(), ownedService({ stop: async () => undefined })]
    const running = [processOwner().run(one.service), processOwner().run(two.service)]
    const errors = [new Error('one'), new Error('two'), new Error('three')]
    for (const error of errors) process.listeners('uncaughtException').at(-1)?.(error, 'uncaughtException')
    expect(vi.mocked(log.error).mock.calls).toEqual([
      [{ err: errors[0], origin: 'uncaughtException' }, 'nobody caught an error; the services stop'],
      [{ err: errors[1], errorCount: 1 }, 'nobody caught another error either'],
    ])
    expect(exit).not.toHaveBeenCalled()
    two.end()
    await Promise.all(running)
    expect(log.error).toHaveBeenLastCalledWith({ err: errors[2], errorCount: 1 }, 'nobody caught another error either')
    expect(process.exitCode).toBe(1)
    expect(process.listenerCount('uncaughtException')).toBe(before)
  })

  it('takes it for an error, too, when nothing was thrown', async () => {
    const { service, end } = ownedService({ stop: async () => undefined })
    const running = processOwner().run(service)
    const crash = process.listeners('uncaughtException').at(-1) as (thrown: unknown, origin: string) => void
    for (const origin of ['uncaughtException', 'unhandledRejection']) crash(undefined, origin)
    end()
    await running
    expect(vi.mocked(log.error).mock.calls.map(([, message]) => message)).toEqual([
      'nobody caught an error; the services stop',
      'nobody caught another error either',
    ])
    expect(process.exitCode).toBe(1)
  })

  it('drains when the process that started it is gone, unless that is ignored', async () => {
    const ppid = vi.spyOn(process, 'ppid', 'get')
    const [held, free] = [ownedService({ onParentExit: 'drain' }), ownedService()]
    const alone = processOwner().run(free.service)
    ppid.mockReturnValue(1)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(free.stop).not.toHaveBeenCalled()
    const running = processOwner().run(held.service)
    await vi.advanceTimersByTimeAsync(999)
    expect(held.stop).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(held.stop).toHaveBeenCalledTimes(1)
    await Promise.all([alone, running])
    expect(log.warn).toHaveBeenCalledTimes(1)
    expect(process.exitCode).toBe(0)
  })

  it('watches the process that started it once for all services, and no longer than they run', async () => {
    const services = [ownedService({ onParentExit: 'drain' }), ownedService({ onParentExit: 'drain' })]
    const running = services.map(({ service }) => processOwner().run(service))
    process.emit('SIGTERM', 'SIGTERM')
    await Promise.all(running)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('may own services again after all have ended, and a clean end hides no failure of those before', async () => {
    const first = ownedService({ exitCode: 1 })
    const ran = processOwner().run(first.service)
    first.end()
    await ran
    expect(process.exitCode).toBe(1)
    const second = ownedService()
    const again = processOwner().run(second.service)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(second.stop).not.toHaveBeenCalled()
    expect(exit).not.toHaveBeenCalled()
    second.end()
    await again
    expect(process.exitCode).toBe(1)
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'the death of the parent'])(
    'starts no service any more once %s has ended those before',
    async (reason) => {
      const ppid = vi.spyOn(process, 'ppid', 'get')
      const first = ownedService({ onParentExit: 'drain' })
      const ran = processOwner().run(first.service)
      if (reason.startsWith('SIG')) process.emit(reason as NodeJS.Signals, reason as NodeJS.Signals)
      else ppid.mockReturnValue(1)
      await vi.advanceTimersByTimeAsync(1_000)
      await ran
      expect(first.stop).toHaveBeenCalled()
      await expectNotStarted()
      expect(process.exitCode).toBe(0)
    },
  )

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'starts no service any more once %s has come between two runs',
    async (signal) => {
      const first = ownedService()
      const ran = processOwner().run(first.service)
      first.end()
      await ran
      process.emit(signal, signal)
      await expectNotStarted()
      expect(exit).not.toHaveBeenCalled()
      expect(process.exitCode).toBe(0)
    },
  )

  it('starts a service that ignores SIGHUP when that has come between two runs', async () => {
    const first = ownedService()
    const ran = processOwner().run(first.service)
    first.end()
    await ran
    process.emit('SIGHUP', 'SIGHUP')
    const second = ownedService({ onHangup: 'ignore', start: vi.fn() })
    const again = processOwner().run(second.service)
    expect(second.service.start).toHaveBeenCalledTimes(1)
    second.end()
    await again
  })

  it('leaves an exit code that the program has set, unless that says that all is well', async () => {
    for (const [given, expected] of [
      [3, 3],
      [0, 1],
    ]) {
      process.exitCode = given
      await processOwner().run(ownedService({ start: () => Promise.reject(new Error('no port')) }).service)
      expect(process.exitCode).toBe(expected)
    }
  })

  it('remembers nothing of services that have ended: no words, no error, no log and no parent', async () => {
    const crash = (message: string) =>
      process.listeners('uncaughtException').at(-1)?.(new Error(message), 'uncaughtException')
    const ppid = vi.spyOn(process, 'ppid', 'get')
    for (const round of ['first', 'second']) {
      const ownLog = { ...log, error: vi.fn(), warn: vi.fn() }
      const failing = ownedService({ log: ownLog, start: () => Promise.reject(new Error(round)) })
      await processOwner().run(failing.service)
      const crashed = ownedService({ log: ownLog, onParentExit: 'drain' })
      const running = processOwner().run(crashed.service)
      crash(round)
      await running
      expect(ownLog.error.mock.calls.map(([, message]) => message as unknown)).toEqual([
        `the service could not start: ${round}`,
        'nobody caught an error; the services stop',
      ])
    }
    const orphan = ownedService({ onParentExit: 'drain' })
    const orphaned = processOwner().run(orphan.service)
    ppid.mockReturnValue(-1)
    await vi.advanceTimersByTimeAsync(1_000)
    await orphaned
    expect(orphan.stop).toHaveBeenCalledTimes(1)
    expect(vi.mocked(process.stderr.write).mock.calls).toEqual([
      ['note could not start: first\n'],
      ['note could not start: second\n'],
    ])
  })
})

/** A service that is run now is not, and says why. */
async function expectNotStarted(): Promise<void> {
  const late = ownedService({ name: 'late', start: vi.fn() })
  late.end()
  await processOwner().run(late.service)
  expect(late.service.start).not.toHaveBeenCalled()
  expect(log.info).toHaveBeenLastCalledWith({}, 'late is not started, for the services of the process stop')
}

/** Of two signals only the first has come. */
async function expectCutByNextSignal(): Promise<void> {
  expect(exit).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(200)
  process.emit('SIGTERM', 'SIGTERM')
  expect(exit).toHaveBeenCalledExactlyOnceWith(1)
}
