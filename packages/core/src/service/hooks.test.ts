import { once } from 'node:events'
import Type from 'typebox'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { contract } from '../contract/contract.ts'
import { LifecycleError } from '../error/setup-error.ts'
import { defineHandler } from '../handler/define-handler.ts'
import { hook } from '../handler/hook.ts'
import { provide, token } from '../handler/provider.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Transport } from '../transport/transport.ts'
import { defineService, type Service } from './define-service.ts'
import type { ServiceOptions } from './service-options.ts'

const Text = Type.Object({ text: Type.String() })
const notes = contract('shop.NoteService', { getNote: { input: Text, output: Text } })
const noteHandler = defineHandler(notes, () => ({ getNote: (input) => input }))
const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: vi.fn(() => log) }
const never = () => new Promise<never>(() => undefined)

beforeEach(() => void vi.clearAllMocks())
afterEach(() => void vi.useRealTimers())

function notingTransport(seen: string[]): Transport {
  const step = (what: string) => async () => void seen.push(what)
  return {
    name: 'http',
    carries: () => true,
    bind: () => ({
      listen: async () => (seen.push('listen'), []),
      withdraw: () => void seen.push('withdraw'),
      drain: step('drain'),
      close: step('close'),
    }),
  }
}

const db = token<string>('db')

function noteService(seen: string[], options: Partial<ServiceOptions>) {
  return defineService({
    name: 'note',
    version: '1.0.0',
    handlers: [noteHandler],
    providers: () => [
      provide(db, {
        create: () => (seen.push('create db'), 'db'),
        check: () => void seen.push('check db'),
        dispose: () => void seen.push('dispose db'),
      }),
    ],
    transports: () => [notingTransport(seen)],
    admin: false,
    ...options,
  })
}

const noting = (seen: string[], name: string) => hook(name, () => void seen.push(name))
const begin = { log, environment: {} }

