import { type AddressInfo, createServer } from 'node:net'
import { createNoopMeter, metrics, type MeterProvider, trace, type TracerProvider } from '@opentelemetry/api'
import Type from 'typebox'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { contract } from '../contract/contract.ts'
import { event } from '../contract/event.ts'
import { LifecycleError } from '../error/setup-error.ts'
import { defineConsumer, defineHandler } from '../handler/define-handler.ts'
import { hook } from '../handler/hook.ts'
import { inject } from '../handler/inject.ts'
import { provide, token } from '../handler/provider.ts'
import type { Registrar } from '../registry/registry.ts'
import type { Logger } from '../telemetry/log.ts'
import { ServiceInfo, type Transport, type TransportHost, type TransportServer } from '../transport/transport.ts'
import { port } from './config/config.ts'
import { defineService } from './define-service.ts'
import { startPhases } from './lifecycle/phase.ts'
import { RunningService } from './running-service.ts'
import type { ServiceOptions } from './service-options.ts'

const Text = Type.Object({ text: Type.String() })
const notes = contract('shop.NoteService', { getNote: { input: Text, output: Text } })
const noteHandler = defineHandler(notes, () => ({ getNote: (input) => input }))
const created = event('note.created', { key: 'text', payload: Text })
const silent: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: () => silent }

/** A provider of OpenTelemetry that measures nothing. */
const noMeters: MeterProvider = { getMeter: () => createNoopMeter() }

afterEach(() => {
  vi.useRealTimers()
  metrics.disable()
  trace.disable()
})

interface FakeTransport extends Transport {
  /** What the service gave it. */
  host(): TransportHost
  /** Sends one call to its first operation. */
  call(text: string): ReturnType<TransportHost['operations'][number]['dispatch']>
}

interface FakeOptions {
  readonly name?: string
  /** Whether it carries operations, and events. */
  readonly carries?: readonly ['operations' | 'events', ...('operations' | 'events')[]] | readonly []
  /** What happens in a step, after it was noted. */
  readonly acts?: Partial<{ readonly [Step in keyof TransportServer]: (signal: AbortSignal) => unknown }>
}

/** A transport that notes what is done to it. */
function recordingTransport(log: string[], options: FakeOptions = {}): FakeTransport {
  const { name = 'http', carries = ['operations', 'events'], acts = {} } = options
  const kinds: readonly string[] = carries
  const { signal: unused } = new AbortController()
  let given: TransportHost | undefined
  const host = () => {
    if (given === undefined) throw new Error('the transport is not bound yet')
    return given
  }
  const step = (what: keyof TransportServer, signal = unused) => {
    log.push(`${name} ${what}`)
    return acts[what]?.(signal)
  }
  return {
    name,
    carries: () => kinds.includes('operations'),
    carriesEvents: kinds.includes('events'),
    host,
    call: (text) => {
      const [endpoint] = host().operations
      if (endpoint === undefined) throw new Error('no operation')
      return endpoint.dispatch({ transport: name, metadata: {}, decode: () => ({ text }) })
    },
    bind: (bound) => {
      log.push(`${name} bind`)
      given = bound
      return {
        listen: async () => {
          await step('listen')
          return [{ protocol: name, host: '127.0.0.1', port: 1 }]
        },
        withdraw: () => void step('withdraw'),
        drain: async (signal) => {
          const cutCount = await step('drain', signal)
          if (typeof cutCount === 'number') return cutCount
        },
        close: async () => void (await step('close')),
      }
    },
  }
}

function recordingRegistrar(log: string[]): Registrar {
  return {
    announce: async ({ endpoints }) => {
      log.push(`announce ${endpoints.map(({ protocol }) => protocol).join()}`)
      return {
        lost: new AbortController().signal,
        update: async () => undefined,
        withdraw: async () => void log.push('deregister'),
      }
    },
  }
}

/** A provider and a handler that note their creation and their end. */
function recordingParts(log: string[]) {
  const db = token<string>('db')
  const handler = defineHandler(notes, () => {
    inject(db)
    log.push('construct')
    return { getNote: (input) => input }
  })
  const provider = provide(db, {
    create: async () => (log.push('create db'), 'db'),
    check: () => void log.push('check db'),
    dispose: () => void log.push('dispose db'),
  })
  return { handlers: [handler], providers: () => [provider] }
}

function start(options: Partial<ServiceOptions>, overrides: readonly ReturnType<typeof provide>[] = []) {
  const service = defineService({ name: 'note', version: '1.0.0', handlers: [noteHandler], admin: false, ...options })
  return { service, started: service.start({ log: silent, environment: {}, overrides }) }
}

