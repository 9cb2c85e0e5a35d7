import { afterEach, expect, test, vi } from 'vitest'
import Type from 'typebox'
import type { Outcome } from '../call/arrival.ts'
import { contract } from '../contract/contract.ts'
import { ConfigError, LifecycleError } from '../error/setup-error.ts'
import { check } from '../handler/check.ts'
import { defineHandler } from '../handler/define-handler.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Transport, TransportServer } from '../transport/transport.ts'
import { defineService } from './define-service.ts'
import { forgetOwner } from './process/process-owner.test-harness.ts'

const silent = { LOG_LEVEL: 'silent' }

function transport(name: string, listen: TransportServer['listen'], close: () => void = () => undefined): Transport {
  const server: TransportServer = {
    listen,
    withdraw: () => undefined,
    drain: async () => undefined,
    close: async () => close(),
  }
  return { name, carries: () => false, bind: () => server }
}

function serviceWith(...transports: readonly Transport[]) {
  return defineService({ name: 'sample', version: '1.0.0', handlers: [], admin: false, transports: () => transports })
}

function listenFailed(message: string): LifecycleError {
  return new LifecycleError([{ code: 'service.listen_failed', message }])
}

test('closes its transports after a failed start only when each has either begun to listen or failed', async () => {
  const events: string[] = []
  const slow = Promise.withResolvers<void>()
  const service = serviceWith(
    transport(
      'slow',
      async () => {
        await slow.promise
        events.push('slow listens')
        return []
      },
      () => events.push('slow is closed'),
    ),
    transport('taken', async () => {
      slow.resolve()
      throw listenFailed('taken')
    }),
  )
  await expect(service.start({ environment: silent })).rejects.toThrow('taken')
  expect(events).toEqual(['slow listens', 'slow is closed'])
})

test('names every transport that cannot listen', async () => {
  const failing = ['http', 'grpc'].map((name) =>
    transport(name, () => Promise.reject(listenFailed(`no port for ${name}`))),
  )
  const error = await serviceWith(...failing)
    .start({ environment: silent })
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ problems: [{ message: 'no port for http' }, { message: 'no port for grpc' }] })
})

test('passes on what a transport fails with that is no error of ours', async () => {
  const odd = transport('odd', () => Promise.reject(new TypeError('odd')))
  await expect(serviceWith(odd).start({ environment: silent })).rejects.toThrow(TypeError)
  await expect(serviceWith().start({ environment: { LOG_LEVEL: 'loud' } })).rejects.toThrow(ConfigError)
})

afterEach(() => {
  vi.unstubAllEnvs()
  vi.useRealTimers()
  process.exitCode = undefined
  forgetOwner()
})

test('has no side effect before it starts', () => {
  const environment = new Proxy({}, { get: () => expect.fail('the environment was read') })
  const untouched = () => expect.fail('a part was made')
  vi.stubGlobal(
    'process',
    new Proxy(process, { get: (target, name) => (name === 'env' ? environment : Reflect.get(target, name)) }),
  )
  const service = defineService({
    name: 'sample',
    version: '1.0.0',
    handlers: [],
    providers: untouched,
    transports: untouched,
    remotes: untouched,
    registry: untouched,
    admin: untouched,
  })
  vi.unstubAllGlobals()
  expect(service).toMatchObject({ name: 'sample', version: '1.0.0', state: 'idle' })
})

test('tells its servers to listen where the environment it is started with says', async () => {
  let told: string | undefined
  const service = defineService({
    name: 'sample',
    version: '1.0.0',
    handlers: [],
    admin: { port: 0 },
    transports: () => [
      {
        ...transport('http', async () => []),
        bind: (host) => {
          told = host.defaultHost
          return transport('http', async () => []).bind(host)
        },
      },
    ],
  })
  vi.stubEnv('TENON_HOST', '::1')
  for (const [environment, expected] of [
    [silent, '127.0.0.1'],
    [{ ...silent, TENON_HOST: '0.0.0.0' }, '0.0.0.0'],
  ] as const) {
    await using started = await service.start({ environment })
    expect(started.addresses).toMatchObject([{ protocol: 'admin', host: expected }])
    expect(told).toBe(expected)
  }
})