describe('hooks', () => {
  it('run at their points, one after another, with what they need', async () => {
    const seen: string[] = []
    const service = noteService(seen, {
      onStart: [hook('migrate', (value) => void seen.push(`migrate ${value}`), { needs: [db] }), noting(seen, 'warm')],
      onReady: [noting(seen, 'greet')],
      onDrain: [noting(seen, 'pause')],
      onStop: [hook('flush', (value) => void seen.push(`flush ${value}`), { needs: [db] })],
    })
    const started = await service.start(begin)
    expect((await started.stop()).exitCode).toBe(0)
    const way =
      'create db, migrate db, warm, check db, listen, greet, withdraw, pause, drain, close, flush db, dispose db'
    expect(seen.join(', ')).toBe(way)
    expect(log.child).toHaveBeenCalledWith({ hook: 'migrate' })
  })

  it('are told by check() and describe()', async () => {
    const service = noteService([], {
      onStart: [hook('migrate', () => undefined, { needs: [db, token('cache')], timeoutMs: 100 })],
    })
    expect(await service.check({ environment: {} })).toMatchObject({
      problems: [
        {
          code: 'wiring.missing_provider',
          message: expect.stringContaining('nothing provides cache, asked for by hook migrate (onStart)'),
        },
      ],
    })
    const slow = noteService([], { onDrain: [hook('pause', () => undefined, { timeoutMs: 25_000 })] })
    expect(await slow.check({ environment: {} })).toMatchObject({
      problems: [{ code: 'config.out_of_range', message: expect.stringContaining('hooks of onDrain') }],
    })
    expect(service.describe({ environment: {} })).toMatchObject({
      hooks: [{ point: 'onStart', name: 'migrate', needs: ['db', 'cache'], timeoutMs: 100 }],
      limits: { startTimeoutMs: 90_000 },
    })
  })

  it('end the start when one of onStart fails, and onStop undoes what it had begun', async () => {
    const seen: string[] = []
    const service = noteService(seen, {
      onStart: [hook('migrate', () => Promise.reject(new Error('locked')), { needs: [db] }), noting(seen, 'warm')],
      onStop: [noting(seen, 'flush')],
      onDrain: [noting(seen, 'pause')],
    })
    await expect(service.start(begin)).rejects.toThrow('onStart hook migrate failed: locked [service.hook_failed]')
    expect(seen).toEqual(['create db', 'flush', 'dispose db'])
    expect(service.state).toBe('stopped')
  })

  it('of onStart are not begun any more once a stop was asked for', async () => {
    const seen: string[] = []
    const service: Service = noteService(seen, {
      onStart: [hook('asks', () => service.stop()), noting(seen, 'warm')],
      onStop: [noting(seen, 'flush')],
    })
    await expect(service.start(begin)).rejects.toMatchObject({ code: 'service.stopped' })
    expect(seen).toEqual(['flush'])
  })

  it('of onStart share the time of the start', async () => {
    vi.useFakeTimers()
    const takes = () => new Promise((resolve) => setTimeout(resolve, 4_000))
    const service = noteService([], { startTimeoutMs: 5_000, onStart: [hook('migrate', takes), hook('warm', never)] })
    const failed = expect(service.start(begin)).rejects.toThrow('onStart hook warm failed: no end within 750 ms')
    await vi.runAllTimersAsync()
    await failed
  })

  it('of onStart that give up because a stop is asked for are no failure: the start is undone, with exit code 0', async () => {
    const seen: string[] = []
    const begun = Promise.withResolvers<void>()
    const heeding = hook(
      'migrate',
      async (_db, { signal }) => {
        begun.resolve()
        await once(signal, 'abort')
        signal.throwIfAborted()
      },
      { needs: [db] },
    )
    const service = noteService(seen, { onStart: [heeding, noting(seen, 'warm')], onStop: [noting(seen, 'flush')] })
    const failed = expect(service.start(begin)).rejects.toMatchObject({ code: 'service.stopped' })
    await begun.promise
    await Promise.all([failed, service.stop()])
    expect(seen).toEqual(['create db', 'flush', 'dispose db'])
    expect(log.info).toHaveBeenLastCalledWith(expect.objectContaining({ exitCode: 0 }), 'note has stopped')
  })

  it('leave onStop alone when nothing of onStart had begun', async () => {
    const seen: string[] = []
    const service = noteService(seen, {
      providers: () => [provide(db, { create: () => Promise.reject(new Error('no db')) })],
      onStart: [hook('migrate', () => undefined, { needs: [db] })],
      onStop: [noting(seen, 'flush')],
    })
    await expect(service.start(begin)).rejects.toThrow('no db')
    expect(seen).toEqual([])
  })

  it('drain the service when one of onReady fails, all others having run', async () => {
    const seen: string[] = []
    const service = noteService(seen, {
      onReady: [hook('greet', () => Promise.reject(new Error('nobody there'))), noting(seen, 'poll')],
    })
    await expect(service.start(begin)).rejects.toThrow(
      new LifecycleError([{ code: 'service.hook_failed', message: 'onReady hook greet failed: nobody there' }]),
    )
    expect(seen).toEqual(['listen', 'poll', 'withdraw', 'drain', 'close'])
    expect(log.error).not.toHaveBeenCalled()
    expect(log.info).toHaveBeenLastCalledWith(expect.objectContaining({ exitCode: 1 }), 'note has stopped')
  })

  it('end the start with one error that names all of onReady that failed', async () => {
    const refusing = (name: string) => hook(name, () => Promise.reject(new Error(`no ${name}`)))
    const service = noteService([], { onReady: [refusing('mail'), noting([], 'poll'), refusing('cache')] })
    await expect(service.start(begin)).rejects.toThrow(
      new LifecycleError([
        { code: 'service.hook_failed', message: 'onReady hook mail failed: no mail' },
        { code: 'service.hook_failed', message: 'onReady hook cache failed: no cache' },
      ]),
    )
  })

  it('may each take in onReady what is left of the start', async () => {
    vi.useFakeTimers()
    const slow = hook('slow', () => new Promise((resolve) => setTimeout(resolve, 9_000)))
    const others = Array.from({ length: 9 }, (_one, index) => noting([], `quick ${index}`))
    const service = noteService([], { startTimeoutMs: 10_000, onReady: [slow, ...others] })
    const starting = service.start(begin)
    await vi.advanceTimersByTimeAsync(9_000)
    expect((await starting).state).toBe('ready')
    await service.stop()
  })

  it.each(['while it starts', 'later'])(
    'of onReady are begun no more when a stop is asked for %s, which waits for the one that runs',
    async (when) => {
      vi.useFakeTimers()
      const seen: string[] = []
      let isUp = when === 'while it starts'
      const [begun, ending] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<void>()]
      const service = noteService(seen, {
        handlers: [noteHandler],
        providers: () => [
          provide(db, {
            create: () => 'db',
            check: () => {
              if (!isUp) throw new Error('down')
            },
            dispose: () => void seen.push('dispose db'),
          }),
        ],
        onStart: [hook('migrate', () => undefined, { needs: [db] })],
        onReady: [
          hook(
            'subscribe',
            async (_db, { signal }) => {
              begun.resolve(signal)
              await ending.promise
              seen.push('subscribed')
            },
            { needs: [db] },
          ),
          noting(seen, 'greet'),
        ],
        onDrain: [noting(seen, 'pause')],
        onStop: [noting(seen, 'flush')],
      })
      const starting = service.start(begin)
      if (!isUp) await starting
      isUp = true
      await vi.advanceTimersByTimeAsync(10_000)
      const signal = await begun.promise
      const stopped = service.stop()
      await vi.advanceTimersByTimeAsync(1_000)
      expect(signal.aborted).toBe(true)
      expect(seen).toEqual(['listen', 'withdraw'])
      ending.resolve()
      await stopped
      expect(seen.slice(2)).toEqual(['subscribed', 'pause', 'drain', 'close', 'flush', 'dispose db'])
      expect(await (await starting).ended).toMatchObject({ exitCode: 0 })
    },
  )

  it.each([
    ['heeds its signal', 0, (signal: AbortSignal) => once(signal, 'abort').then(() => signal.throwIfAborted())],
    ['fails then', 1, (signal: AbortSignal) => once(signal, 'abort').then(() => Promise.reject(new Error('lost')))],
    ['hangs', 1, never],
  ])('of onReady that %s when a stop is asked for lets it end with exit code %i', async (how, exitCode, run) => {
    vi.useFakeTimers()
    const begun = Promise.withResolvers<void>()
    const service = noteService([], {
      shutdownTimeoutMs: 10_000,
      onReady: [
        hook('greet', ({ signal }) => {
          begun.resolve()
          return run(signal)
        }),
      ],
    })
    const starting = service.start(begin)
    await begun.promise
    const stopped = service.stop()
    await vi.advanceTimersByTimeAsync(2_000)
    await stopped
    const { exitCode: code, phases } = await (await starting).ended
    expect(code).toBe(exitCode)
    const { error } = phases.find(({ phase }) => phase === 'onDrain') ?? {}
    if (how === 'hangs') {
      expect(error).toMatchObject({
        errors: [{ message: expect.stringMatching(/^onReady hook greet failed: no end within \d+ ms/) }],
      })
    } else expect(error).toBeUndefined()
    if (how === 'fails then')
      expect(log.error).toHaveBeenCalledWith(
        { err: expect.objectContaining({ message: 'onReady hook greet failed: lost [service.hook_failed]' }) },
        'a hook failed; the service stops',
      )
    vi.mocked(log.error).mockClear()
    await vi.runAllTimersAsync()
    expect(log.error).not.toHaveBeenCalled()
  })

  it('of onDrain take the time that they were given, which nobody else needs', async () => {
    vi.useFakeTimers()
    const seen: string[] = []
    const taking = (name: string, durationMs: number, options = {}) =>
      hook(
        name,
        () => new Promise<void>((resolve) => setTimeout(() => resolve(void seen.push(name)), durationMs)),
        options,
      )
    const service = noteService(seen, {
      shutdownTimeoutMs: 8_000,
      onDrain: [hook('hangs', never), taking('given', 2_890, { timeoutMs: 3_000 }), taking('quick', 500)],
    })
    const started = await service.start(begin)
    const stopped = started.stop()
    await vi.runAllTimersAsync()
    const { phases } = await stopped
    expect(seen.filter((name) => ['given', 'quick'].includes(name))).toEqual(['given', 'quick'])
    expect(phases.find(({ phase }) => phase === 'onDrain')?.error).toMatchObject({
      errors: [{ message: expect.stringContaining('onDrain hook hangs failed: no end within') }],
    })
  })

  it('of onStop take no more than their part though they were given more', async () => {
    vi.useFakeTimers()
    const seen: string[] = []
    const service = noteService(seen, {
      shutdownTimeoutMs: 10_000,
      onStop: [
        hook('hangs', never, { timeoutMs: 600_000 }),
        hook('flush', () => new Promise<void>((resolve) => setTimeout(() => resolve(void seen.push('flush')), 3_000))),
      ],
    })
    const started = await service.start(begin)
    const stopped = started.stop()
    await vi.runAllTimersAsync()
    expect(await stopped).toMatchObject({ exitCode: 1 })
    expect(seen.at(-1)).toBe('flush')
  })

  it('run in onReady only once the checks pass, and end the service when one fails then', async () => {
    vi.useFakeTimers()
    const seen: string[] = []
    let isUp = false
    const check = () => {
      if (!isUp) throw new Error('down')
    }
    const service = noteService(seen, {
      handlers: [noteHandler],
      providers: () => [provide(db, { create: () => 'db', check })],
      onStart: [hook('migrate', () => undefined, { needs: [db] })],
      onReady: [hook('greet', () => Promise.reject(new Error('nobody there')))],
    })
    const started = await service.start(begin)
    expect(log.error).not.toHaveBeenCalled()
    isUp = true
    await vi.runOnlyPendingTimersAsync()
    expect(await started.ended).toMatchObject({ exitCode: 1 })
    expect(log.error).toHaveBeenCalledExactlyOnceWith(
      { err: expect.objectContaining({ message: 'onReady hook greet failed: nobody there [service.hook_failed]' }) },
      'a hook failed; the service stops',
    )
  })

  it.each(['onDrain', 'onStop'] as const)(
    'that hang or throw in %s keep none of the rest from running, and are named',
    async (point) => {
      vi.useFakeTimers()
      const seen: string[] = []
      const failing = () => {
        throw new Error('broken')
      }
      const service = noteService(seen, {
        shutdownTimeoutMs: 10_000,
        onStart: [hook('migrate', () => undefined, { needs: [db] })],
        // More than there is for `onDrain` would be refused.
        [point]: [
          hook('hangs', never, point === 'onStop' ? { timeoutMs: 600_000 } : {}),
          hook('throws', failing),
          noting(seen, 'last'),
        ],
      })
      const started = await service.start(begin)
      seen.length = 0
      const beganAt = Date.now()
      const stopped = started.stop()
      await vi.runAllTimersAsync()
      const { exitCode, phases } = await stopped
      expect(exitCode).toBe(1)
      expect(Date.now() - beganAt).toBeLessThanOrEqual(10_000)
      expect(seen).toEqual(
        point === 'onDrain'
          ? ['withdraw', 'last', 'drain', 'close', 'dispose db']
          : ['withdraw', 'drain', 'close', 'last', 'dispose db'],
      )
      const { error } = phases.find(({ phase }) => phase === point) ?? {}
      expect(error).toMatchObject({
        errors: [
          expect.objectContaining({
            message: expect.stringMatching(new RegExp(`^${point} hook hangs failed: no end within \\d+ ms`)),
          }),
          expect.objectContaining({ message: `${point} hook throws failed: broken [service.hook_failed]` }),
        ],
      })
    },
  )

  it('are given up at their own time, after their signal has told them', async () => {
    vi.useFakeTimers()
    const told = Promise.withResolvers<number>()
    const beganAt = Date.now()
    const service = noteService([], {
      onStart: [
        hook(
          'slow',
          ({ signal }) => {
            signal.addEventListener('abort', () => told.resolve(Date.now() - beganAt))
            return never()
          },
          { timeoutMs: 1_000 },
        ),
      ],
    })
    const failed = expect(service.start(begin)).rejects.toThrow('onStart hook slow failed: no end within 1000 ms')
    await vi.runAllTimersAsync()
    await failed
    expect(await told.promise).toBe(900)
  })
})