describe('start', () => {
  it('goes from settings over providers and handlers to transports, and registers last', async () => {
    const log: string[] = []
    const { service, started } = start({
      ...recordingParts(log),
      transports: () => [recordingTransport(log), recordingTransport(log, { name: 'grpc' })],
      registry: () => recordingRegistrar(log),
      deregisterDelayMs: 0,
    })
    expect(service.state).toBe('starting')
    await using running = await started
    expect(log).toEqual([
      'construct', // with placeholders, to learn what is injected
      'create db',
      'construct',
      'check db',
      'http bind',
      'grpc bind',
      'http listen',
      'grpc listen',
      'announce http,grpc',
    ])
    expect(running.state).toBe('ready')
    expect(running.addresses.map(({ protocol }) => protocol)).toEqual(['http', 'grpc'])
  })

  it('hands every part the settings', async () => {
    const seen: unknown[] = []
    const service = defineService({
      name: 'note',
      version: '1.0.0',
      handlers: [],
      config: { httpPort: port('HTTP_PORT') },
      providers: (settings) => (seen.push(settings), []),
      transports: (settings) => (seen.push(settings), []),
      remotes: (settings) => (seen.push(settings), []),
      registry: (settings) => (seen.push(settings), recordingRegistrar([])),
      admin: (settings) => (seen.push(settings), false),
      deregisterDelayMs: 0,
    })
    await using _running = await service.start({ log: silent, environment: { HTTP_PORT: '7' } })
    expect(seen).toEqual(Array.from({ length: 5 }, () => ({ httpPort: 7 })))
  })

  it('gives a transport the endpoints it carries, and events only where it delivers them', async () => {
    const http = recordingTransport([], { carries: ['operations'] })
    const queue = recordingTransport([], { name: 'queue', carries: ['events'] })
    const { started } = start({
      handlers: [noteHandler, defineConsumer(created, () => () => undefined)],
      transports: () => [http, queue],
    })
    await using _running = await started
    const summary = ({ host }: FakeTransport) => ({
      operations: host().operations.map(({ operation }) => operation.name),
      groups: host().events.map(({ group }) => group),
    })
    expect(summary(http)).toEqual({ operations: ['getNote'], groups: [] })
    expect(summary(queue)).toEqual({ operations: [], groups: ['note'] })
  })

  it('provides the identity of the service, a new instance for each start', async () => {
    const seen: unknown[] = []
    const service = defineService({
      name: 'note',
      version: '1.2.3',
      handlers: [
        defineHandler(notes, () => {
          const info = inject(ServiceInfo)
          return { getNote: (input) => (seen.push(info), input) }
        }),
      ],
      admin: false,
      transports: () => [transport],
    })
    const transport = recordingTransport([])
    for (const _start of [1, 2]) {
      await using _running = await service.start({ log: silent, environment: {} })
      await transport.call('x')
    }
    expect(seen).toMatchObject([
      { name: 'note', version: '1.2.3', instanceId: expect.stringMatching(/^note-/) },
      { name: 'note', version: '1.2.3' },
    ])
    expect(seen[0]).not.toEqual(seen[1])
  })

  it('takes overrides in the place of providers', async () => {
    const log: string[] = []
    const { handlers, providers } = recordingParts(log)
    const [provider] = providers()
    if (provider === undefined) throw new Error('no provider')
    const fake = provide(provider.token, { create: () => 'fake' })
    const { started } = start({ handlers, providers, transports: () => [recordingTransport([])] }, [fake])
    await using _running = await started
    expect(log).not.toContain('create db')
  })

  it('reports everything wrong about the wiring at once, before anything is created', async () => {
    const secret = contract('shop.SecretService', {
      read: { input: Text, output: Text, access: 'authenticated' },
      write: { input: Text, output: Text },
    })
    const log: string[] = []
    const nothing = recordingTransport(log, { carries: [] })
    const { started } = start({
      handlers: [
        noteHandler,
        noteHandler,
        defineHandler(secret, () => ({ read: (input) => input }), { only: ['read'] }),
        defineConsumer(created, () => (inject(token('clock')), () => undefined)),
      ],
      providers: recordingParts(log).providers,
      transports: () => [nothing, nothing],
    })
    const error = await started.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      name: 'WiringError',
      problems: [
        { code: 'wiring.missing_provider', message: expect.stringContaining('nothing provides clock') },
        {
          code: 'handler.duplicate_operation',
          message: 'shop.NoteService/getNote is implemented by shop.NoteService and by shop.NoteService: keep one',
        },
        {
          code: 'handler.missing_operation',
          message: 'no handler of the service implements shop.SecretService/write: a contract is offered whole',
        },
        ...['shop.NoteService/getNote', 'shop.NoteService/getNote', 'shop.SecretService/read'].map((id) => ({
          code: 'wiring.unreachable',
          message: `${id} is carried by no transport of the service: give it a binding, or add a transport, which is localTransport() where only this process calls it`,
        })),
        {
          code: 'wiring.access',
          message: 'shop.SecretService/read has an access rule about the caller, but the service has no authenticate',
        },
        {
          code: 'wiring.unreachable',
          message: 'event note.created is delivered by no transport of the service: add a queue transport',
        },
        {
          code: 'wiring.duplicate_transport',
          message: 'two transports of the service are named http: keep one, or name one otherwise',
        },
      ],
    })
    expect(log).toEqual([])
  })

  it('undoes in reverse what had started when a part fails, and reports one error', async () => {
    const log: string[] = []
    const taken = new LifecycleError([{ code: 'service.listen_failed', message: 'taken' }])
    const failing = { name: 'grpc', acts: { listen: () => Promise.reject(taken) } }
    const { service, started } = start({
      ...recordingParts(log),
      transports: () => [recordingTransport(log), recordingTransport(log, failing)],
      registry: () => recordingRegistrar(log),
    })
    await expect(started).rejects.toBe(taken)
    expect(log.slice(log.indexOf('grpc listen') + 1)).toEqual(['http close', 'grpc close', 'dispose db'])
    expect(service.state).toBe('stopped')
    await service.stop()
  })

  it('answers calls that came in by chance before another part failed', async () => {
    const never = new Promise<never>(() => undefined)
    const answered = Promise.withResolvers<unknown>()
    const transport = recordingTransport([])
    const listen = () => {
      void transport.call('x').then(answered.resolve)
      return Promise.reject(new Error('taken'))
    }
    const { started } = start({
      handlers: [defineHandler(notes, () => ({ getNote: () => never }))],
      transports: () => [transport, recordingTransport([], { name: 'grpc', acts: { listen } })],
    })
    await expect(started).rejects.toThrow('taken')
    expect(await answered.promise).toMatchObject({ ok: false, error: { code: 'unavailable' } })
  })

  it('turns away and drains callers whom the probe had invited when the registry refuses, and says who it was', async () => {
    vi.useFakeTimers()
    const log: string[] = []
    const transport = recordingTransport(log)
    const [finish, refuse] = [Promise.withResolvers<{ text: string }>(), Promise.withResolvers<never>()]
    const { service, started } = start({
      handlers: [
        defineHandler(notes, () => ({ getNote: ({ text }) => (text === 'slow' ? finish.promise : { text }) })),
      ],
      transports: () => [transport],
      registry: () => ({ announce: () => refuse.promise }),
      deregisterDelayMs: 5_000,
    })
    const failed = expect(started).rejects.toThrow(
      'the registry did not take the instance: no quorum [service.announce_failed]',
    )
    const ask = () => transport.host().answerProbe?.('readyz', { method: 'GET', query: '', headers: {} }).status
    await vi.advanceTimersByTimeAsync(0)
    expect(ask()).toBe(200)
    const call = transport.call('slow')
    refuse.reject(new Error('no quorum'))
    await vi.advanceTimersByTimeAsync(4_999)
    expect(ask()).toBe(503)
    expect(log.at(-1)).toBe('http withdraw')
    expect(await transport.call('still served')).toMatchObject({ ok: true })
    await vi.advanceTimersByTimeAsync(1)
    expect(log.at(-1)).toBe('http drain')
    finish.resolve({ text: 'done' })
    expect(await call).toMatchObject({ ok: true })
    await failed
    expect(service.state).toBe('stopped')
    expect(silent.info).toHaveBeenLastCalledWith(expect.objectContaining({ exitCode: 1 }), 'note has stopped')
  })

  it('tells of a provider that fails, and undoes, although another hangs and cannot be told to end', async () => {
    vi.useFakeTimers()
    const log: string[] = []
    const [hanging, failing] = [token<string>('hanging'), token<string>('failing')]
    const parts = recordingParts(log)
    const { service, started } = start({
      handlers: [...parts.handlers, defineConsumer(created, () => (inject(hanging), inject(failing), () => undefined))],
      providers: () => [
        ...parts.providers(),
        provide(hanging, { create: () => new Promise<string>(() => undefined) }),
        provide(failing, { create: () => Promise.reject(new Error('wrong password')) }),
      ],
      transports: () => [recordingTransport(log)],
    })
    const failed = expect(started).rejects.toThrow('failing could not be created: wrong password')
    const startedAt = Date.now()
    await vi.runAllTimersAsync()
    await failed
    expect(Date.now() - startedAt).toBe(1_000)
    expect(log).toEqual(['construct', 'create db', 'dispose db'])
    expect(silent.error).toHaveBeenCalledWith(
      expect.objectContaining({
        err: expect.objectContaining({
          errors: [expect.objectContaining({ message: 'hanging is still being created' })],
        }),
      }),
      'stop: dispose providers failed',
    )
    expect(service.state).toBe('stopped')
  })

  it('names the handler whose constructor fails, and disposes what was created', async () => {
    const log: string[] = []
    const parts = recordingParts(log)
    let constructedCount = 0
    const { started } = start({
      handlers: [
        defineHandler(notes, () => {
          for (const { token: needed } of parts.providers()) inject(needed)
          constructedCount += 1
          if (constructedCount > 1) throw new Error('bad template')
          return { getNote: (input) => input }
        }),
      ],
      providers: () => parts.providers(),
      transports: () => [recordingTransport(log)],
    })
    await expect(started).rejects.toThrow('shop.NoteService could not be created: bad template [wiring.create_failed]')
    expect(log).toEqual(['create db', 'dispose db'])
  })

  it('refuses a second start while it runs, and allows one after it has stopped', async () => {
    const { service, started } = start({ transports: () => [recordingTransport([])] })
    const again = () => service.start({ log: silent, environment: {} })
    await expect(again()).rejects.toThrow(
      'service note is starting: stop it before it is started again [service.state]',
    )
    await started
    await expect(again()).rejects.toThrow('service note is ready')
    await service.stop()
    await using running = await again()
    expect(running.state).toBe('ready')
  })

  it('refuses settings that are wrong before anything runs', async () => {
    const transports = vi.fn(() => [])
    const service = defineService({
      name: 'note',
      version: '1',
      handlers: [],
      config: { httpPort: port('HTTP_PORT') },
      transports,
    })
    await expect(service.start({ log: silent, environment: {} })).rejects.toThrow(
      'HTTP_PORT (setting httpPort) is not set',
    )
    expect(transports).not.toHaveBeenCalled()
    expect(service.state).toBe('idle')
  })
})

