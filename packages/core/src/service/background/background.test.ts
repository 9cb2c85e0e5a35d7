import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CallBounds } from '../../client/call-bounds.ts'
import { ServiceError } from '../../error/service-error.ts'
import { provide, token } from '../../handler/provider.ts'
import { type Task, type TaskContext, type TaskOptions, task } from '../../handler/task.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { Transport } from '../../transport/transport.ts'
import { text } from '../config/config.ts'
import { secret } from '../config/secret.ts'
import { defineService } from '../define-service.ts'
import type { ServiceOptions } from '../service-options.ts'

const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: vi.fn(() => log) }
const begin = { log, environment: {} }

beforeEach(() => {
  vi.clearAllMocks()
  vi.useFakeTimers()
  // Delays before restarts are whole then.
  vi.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

function workerOf(background: readonly Task[], options: Partial<ServiceOptions> = {}) {
  return defineService({ name: 'worker', version: '1.0.0', handlers: [], background, admin: false, ...options })
}

const never = new Promise<never>(() => undefined)

const untilFired = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

/** A task whose runs fail or end when they are told to. */
function heldTask(options: TaskOptions<[]> = {}) {
  const runs: { readonly context: TaskContext; end(): void; fail(error: Error): void }[] = []
  const held = task(
    'relay',
    (context) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      runs.push({ context, end: resolve, fail: reject })
      return Promise.race([promise, untilFired(context.signal)])
    },
    options,
  )
  return { runs, held, last: () => runs.at(-1) }
}

/** A transport that can be asked for a probe. */
function probedTransport() {
  const answers: { livez?: () => { readonly status: number; readonly body: string } } = {}
  const transport: Transport = {
    name: 'probe',
    carries: () => true,
    bind: ({ answerProbe }) => {
      answers.livez = () => {
        const reply = answerProbe?.('livez', { method: 'GET', query: 'verbose', headers: {} })
        return { status: reply?.status ?? 0, body: String(reply?.body) }
      }
      return {
        listen: async () => [],
        withdraw: () => undefined,
        drain: async () => undefined,
        close: async () => undefined,
      }
    },
  }
  return { transport, livez: () => answers.livez?.() }
}

describe('a background task', () => {
  it('runs from ready to the drain, with what it needs, and the drain waits for its end', async () => {
    const seen: string[] = []
    const Db = token<string>('Db')
    const flushed = Promise.withResolvers<void>()
    const relay = task(
      'relay',
      async (db, { signal }) => {
        seen.push(`relay from ${db}`)
        await untilFired(signal)
        await flushed.promise
        seen.push('relay ended')
      },
      { needs: [Db] },
    )
    const service = workerOf([relay], {
      providers: () => [provide(Db, { create: () => 'db', dispose: () => void seen.push('dispose db') })],
    })
    const started = await service.start(begin)
    expect(seen).toEqual(['relay from db'])
    expect(log.child).toHaveBeenCalledWith({ task: 'relay' })
    const ended = started.stop()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(service.state).toBe('draining')
    flushed.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect((await ended).exitCode).toBe(0)
    expect(seen.slice(1)).toEqual(['relay ended', 'dispose db'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is begun again when it fails, each time after twice the wait', async () => {
    const { runs, held, last } = heldTask({ initialDelayMs: 1_000, maxDelayMs: 3_000 })
    const started = await workerOf([held]).start(begin)
    for (const waitMs of [1_000, 2_000, 3_000, 3_000]) {
      const { length } = runs
      last()?.fail(new Error('no broker'))
      await vi.advanceTimersByTimeAsync(waitMs - 1)
      expect(runs).toHaveLength(length)
      await vi.advanceTimersByTimeAsync(1)
      expect(runs).toHaveLength(length + 1)
    }
    const fields = { err: new Error('no broker'), delayMs: 1_000, failureCount: 1 }
    expect(log.error).toHaveBeenCalledExactlyOnceWith(fields, 'background task relay failed, and begins again')
    expect((await started.stop()).exitCode).toBe(0)
  })

  it('waits a random part less, half at most', async () => {
    vi.mocked(Math.random).mockReturnValue(0.9)
    const { runs, held, last } = heldTask({ initialDelayMs: 1_000 })
    const started = await workerOf([held]).start(begin)
    last()?.fail(new Error('no broker'))
    await vi.advanceTimersByTimeAsync(549)
    expect(runs).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(runs).toHaveLength(2)
    await started.stop()
  })

  it('waits at once only once when its first wait is 0, and longer each time after', async () => {
    const { runs, held, last } = heldTask({ initialDelayMs: 0 })
    const started = await workerOf([held]).start(begin)
    for (const waitMs of [0, 100, 200, 400, 800]) {
      const { length } = runs
      last()?.fail(new Error('no broker'))
      await vi.advanceTimersByTimeAsync(Math.max(0, waitMs - 1))
      expect(runs).toHaveLength(waitMs === 0 ? length + 1 : length)
      await vi.advanceTimersByTimeAsync(waitMs === 0 ? 0 : 1)
      expect(runs).toHaveLength(length + 1)
    }
    await started.stop()
  })

  it.each([0, 1])('waits its longest time after any number of failures: initialDelayMs %j', async (initialDelayMs) => {
    let runCount = 0
    const failing = task('relay', () => Promise.reject(new Error(`no broker ${(runCount += 1)}`)), {
      initialDelayMs,
      maxDelayMs: 1_000,
    })
    const started = await workerOf([failing]).start(begin)
    await vi.advanceTimersByTimeAsync(1_200_000)
    const soFar = runCount
    expect(soFar).toBeGreaterThan(1_100)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(runCount - soFar).toBe(10)
    expect((await started.stop()).exitCode).toBe(0)
  })

  it('that returns at once is begun again at once only the first time', async () => {
    let runCount = 0
    const returning = task('relay', () => void (runCount += 1), { restart: 'always', initialDelayMs: 0 })
    const started = await workerOf([returning]).start(begin)
    await vi.advanceTimersByTimeAsync(99)
    expect(runCount).toBe(2)
    await vi.advanceTimersByTimeAsync(901)
    expect(runCount).toBe(12)
    await started.stop()
  })

  it('is logged once a minute while it fails again and again, with how often it did', async () => {
    const failing = task('relay', () => Promise.reject(new Error('no broker')), { maxDelayMs: 1_000 })
    const started = await workerOf([failing]).start(begin)
    await vi.advanceTimersByTimeAsync(59_999)
    const message = 'background task relay failed, and begins again'
    const fields = { err: new Error('no broker'), delayMs: 1_000 }
    expect(log.error).toHaveBeenCalledExactlyOnceWith({ ...fields, failureCount: 1 }, message)
    await vi.advanceTimersByTimeAsync(1)
    expect(log.error).toHaveBeenCalledTimes(2)
    expect(log.error).toHaveBeenLastCalledWith({ ...fields, failureCount: 60 }, message)
    await vi.advanceTimersByTimeAsync(5_000)
    await started.stop()
    expect(log.error).toHaveBeenCalledTimes(3)
    expect(log.error).toHaveBeenLastCalledWith({ ...fields, failureCount: 5 }, message)
  })

  it('begins its row of failures anew when a run has worked for a minute', async () => {
    const { runs, held, last } = heldTask({ maxRestartCount: 1, initialDelayMs: 0 })
    const started = await workerOf([held]).start(begin)
    last()?.fail(new Error('no broker'))
    await vi.advanceTimersByTimeAsync(60_000)
    last()?.fail(new Error('no broker'))
    await vi.advanceTimersByTimeAsync(0)
    expect(runs).toHaveLength(3)
    expect((await started.stop()).exitCode).toBe(0)
  })

  it.each([
    ['on-failure', 1],
    ['never', 1],
    ['always', 2],
  ] as const)('that returns is begun again by its policy: %s', async (restart, runCount) => {
    const { runs, held, last } = heldTask({ restart })
    const { transport, livez } = probedTransport()
    const started = await workerOf([held], { transports: () => [transport] }).start(begin)
    last()?.end()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(runs).toHaveLength(runCount)
    expect(livez()?.status).toBe(200)
    expect((await started.stop()).exitCode).toBe(0)
  })

  it.each([
    ['never', {}, 1],
    ['on-failure', { maxRestartCount: 2 }, 3],
  ] as const)(
    'that fails for good makes the service not live, and its exit code 1: %s',
    async (restart, more, runCount) => {
      const { runs, held, last } = heldTask({ restart, initialDelayMs: 0, ...more })
      const { transport, livez } = probedTransport()
      const service = workerOf([held], {
        config: { password: secret(text('PASSWORD')) },
        transports: () => [transport],
        admin: { port: 0 },
      })
      const started = await service.start({ log, environment: { PASSWORD: 'swordfish' } })
      for (let run = 1; run <= runCount; run++) {
        expect(livez()?.status).toBe(200)
        last()?.fail(new Error('swordfish was refused'))
        await vi.advanceTimersByTimeAsync(100)
      }
      await vi.advanceTimersByTimeAsync(60_000)
      expect(runs).toHaveLength(runCount)
      expect(livez()?.status).toBe(503)
      const admin = started.addresses.find(({ protocol }) => protocol === 'admin')
      vi.useRealTimers()
      const verbose = await fetch(`http://${admin?.host}:${admin?.port}/livez?verbose`)
      expect(await verbose.text()).toContain('*** was refused')
      expect(service.state).toBe('ready')
      expect((await started.stop()).exitCode).toBe(1)
    },
  )

  it('that hangs is named, and costs no other its end', async () => {
    const seen: string[] = []
    const service = workerOf(
      [
        task('hanging', () => never),
        task('kind', async ({ signal }) => {
          await untilFired(signal)
          seen.push('kind ended')
        }),
      ],
      { shutdownTimeoutMs: 1_000 },
    )
    const started = await service.start(begin)
    const ended = started.stop()
    await vi.advanceTimersByTimeAsync(1_000)
    const { exitCode, phases } = await ended
    expect(exitCode).toBe(1)
    expect(phases.find(({ phase }) => phase === 'drain')?.error).toMatchObject({
      errors: [
        expect.objectContaining({
          message: expect.stringContaining('background task hanging has not ended although its signal fired'),
        }),
      ],
    })
    expect(seen).toEqual(['kind ended'])
  })

  it.each([
    ['its reason', (signal) => signal.throwIfAborted()],
    [
      'an error that names the reason as cause',
      ({ reason }) => {
        throw new Error('the relay was given up', { cause: reason })
      },
    ],
    ['the wait of a call that was given it', (signal) => new CallBounds().wait({ endsAtMs: undefined, signal }, never)],
  ] as const satisfies readonly [string, (signal: AbortSignal) => unknown][])(
    'may end by what its signal makes it throw: %s',
    async (_what, answer) => {
      const echo = task('echo', async ({ signal }) => {
        await untilFired(signal)
        await answer(signal)
      })
      expect((await (await workerOf([echo]).start(begin)).stop()).exitCode).toBe(0)
    },
  )

  it.each([
    ['3 letters are lost', () => new Error('3 letters are lost')],
    ['This operation was aborted', () => AbortSignal.abort().reason as Error],
    ['the client was closed', () => new ServiceError('cancelled', 'the client was closed')],
  ])('may not end by another error: %s', async (message, toError) => {
    const losing = task('losing', async ({ signal }) => {
      await untilFired(signal)
      throw toError()
    })
    const { exitCode, phases } = await (await workerOf([losing]).start(begin)).stop()
    expect(exitCode).toBe(1)
    expect(phases.find(({ phase }) => phase === 'drain')?.error).toMatchObject({
      errors: [
        expect.objectContaining({
          message: expect.stringContaining(`background task losing failed while it ended: ${message}`),
        }),
      ],
    })
  })

  it('is not begun again once the service drains', async () => {
    const { runs, held, last } = heldTask({ initialDelayMs: 60_000, maxDelayMs: 60_000 })
    const started = await workerOf([held]).start(begin)
    last()?.fail(new Error('no broker'))
    await vi.advanceTimersByTimeAsync(1_000)
    const ended = started.stop()
    await vi.advanceTimersByTimeAsync(0)
    expect((await ended).exitCode).toBe(0)
    expect(runs).toHaveLength(1)
  })

  it('may ask the service to stop, and does not wait for its own end', async () => {
    const service = workerOf([task('last-job', () => service.stop())])
    const started = await service.start(begin)
    await vi.advanceTimersByTimeAsync(0)
    expect((await started.ended).exitCode).toBe(0)
  })

  it('is not begun by a service that does not become ready', async () => {
    const { runs, held } = heldTask()
    const Db = token<string>('Db')
    const failing = { create: () => 'db', check: () => Promise.reject(new Error('no db')) }
    const service = workerOf([held], { providers: () => [provide(Db, failing)], handlers: [], checks: [] })
    const needing = workerOf([held, task('other', () => undefined, { needs: [Db] })], {
      providers: () => [provide(Db, failing)],
    })
    const started = await needing.start(begin)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(runs).toEqual([])
    await started.stop()
    await (await service.start(begin)).stop()
    expect(runs).toHaveLength(1)
  })
})

describe('the background tasks of a service', () => {
  const run = () => undefined

  it('are checked', async () => {
    const Db = token<string>('Db')
    const service = workerOf([
      task('relay', run, { needs: [Db] }),
      task('relay', run),
      run as unknown as Task,
      undefined as unknown as Task,
    ])
    expect(await service.check({ environment: {} })).toMatchObject({
      problems: [
        { code: 'wiring.undefined', message: expect.stringContaining('background[3] of the service is undefined') },
        {
          code: 'config.malformed',
          message: 'background of the service: expected what task(name, run) gives, found something else',
        },
        {
          code: 'wiring.missing_provider',
          message: expect.stringContaining('nothing provides Db, asked for by background task relay'),
        },
        {
          code: 'config.malformed',
          message: 'two background tasks of the service are named "relay": give one of them another name',
        },
      ],
    })
  })

  it('are described', () => {
    const service = workerOf([task('relay', run, { restart: 'always', maxRestartCount: 3 }), task('probe', run)])
    expect(service.describe({ environment: {} }).tasks).toEqual([
      {
        name: 'relay',
        needs: [],
        restart: 'always',
        maxRestartCount: 3,
        initialDelayMs: 1_000,
        maxDelayMs: 30_000,
      },
      { name: 'probe', needs: [], restart: 'on-failure', initialDelayMs: 1_000, maxDelayMs: 30_000 },
    ])
  })
})