test('tells its transports for how long callers are served after they were turned away', async () => {
  const told: (number | undefined)[] = []
  const service = defineService({
    name: 'sample',
    version: '1.0.0',
    handlers: [],
    admin: false,
    transports: () => [
      {
        ...transport('http', async () => []),
        bind: (host) => {
          told.push(host.deregisterDelayMs)
          return transport('http', async () => []).bind(host)
        },
      },
    ],
  })
  for (const options of [{}, { deregisterDelayMs: 7 }]) {
    await using _started = await service.start({ environment: silent, ...options })
  }
  expect(told).toEqual([0, 7])
})

const echo = contract('shop.echo.v1.EchoService', {
  say: { input: Type.Object({ text: Type.String() }), output: Type.Object({ text: Type.String() }) },
})

test.each([
  ['all', ['info', 'info']],
  ['failed', ['info']],
  [undefined, ['info']],
  ['none', []],
] as const)(
  'with calls %j in its log options writes these lines for one call that succeeds and one that fails: %j',
  async (calls, expected) => {
    const lines: { readonly level: string; readonly fields: object }[] = []
    const note = (level: string) => (fields: object) => void ('callId' in fields && lines.push({ level, fields }))
    const log: Logger = {
      debug: note('debug'),
      info: note('info'),
      warn: note('warn'),
      error: note('error'),
      child: () => log,
    }
    let say: ((given: object) => Promise<Outcome>) | undefined
    const service = defineService({
      name: 'sample',
      version: '1.0.0',
      handlers: [defineHandler(echo, () => ({ say: async (input) => input }))],
      admin: false,
      ...(calls && { log: { calls } }),
      transports: () => [
        {
          ...transport('memory', async () => []),
          carries: () => true,
          bind: (host) => {
            const [endpoint] = host.operations
            say = (given) =>
              endpoint?.dispatch({
                transport: 'memory',
                metadata: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
                decode: () => given,
              }) ?? expect.fail('nothing was bound')
            return transport('memory', async () => []).bind(host)
          },
        },
      ],
    })
    await using _started = await service.start({ environment: {}, log })
    expect((await say?.({ text: 'x' }))?.ok).toBe(true)
    expect((await say?.({ text: 1 }))?.ok).toBe(false)
    expect(lines.map(({ level }) => level)).toEqual(expected)
    for (const { fields } of lines)
      expect(fields).toMatchObject({ operation: 'shop.echo.v1.EchoService/say', traceId: 'a'.repeat(32) })
  },
)

test('runs until a signal, tells when it is ready, and sets the exit code', async () => {
  vi.useFakeTimers()
  vi.stubEnv('LOG_LEVEL', 'silent')
  const service = serviceWith(transport('http', async () => [{ protocol: 'http', host: '127.0.0.1', port: 1 }]))
  const ready = Promise.withResolvers<unknown>()
  const running = service.run({ onReady: ({ addresses }) => ready.resolve(addresses) })
  expect(await ready.promise).toEqual([{ protocol: 'http', host: '127.0.0.1', port: 1 }])
  process.emit('SIGTERM', 'SIGTERM')
  await running
  expect(service.state).toBe('stopped')
  expect(process.exitCode).toBe(0)
})

test.each([true, false])(
  'calls onReady of run() only when the service is ready, and not when it ends before: %s',
  async (comesUp) => {
    vi.useFakeTimers()
    vi.stubEnv('LOG_LEVEL', 'silent')
    let isUp = false
    const looks = check('disk', () => {
      if (!isUp) throw new Error('full')
    })
    const service = defineService({ name: 'sample', version: '1.0.0', handlers: [], admin: false, checks: [looks] })
    const onReady = vi.fn()
    const running = service.run({ onReady })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(service.state).toBe('ready')
    expect(onReady).not.toHaveBeenCalled()
    isUp = comesUp
    await vi.advanceTimersByTimeAsync(60_000)
    expect(onReady).toHaveBeenCalledTimes(comesUp ? 1 : 0)
    process.emit('SIGTERM', 'SIGTERM')
    await running
    expect(onReady).toHaveBeenCalledTimes(comesUp ? 1 : 0)
    expect(process.exitCode).toBe(0)
  },
)

test('ends with exit code 1 when it cannot start, or when what waits for it fails', async () => {
  vi.useFakeTimers()
  vi.stubEnv('LOG_LEVEL', 'silent')
  await serviceWith(transport('odd', () => Promise.reject(new TypeError('odd')))).run()
  expect(process.exitCode).toBe(1)
  process.exitCode = undefined
  const service = serviceWith()
  await service.run({
    onReady: () => {
      throw new Error('cannot print')
    },
  })
  expect(process.exitCode).toBe(1)
  expect(service.state).toBe('stopped')
})