describe('probes', () => {
  it('are echoed to transports, once per change and from the moment the service is ready', async () => {
    vi.useFakeTimers()
    let isBroken = true
    const told: string[] = []
    const db = token<string>('db')
    const check = () => {
      if (isBroken) throw new Error('no connection')
    }
    const transport = recordingTransport([])
    const { started } = start({
      handlers: [defineHandler(notes, () => (inject(db), { getNote: (input) => input }))],
      providers: () => [provide(db, { create: () => 'db', check })],
      transports: () => [
        {
          ...transport,
          bind: (host) => ({ ...transport.bind(host), readinessChanged: (readiness) => void told.push(readiness) }),
        },
      ],
    })
    const running = await started
    expect(told).toEqual([])
    isBroken = false
    await vi.advanceTimersByTimeAsync(10_000)
    expect(told).toEqual(['ready'])
    isBroken = true
    await vi.advanceTimersByTimeAsync(10_000)
    expect(told).toEqual(['ready'])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(told).toEqual(['ready', 'not_ready'])
    await running.stop()
  })

  it('have the service announced, and called ready, when its checks first pass', async () => {
    vi.useFakeTimers()
    vi.mocked(silent.info).mockClear()
    const log: string[] = []
    let isBroken = true
    const db = token<string>('db')
    const check = () => {
      if (isBroken) throw new Error('no connection')
    }
    const { started } = start({
      handlers: [defineHandler(notes, () => (inject(db), { getNote: (input) => input }))],
      providers: () => [provide(db, { create: () => 'db', check })],
      transports: () => [recordingTransport([])],
      registry: () => recordingRegistrar(log),
      deregisterDelayMs: 0,
    })
    const running = await started
    const ready = [expect.objectContaining({ addresses: running.addresses }), 'note is ready']
    expect(silent.warn).toHaveBeenCalledWith(
      { checks: [expect.objectContaining({ name: 'db', isPassing: false, message: 'no connection' })], transports: [] },
      'the service has started, but is not ready yet',
    )
    await vi.advanceTimersByTimeAsync(20_000)
    expect(log).toEqual([])
    expect(silent.info).not.toHaveBeenCalledWith(...ready)
    isBroken = false
    await vi.advanceTimersByTimeAsync(10_000)
    expect(log).toEqual(['announce http'])
    expect(silent.info).toHaveBeenCalledWith(...ready)
    isBroken = true
    await vi.advanceTimersByTimeAsync(10_000)
    isBroken = false
    await vi.advanceTimersByTimeAsync(10_000)
    await running.stop()
    expect(log).toEqual(['announce http', 'deregister'])
  })

  it('have the checks closed before what they look at is gone', async () => {
    const order: string[] = []
    const checking = Promise.withResolvers<void>()
    const db = token<string>('db')
    let isFirst = true
    vi.useFakeTimers()
    const { started } = start({
      handlers: [defineHandler(notes, () => (inject(db), { getNote: (input) => input }))],
      providers: () => [
        provide(db, {
          create: () => 'db',
          check: (_db, signal) => {
            if (isFirst) return (isFirst = false)
            signal.addEventListener('abort', () => order.push('check ends'))
            checking.resolve()
            return new Promise(() => undefined)
          },
          dispose: () => void order.push('dispose'),
        }),
      ],
      transports: () => [recordingTransport([])],
    })
    const running = await started
    await vi.advanceTimersByTimeAsync(5_000)
    await checking.promise
    const stopped = running.stop()
    await vi.runAllTimersAsync()
    await stopped
    expect(order).toEqual(['check ends', 'dispose'])
  })

  it('follow the state of the service, and its checks', async () => {
    let isBroken = true
    const ready = Promise.withResolvers<void>()
    const [draining, drained] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const drain = () => {
      draining.resolve()
      return drained.promise
    }
    const db = token<string>('db')
    const run = () => {
      if (isBroken) throw new Error('no connection')
    }
    const { started } = start({
      handlers: [defineHandler(notes, () => (inject(db), { getNote: (input) => input }))],
      providers: () => [provide(db, { create: () => 'db', check: { run, intervalMs: 100 } })],
      transports: () => [recordingTransport([], { acts: { drain } })],
      onReady: [hook('tell', () => ready.resolve())],
      admin: { port: 0 },
    })
    const running = await started
    const { host, port: at } = running.addresses.find(({ protocol }) => protocol === 'admin') ?? { host: '', port: 0 }
    const ask = async (path: string) => {
      const response = await fetch(`http://${host}:${at}${path}`)
      return { status: response.status, body: (await response.json()) as unknown }
    }
    expect(await ask('/startupz')).toMatchObject({ status: 200 })
    expect(await ask('/livez')).toMatchObject({ status: 200 })
    expect(await ask('/readyz?verbose')).toMatchObject({
      status: 503,
      body: {
        status: 'fail',
        checks: [
          { name: 'db', affects: 'readiness', isPassing: false, message: 'no connection' },
          { name: 'event-loop-delay', affects: 'none' },
          { name: 'event-loop-utilization', affects: 'none' },
          { name: 'heap', affects: 'none', isPassing: true },
        ],
      },
    })
    expect(await ask('/readyz?exclude=db')).toEqual({ status: 200, body: { status: 'pass' } })
    expect(await ask('/info')).toMatchObject({
      body: {
        name: 'note',
        version: '1.0.0',
        state: 'ready',
        readiness: 'not_ready',
        operations: ['shop.NoteService/getNote'],
        runningCallCount: 0,
        abandonedCallCount: 0,
      },
    })
    expect(await ask('/readyz')).toMatchObject({ status: 503 })
    isBroken = false
    await ready.promise
    expect(await ask('/readyz')).toMatchObject({ status: 200 })
    expect(await ask('/info')).toMatchObject({ body: { state: 'ready', readiness: 'ready' } })
    const stopped = running.stop()
    await draining.promise
    expect(await ask('/readyz')).toMatchObject({ status: 503 })
    expect(await ask('/startupz')).toMatchObject({ status: 200 })
    expect(await ask('/livez')).toMatchObject({ status: 200 })
    expect(await ask('/info')).toMatchObject({ body: { state: 'draining', readiness: 'not_ready' } })
    drained.resolve()
    expect((await stopped).exitCode).toBe(0)
  })

  it('follow what transports say of themselves, also when the only one becomes ready later', async () => {
    let health = { isLive: true, isReady: false, reason: 'has no partitions yet' }
    const transport = recordingTransport([])
    const bind = (host: TransportHost) => ({ ...transport.bind(host), health: () => health })
    const { started } = start({ transports: () => [{ ...transport, bind }], admin: { port: 0 } })
    await using running = await started
    const { host, port: at } = running.addresses.find(({ protocol }) => protocol === 'admin') ?? { host: '', port: 0 }
    const ask = async (path: string) => (await fetch(`http://${host}:${at}${path}`)).status
    expect([await ask('/livez'), await ask('/readyz')]).toEqual([200, 503])
    health = { isLive: false, isReady: true, reason: 'stands still' }
    transport.host().healthChanged?.()
    expect([await ask('/livez'), await ask('/readyz')]).toEqual([503, 200])
    const shown = { livez: 'liveness', readyz: 'readiness', startupz: 'readiness' }
    for (const [probe, affects] of Object.entries(shown)) {
      const response = await fetch(`http://${host}:${at}/${probe}?verbose`)
      const { checks } = (await response.json()) as { checks: readonly { name: string }[] }
      const own = { name: 'http', affects, isPassing: probe !== 'livez', message: 'stands still' }
      expect(checks.filter(({ name }) => name === 'http')).toEqual([own])
    }
  })

  it('say not started, and not ready, while the service starts', async () => {
    const seen: unknown[] = []
    const adminPort = await freePort()
    const listen = async () => {
      for (const path of ['/startupz', '/readyz', '/livez'])
        seen.push((await fetch(`http://127.0.0.1:${adminPort}${path}`)).status)
    }
    const { started } = start({
      transports: () => [recordingTransport([], { acts: { listen } })],
      admin: { port: adminPort },
    })
    await using _running = await started
    expect(seen).toEqual([503, 503, 200])
  })

  it('shows its phases in /info, in the order that is told', async () => {
    const { started } = start({
      admin: { port: 0 },
      transports: () => [recordingTransport([])],
      onStart: [hook('warm', () => undefined)],
      onReady: [hook('greet', () => undefined)],
      telemetry: () => ({ start: async () => ({ stop: async () => undefined }) }),
    })
    await using running = await started
    const { port: adminPort } = running.addresses.find(({ protocol }) => protocol === 'admin') ?? {}
    const info = await (await fetch(`http://127.0.0.1:${adminPort}/info`)).json()
    const phases = startPhases.map((name) => expect.objectContaining({ stage: 'start', name, state: 'done' }))
    expect(info).toMatchObject({ phases })
  })
})

