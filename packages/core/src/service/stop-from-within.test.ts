import { setImmediate } from 'node:timers/promises'
import Type from 'typebox'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { contract } from '../contract/contract.ts'
import { detach } from '../call/detach.ts'
import { defineHandler } from '../handler/define-handler.ts'
import { hook } from '../handler/hook.ts'
import { provide, token } from '../handler/provider.ts'
import type { Logger } from '../telemetry/log.ts'
import type { OperationEndpoint } from '../transport/endpoint.ts'
import { defineService, type Service, type StartedService } from './define-service.ts'
import type { ServiceOptions } from './service-options.ts'

const Text = Type.Object({ text: Type.String() })
const notes = contract('shop.NoteService', { getNote: { input: Text, output: Text } })
const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: (): Logger => log }
const [database, cache] = [token<string>('database'), token<string>('cache')]
const pool = token<object>('pool')

beforeEach(() => void vi.clearAllMocks())

/** A service whose one handler is given, and a way to call it. */
function noteService(handle: () => unknown, options: Partial<ServiceOptions> = {}) {
  let endpoint: OperationEndpoint | undefined
  const service: Service = defineService({
    name: 'note',
    version: '1.0.0',
    handlers: [defineHandler(notes, () => ({ getNote: async (input) => (await handle(), input) }))],
    transports: () => [
      {
        name: 'test',
        carries: () => true,
        bind: ({ operations }) => {
          endpoint = operations[0]
          return { listen: async () => [], withdraw() {}, drain: async () => undefined, close: async () => undefined }
        },
      },
    ],
    admin: false,
    ...options,
  })
  const call = () => endpoint?.dispatch({ transport: 'test', metadata: {}, decode: () => ({ text: 'x' }) })
  return { service, call, start: () => service.start({ log, environment: {} }) }
}