describe('startTimeoutMs', () => {
  const overdue = (what: string) =>
    `service note did not start within startTimeoutMs (5000), ${what} [service.phase_timed_out]`

  it.each([
    ['create providers', overdue('"create providers" has not ended: it waits for db')],
    ['listen', overdue('"listen" has not ended: it waits for http')],
    ['onStart', 'onStart hook migrate failed: no end within 4750 ms [service.hook_failed]'],
    ['onReady', 'onReady hook greet failed: no end within 4750 ms [service.hook_failed]'],
    ['announce', overdue('"announce" has not ended')],
  ])('ends a start whose phase "%s" hangs, undoes what had started, and names who hung', async (phase, message) => {
    vi.useFakeTimers()
    const seen: string[] = []
    const at = (name: string) => (name === phase ? never : () => Promise.resolve())
    const transport = notingTransport(seen)
    const service = noteService(seen, {
      startTimeoutMs: 5_000,
      shutdownTimeoutMs: 10_000,
      providers: () => [provide(db, { create: async () => (await at('create providers')(), 'db') })],
      transports: () => [
        {
          ...transport,
          bind: (host) => ({ ...transport.bind(host), listen: async () => (await at('listen')(), []) }),
        },
      ],
      registry: () => ({
        announce: async () => {
          await at('announce')()
          return { lost: new AbortController().signal, update: async () => undefined, withdraw: async () => undefined }
        },
      }),
      deregisterDelayMs: 0,
      onStart: [hook('migrate', at('onStart'), { needs: [db] })],
      onReady: [hook('greet', at('onReady'))],
    })
    const beganAt = Date.now()
    const started = expect(service.start(begin)).rejects.toThrow(message)
    await vi.runAllTimersAsync()
    await started
    expect(service.state).toBe('stopped')
    expect(Date.now() - beganAt).toBeLessThanOrEqual(15_000)
    expect(log.info).toHaveBeenLastCalledWith(expect.objectContaining({ exitCode: 1 }), 'note has stopped')
  })
})