/** A port that was free a moment ago; for a server whose address must be known before it says so itself. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: found } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return found
}

describe('stop', () => {
  it('withdraws, deregisters, drains, closes, disposes, in this order', async () => {
    const log: string[] = []
    const { started } = start({
      ...recordingParts(log),
      transports: () => [recordingTransport(log), recordingTransport(log, { name: 'grpc' })],
      registry: () => recordingRegistrar(log),
      deregisterDelayMs: 0,
    })
    const running = await started
    log.length = 0
    const ended = await running.stop()
    expect(log).toEqual([
      'http withdraw',
      'grpc withdraw',
      'deregister',
      'http drain',
      'grpc drain',
      'http close',
      'grpc close',
      'dispose db',
    ])
    expect(ended.exitCode).toBe(0)
    expect(ended.phases.map(({ phase }) => phase)).toEqual([
      'withdraw',
      'deregister',
      'drain',
      'close transports',
      'dispose providers',
      'close admin server',
    ])
    expect(running.state).toBe('stopped')
    expect(await running.ended).toBe(ended)
  })

  it('serves on until what it is to drain after has ended, but keeps the time for its own drain', async () => {
    vi.useFakeTimers()
    const log: string[] = []
    const transport = recordingTransport(log)
    const stopOf = async (drainAfter: Promise<unknown>) => {
      const { started } = start({ transports: () => [transport], shutdownTimeoutMs: 10_000 })
      const running = await started
      if (!(running instanceof RunningService)) throw new Error('expected what the owner of the process stops')
      log.length = 0
      return running.end({ drainAfter })
    }
    const others = Promise.withResolvers<void>()
    const stopped = stopOf(others.promise)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(log).toEqual(['http withdraw'])
    expect(await transport.call('x')).toMatchObject({ ok: true })
    others.resolve()
    expect(await stopped).toMatchObject({ exitCode: 0 })
    expect(log).toEqual(['http withdraw', 'http drain', 'http close'])

    const startedAt = Date.now()
    const late = stopOf(new Promise(() => undefined))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await late).toMatchObject({ exitCode: 0 })
    expect(log).toContain('http drain')
    expect(Date.now() - startedAt).toBeLessThanOrEqual(10_000)
  })

  it('serves on while others learn that it is going, then drains', async () => {
    vi.useFakeTimers()
    const log: string[] = []
    const transport = recordingTransport(log)
    const { started } = start({ transports: () => [transport], deregisterDelayMs: 5_000 })
    const running = await started
    const stopped = running.stop()
    await vi.advanceTimersByTimeAsync(4_999)
    expect(running.state).toBe('draining')
    expect(log.at(-1)).toBe('http withdraw')
    expect(await transport.call('still served')).toMatchObject({ ok: true })
    await vi.advanceTimersByTimeAsync(1)
    await stopped
    expect(await transport.call('too late')).toMatchObject({ ok: false, error: { code: 'unavailable' } })
  })

  it('tells when it has too little time left for the delay', async () => {
    vi.useFakeTimers()
    vi.mocked(silent.warn).mockClear()
    const others = Promise.withResolvers<void>()
    const { started } = start({
      transports: () => [recordingTransport([])],
      registry: () => ({
        announce: async () => ({
          lost: new AbortController().signal,
          update: async () => undefined,
          withdraw: () => others.promise,
        }),
      }),
      shutdownTimeoutMs: 2_000,
      deregisterDelayMs: 700,
    })
    const running = await started
    const stopped = running.stop()
    await vi.advanceTimersByTimeAsync(100)
    // The process stands still for a while.
    const now = performance.now.bind(performance)
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 500)
    others.resolve()
    await vi.runAllTimersAsync()
    await stopped
    clock.mockRestore()
    expect(silent.warn).toHaveBeenCalledExactlyOnceWith(
      { deregisterDelayMs: 700, waitedMs: expect.any(Number) },
      'the deregister delay was cut short, for too little of the shutdown was left: callers may still come',
    )
  })

  it('lets running calls finish before anything is closed', async () => {
    const finish = Promise.withResolvers<{ text: string }>()
    const draining = Promise.withResolvers<void>()
    const log: string[] = []
    const transport = recordingTransport(log, { acts: { drain: () => draining.resolve() } })
    const { started } = start({
      handlers: [defineHandler(notes, () => ({ getNote: () => finish.promise }))],
      transports: () => [transport],
    })
    const running = await started
    const call = transport.call('x')
    const stopped = running.stop()
    await draining.promise
    expect(await transport.call('new')).toMatchObject({ ok: false, error: { code: 'unavailable', reason: 'draining' } })
    expect(log).not.toContain('http close')
    finish.resolve({ text: 'done' })
    expect(await call).toMatchObject({ ok: true })
    expect((await stopped).exitCode).toBe(0)
    expect(log.at(-1)).toBe('http close')
  })

  it('cuts what has not ended when the time is over, tells its handler, and says so with exit code 1', async () => {
    vi.useFakeTimers()
    const reason = Promise.withResolvers<unknown>()
    const transport = recordingTransport([])
    const { started } = start({
      handlers: [
        defineHandler(notes, () => ({
          getNote: (_input, { signal }) =>
            new Promise<never>(() => signal.addEventListener('abort', () => reason.resolve(signal.reason))),
        })),
      ],
      transports: () => [transport],
      shutdownTimeoutMs: 10_000,
    })
    const running = await started
    const call = transport.call('x')
    const stopped = running.stop()
    await vi.advanceTimersByTimeAsync(7_499)
    expect(await Promise.race([call, Promise.resolve('still running')])).toBe('still running')
    await vi.advanceTimersByTimeAsync(1)
    expect(await call).toMatchObject({ ok: false, error: { code: 'unavailable' } })
    expect(await reason.promise).toMatchObject({ code: 'unavailable' })
    await vi.runAllTimersAsync()
    expect(await stopped).toMatchObject({ exitCode: 1, phases: [{}, { phase: 'drain', error: undefined }, {}, {}, {}] })
  })

  it('tells transports how long their drain may take, and how long it waits for them after their signal', async () => {
    const told: unknown[] = []
    const transport = recordingTransport([])
    const { started } = start({
      shutdownTimeoutMs: 10_000,
      transports: () => [
        {
          ...transport,
          bind: (host) => ({
            ...transport.bind(host),
            drain: async (signal, time) => void told.push(signal.aborted, time),
          }),
        },
      ],
    })
    await (await started).stop()
    expect(told).toEqual([false, { timeoutMs: expect.any(Number), graceMs: expect.closeTo(500, -1) }])
  })

  it('says with exit code 1 that a transport could not write an answer to its end', async () => {
    const http = recordingTransport([], { acts: { drain: async () => 2 } })
    const grpc = recordingTransport([], { name: 'grpc', acts: { drain: async () => 0 } })
    const { started } = start({ transports: () => [http, grpc] })
    expect(await (await started).stop()).toMatchObject({ exitCode: 1 })
    expect(silent.info).toHaveBeenCalledWith(
      { exitCode: 1, cutCallCount: 0, cutAnswerCount: 2, abandonedCallCount: 0 },
      'note has stopped',
    )
  })

  it('goes through every phase and every server although each fails', async () => {
    const log: string[] = []
    const fail = (): never => {
      throw new Error('broken')
    }
    const acts = { withdraw: fail, drain: fail, close: () => Promise.reject(new Error('broken')) }
    const parts = recordingParts(log)
    const { started } = start({
      ...parts,
      transports: () => [recordingTransport(log, { acts }), recordingTransport(log, { name: 'grpc' })],
      registry: () => ({
        announce: async () => ({
          lost: new AbortController().signal,
          update: async () => undefined,
          withdraw: () => Promise.reject(new Error('broken')),
        }),
      }),
      deregisterDelayMs: 0,
    })
    const running = await started
    log.length = 0
    const { exitCode, phases } = await running.stop()
    expect(log).toEqual([
      'http withdraw',
      'grpc withdraw',
      'http drain',
      'grpc drain',
      'http close',
      'grpc close',
      'dispose db',
    ])
    expect(exitCode).toBe(1)
    expect(phases.map(({ phase, error }) => [phase, error?.message])).toEqual([
      ['withdraw', 'transports could not withdraw'],
      ['deregister', 'broken'],
      ['drain', 'the service could not drain'],
      ['close transports', 'transports could not close'],
      ['dispose providers', undefined],
      ['close admin server', undefined],
    ])
  })

  it('flushes telemetry once nothing can add to it, while probes are still answered', async () => {
    const log: string[] = []
    const parts = recordingParts(log)
    const flush = async () => void log.push('flush metrics')
    metrics.setGlobalMeterProvider({ ...noMeters, forceFlush: flush } as MeterProvider)
    const { started } = start({ ...parts, transports: () => [recordingTransport(log)] })
    const running = await started
    log.length = 0
    const { exitCode, phases } = await running.stop()
    expect(log).toEqual(['http withdraw', 'http drain', 'http close', 'dispose db', 'flush metrics'])
    expect(phases.map(({ phase }) => phase).slice(-3)).toEqual([
      'dispose providers',
      'flush telemetry',
      'close admin server',
    ])
    expect(exitCode).toBe(0)
  })

  it('names the telemetry that fails to be flushed or hangs, goes on, and ends well', async () => {
    vi.useFakeTimers()
    const hang = () => new Promise<never>(() => undefined)
    metrics.setGlobalMeterProvider({ ...noMeters, forceFlush: hang } as MeterProvider)
    // As an SDK of OpenTelemetry does it: a list of all that failed.
    const fail = () => Promise.reject([new Error('no collector')]) // oxlint-disable-line typescript/prefer-promise-reject-errors -- SDKs do
    trace.setGlobalTracerProvider({ getTracer: vi.fn(), forceFlush: fail } as TracerProvider)
    const { started } = start({ transports: () => [recordingTransport([])] })
    const running = await started
    const stopped = running.stop()
    await vi.runAllTimersAsync()
    const { exitCode, phases } = await stopped
    const [flushing, closing] = phases.slice(-2)
    const errors = [
      { message: 'spans: Error: no collector' },
      { message: expect.stringMatching(/^metrics: not written within \d+ ms$/) as string },
    ]
    const failure = { message: 'telemetry could not be flushed', errors }
    expect(flushing).toMatchObject({ phase: 'flush telemetry', error: failure })
    expect(closing).toMatchObject({ phase: 'close admin server', error: undefined })
    expect(exitCode).toBe(0)
  })

  it('cuts the calls of a transport that drains although another could not', async () => {
    vi.useFakeTimers()
    const never = new Promise<never>(() => undefined)
    const good = recordingTransport([])
    const bad = recordingTransport([], { name: 'grpc', acts: { drain: () => Promise.reject(new Error('broken')) } })
    const { started } = start({
      handlers: [defineHandler(notes, () => ({ getNote: () => never }))],
      transports: () => [good, bad],
    })
    const running = await started
    const call = good.call('x')
    const stopped = running.stop()
    await vi.runAllTimersAsync()
    expect(await call).toMatchObject({ ok: false, error: { code: 'unavailable' } })
    expect((await stopped).phases[1]?.error?.message).toBe('the service could not drain')
  })

  it.each([0, 1_000, 10_000])('keeps its time of %i ms although phases do not end', async (shutdownTimeoutMs) => {
    vi.useFakeTimers()
    const never = () => new Promise<never>(() => undefined)
    const log: string[] = []
    metrics.setGlobalMeterProvider({ ...noMeters, forceFlush: never } as MeterProvider)
    const hang = token<string>('hang')
    const parts = recordingParts(log)
    const { started } = start({
      handlers: [...parts.handlers, defineConsumer(created, () => (inject(hang), () => undefined))],
      providers: () => [...parts.providers(), provide(hang, { create: () => 'hang', dispose: never })],
      transports: () => [recordingTransport([], { acts: { drain: never, close: never } })],
      registry: () => ({
        announce: async () => ({ lost: new AbortController().signal, update: async () => undefined, withdraw: never }),
      }),
      shutdownTimeoutMs,
    })
    const running = await started
    const startedAt = Date.now()
    const stopped = running.stop()
    await vi.runAllTimersAsync()
    const { exitCode, phases } = await stopped
    expect(exitCode).toBe(1)
    expect(phases.filter(({ error }) => error !== undefined).map(({ phase }) => phase)).toEqual([
      'deregister',
      'drain',
      'close transports',
      'dispose providers',
      'flush telemetry',
    ])
    // Without any time, each phase that hangs has one turn of the timers.
    expect(Date.now() - startedAt).toBeLessThanOrEqual(Math.max(shutdownTimeoutMs, phases.length))
    expect(log.at(-1)).toBe('dispose db')
  })

  it('happens once, however often it is asked for', async () => {
    const log: string[] = []
    const { service, started } = start({ transports: () => [recordingTransport(log)] })
    const running = await started
    const [one, two] = await Promise.all([running.stop(), running.stop(), service.stop()])
    expect(one).toBe(two)
    expect(await running.stop()).toBe(one)
    expect(log.filter((what) => what === 'http drain')).toHaveLength(1)
  })

  it('gives up a start: what is under way may end, nothing more is begun, nobody hears of it', async () => {
    const log: string[] = []
    const listening = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const told: string[] = []
    const listen = () => {
      begun.resolve()
      return listening.promise
    }
    const transport = recordingTransport(log, { acts: { listen } })
    const { service, started } = start({
      ...recordingParts(log),
      transports: () => [
        {
          ...transport,
          bind: (host) => ({ ...transport.bind(host), readinessChanged: (readiness) => void told.push(readiness) }),
        },
      ],
      registry: () => recordingRegistrar(log),
    })
    const failed = expect(started).rejects.toThrow(
      'service note was asked to stop before it was ready [service.stopped]',
    )
    await begun.promise
    const stopped = service.stop()
    listening.resolve()
    await Promise.all([failed, stopped])
    expect(log.slice(log.indexOf('http listen'))).toEqual([
      'http listen',
      'http withdraw',
      'http drain',
      'http close',
      'dispose db',
    ])
    expect(told).toEqual([])
    expect(silent.info).toHaveBeenLastCalledWith(expect.objectContaining({ exitCode: 0 }), 'note has stopped')
  })

  it('tells a provider that is being created to give up', async () => {
    const begun = Promise.withResolvers<void>()
    const db = token<string>('db')
    const { service, started } = start({
      handlers: [defineHandler(notes, () => (inject(db), { getNote: (input) => input }))],
      providers: () => [
        provide(db, {
          create: ({ signal }) =>
            new Promise<string>((_resolve, reject) => {
              signal.addEventListener('abort', () => reject(signal.reason as Error))
              begun.resolve()
            }),
        }),
      ],
      transports: () => [recordingTransport([])],
    })
    const failed = expect(started).rejects.toThrow('was asked to stop before it was ready')
    await begun.promise
    await Promise.all([failed, service.stop()])
    expect(silent.info).toHaveBeenLastCalledWith(expect.objectContaining({ exitCode: 0 }), 'note has stopped')
  })

  it('gives up the first checks of a start at once, though one hangs', async () => {
    vi.useFakeTimers()
    const log: string[] = []
    const begun = Promise.withResolvers<AbortSignal>()
    const db = token<string>('db')
    const { service, started } = start({
      handlers: [defineHandler(notes, () => (inject(db), { getNote: (input) => input }))],
      providers: () => [
        provide(db, {
          create: () => 'db',
          check: (_db, signal) => (begun.resolve(signal), new Promise(() => undefined)),
          dispose: () => void log.push('dispose db'),
        }),
      ],
      transports: () => [recordingTransport(log)],
    })
    const failed = expect(started).rejects.toMatchObject({ code: 'service.stopped' })
    const signal = await begun.promise
    const stopped = service.stop()
    await vi.advanceTimersByTimeAsync(0)
    await Promise.all([failed, stopped])
    expect(signal.aborted).toBe(true)
    expect(log).toEqual(['dispose db'])
    expect(silent.info).toHaveBeenLastCalledWith(expect.objectContaining({ exitCode: 0 }), 'note has stopped')
  })

  it.each(['create', 'listen'])('gives up a %s that does not end, in time to undo the rest', async (step) => {
    vi.useFakeTimers()
    const log: string[] = []
    const late = Promise.withResolvers<never>()
    const [begun, hang] = [Promise.withResolvers<void>(), token<string>('hang')]
    const hangs = () => {
      begun.resolve()
      return late.promise
    }
    const parts = recordingParts(log)
    const { service, started } = start({
      handlers: [...parts.handlers, defineConsumer(created, () => (inject(hang), () => undefined))],
      providers: () => [...parts.providers(), provide(hang, { create: step === 'create' ? hangs : () => 'fine' })],
      transports: () => [recordingTransport(log, { acts: step === 'listen' ? { listen: hangs } : {} })],
      shutdownTimeoutMs: 10_000,
    })
    const failed = expect(started).rejects.toThrow(/did not end in time \[service.stopped\]$/)
    await begun.promise
    const stoppedAt = Date.now()
    const stopped = service.stop()
    await vi.runAllTimersAsync()
    await Promise.all([failed, stopped])
    expect(Date.now() - stoppedAt).toBeLessThanOrEqual(10_000)
    expect(log.at(-1)).toBe('dispose db')
    expect(silent.info).toHaveBeenLastCalledWith(expect.objectContaining({ exitCode: 1 }), 'note has stopped')
    if (step === 'listen') {
      log.length = 0
      late.resolve(undefined as never)
      await vi.runAllTimersAsync()
      expect(log).toEqual(['http close'])
    }
  })

  it('does not wait for a registry that does not answer', async () => {
    const announcing = Promise.withResolvers<void>()
    const { service, started } = start({
      transports: () => [recordingTransport([])],
      registry: () => ({
        announce: (_instance, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error))
            announcing.resolve()
          }),
      }),
      deregisterDelayMs: 0,
    })
    await announcing.promise
    await service.stop()
    const running = await started
    expect(await running.ended).toMatchObject({ exitCode: 0 })
  })

  it('does nothing before the first start', async () => {
    const service = defineService({ name: 'note', version: '1', handlers: [] })
    await service.stop()
    expect(service.state).toBe('idle')
  })

  it('is what a transport causes that cannot go on', async () => {
    const transport = recordingTransport([])
    const { started } = start({ transports: () => [transport] })
    const running = await started
    transport.host().fail(new Error('the broker is gone for good'))
    expect(await running.ended).toMatchObject({ exitCode: 1 })
    expect(silent.error).toHaveBeenCalledWith(
      {
        err: expect.objectContaining({
          message: 'transport http cannot go on: the broker is gone for good [service.transport_failed]',
        }),
      },
      'a transport failed; the service stops',
    )
  })
})