describe('stop() from within', () => {
  it('lets the call that asked and waits finish, and then stops', async () => {
    const { service, call, start } = noteService(() => service.stop())
    const started = await start()
    expect(await call()).toMatchObject({ ok: true })
    expect(await started.ended).toMatchObject({ exitCode: 0 })
  })

  it('tells a call that it cannot wait for the end of its own service, which stops all the same', async () => {
    const told = Promise.withResolvers<unknown>()
    const { call, start } = noteService(() => started.stop().catch(told.resolve))
    const started: StartedService = await start()
    expect(await call()).toMatchObject({ ok: true })
    expect(await told.promise).toMatchObject({ code: 'service.state' })
    expect(await started.ended).toMatchObject({ exitCode: 0 })
  })

  it('is no failure that somebody must handle', async () => {
    const { call, start } = noteService(() => void started.stop())
    const started: StartedService = await start()
    expect(await call()).toMatchObject({ ok: true })
    expect(await started.ended).toMatchObject({ exitCode: 0 })
  })

  it('lets detached work finish that asked', async () => {
    const finished = vi.fn()
    const { service, call, start } = noteService(() => detach(() => service.stop().then(finished)))
    const started = await start()
    await call()
    expect(await started.ended).toMatchObject({ exitCode: 0 })
    expect(finished).toHaveBeenCalled()
  })

  it('waits for the end where a call of another service asks', async () => {
    const inner = noteService(() => undefined)
    const outer = noteService(async () => {
      await inner.service.stop()
      expect(inner.service.state).toBe('stopped')
    })
    await inner.start()
    await using _outer = await outer.start()
    expect(await outer.call()).toMatchObject({ ok: true })
  })

  it('waits for the end in what a call left behind that has ended', async () => {
    const answered = Promise.withResolvers<void>()
    const states: string[] = []
    const { service, call, start } = noteService(() => {
      const stopLater = async () => {
        await answered.promise
        await service.stop()
        states.push(service.state)
      }
      void stopLater()
    })
    const started = await start()
    await call()
    answered.resolve()
    await started.ended
    await setImmediate()
    expect(states).toEqual(['stopped'])
  })

  it('waits for the end where a hook of another service asks, and not where that is one of its own, too', async () => {
    const inner = noteService(() => undefined, {
      onStop: [hook('asks', () => outer.service.stop())],
    })
    const states: string[] = []
    const outer = noteService(() => undefined, {
      onStart: [
        hook('asks', async () => {
          await inner.start()
          await inner.service.stop()
          states.push(inner.service.state)
        }),
      ],
    })
    await expect(outer.start()).rejects.toMatchObject({ code: 'service.stopped' })
    expect(states).toEqual(['stopped'])
    expect(outer.service.state).toBe('stopped')
  })

  it.each(['onStart', 'onReady', 'onDrain', 'onStop'] as const)(
    'lets a hook of %s finish that asked',
    async (point) => {
      const finished = vi.fn()
      const { service, start } = noteService(() => undefined, {
        [point]: [hook('asks', () => service.stop().then(finished))],
      })
      const started = start()
      if (point === 'onStart') await expect(started).rejects.toMatchObject({ code: 'service.stopped' })
      else await (await started).stop()
      expect(finished).toHaveBeenCalled()
      expect(log.info).toHaveBeenLastCalledWith(expect.objectContaining({ exitCode: 0 }), 'note has stopped')
    },
  )

  it('lets a provider finish that asked while it is created, and disposes what it made', async () => {
    const seen: string[] = []
    const { service, start } = noteService(() => undefined, {
      providers: () => [
        provide(database, {
          create: async () => {
            await service.stop()
            seen.push('created')
            return 'database'
          },
          dispose: (value) => void seen.push(`disposed ${value}`),
        }),
      ],
      onStart: [hook('migrate', () => void seen.push('migrated'), { needs: [database] })],
    })
    await expect(start()).rejects.toMatchObject({ code: 'service.stopped' })
    expect(seen).toEqual(['created', 'disposed database'])
    expect(log.info).toHaveBeenLastCalledWith(expect.objectContaining({ exitCode: 0 }), 'note has stopped')
  })

  it('lets a provider finish that asked while it is created after another one had failed', async () => {
    const failed = Promise.withResolvers<void>()
    const { service, start } = noteService(() => undefined, {
      providers: () => [
        provide(cache, {
          create: () => {
            failed.resolve()
            throw new Error('wrong password')
          },
        }),
        provide(database, {
          create: async () => {
            await failed.promise
            await setImmediate()
            await service.stop()
            return 'database'
          },
        }),
      ],
      onStart: [hook('migrate', () => undefined, { needs: [database, cache] })],
    })
    await expect(start()).rejects.toThrow('cache could not be created: wrong password')
    expect(log.error).not.toHaveBeenCalled()
  })

  it.each([
    ['dispose', () => ({}), (ask: () => Promise<void>) => ask()],
    ['own disposal', (ask: () => Promise<void>) => ({ [Symbol.asyncDispose]: ask }), undefined],
  ])('lets the %s of a provider finish that asked', async (_what, create, dispose) => {
    const finished = vi.fn()
    const ask = () => service.stop().then(finished)
    const { service, start } = noteService(() => undefined, {
      providers: () => [provide(pool, { create: () => create(ask), ...(dispose && { dispose: () => dispose(ask) }) })],
      onStop: [hook('flush', () => undefined, { needs: [pool] })],
    })
    const started = await start()
    expect(await started.stop()).toMatchObject({ exitCode: 0 })
    expect(finished).toHaveBeenCalled()
  })

  it('tells a provider that is disposed that it cannot wait for the end of its own service', async () => {
    const told = Promise.withResolvers<unknown>()
    const { start } = noteService(() => undefined, {
      providers: () => [
        provide(database, { create: () => 'database', dispose: () => started.stop().catch(told.resolve) }),
      ],
      onStop: [hook('flush', () => undefined, { needs: [database] })],
    })
    const started: StartedService = await start()
    expect(await started.stop()).toMatchObject({ exitCode: 0 })
    expect(await told.promise).toMatchObject({ code: 'service.state' })
  })

  it('waits for the end in what the creation of a provider began and left', async () => {
    const asked = Promise.withResolvers<void>()
    const states: string[] = []
    const { service, start } = noteService(() => undefined, {
      providers: () => [
        provide(database, {
          create: () => {
            const stopLater = async () => {
              await asked.promise
              await service.stop()
              states.push(service.state)
            }
            void stopLater()
            return 'database'
          },
        }),
      ],
      onStart: [hook('migrate', () => undefined, { needs: [database] })],
    })
    const started = await start()
    asked.resolve()
    await started.ended
    await setImmediate()
    expect(states).toEqual(['stopped'])
  })

  it('ends a start once that has hardly begun, asked by a function of the options', async () => {
    const { service, start } = noteService(() => undefined, {
      providers: () => {
        void service.stop()
        return []
      },
    })
    await expect(start()).rejects.toMatchObject({ code: 'service.stopped' })
    expect(log.info.mock.calls.filter(([, message]) => message === 'note has stopped')).toEqual([
      [expect.objectContaining({ exitCode: 0 }), 'note has stopped'],
    ])
  })
})
