import Type from 'typebox'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { remote } from '../client/remote.ts'
import { contract } from '../contract/contract.ts'
import { event } from '../contract/event.ts'
import { upcast } from '../contract/event-upcast.ts'
import { stream } from '../contract/stream.ts'
import { WiringError } from '../error/setup-error.ts'
import { defineConsumer, defineHandler } from '../handler/define-handler.ts'
import { hook } from '../handler/hook.ts'
import { inject } from '../handler/inject.ts'
import { provide, token } from '../handler/provider.ts'
import type { BatchEndpoint } from '../transport/endpoint.ts'
import type { Transport, TransportHost, TransportServer } from '../transport/transport.ts'
import { port, text } from './config/config.ts'
import { defineService } from './define-service.ts'
import { secret } from './config/secret.ts'
import type { ServiceOptions } from './service-options.ts'

const input = Type.Object({ userId: Type.String() })
const users = contract('shop.user.v1.UserService', {
  getUser: { input, output: input, http: 'GET /v1/users/:userId' },
  watchUsers: { input: Type.Object({}), output: stream(input), grpc: false },
})
const orderPlaced = event('shop.order.placed.v1', { key: 'userId', payload: input })

const orderPlacedV2 = event('shop.order.placed.v2', {
  key: 'userId',
  payload: input,
  upcasts: [upcast(orderPlaced, (older) => older)],
})
const commands = contract('shop.order.v1.OrderService', {
  place: { input, output: input, access: 'public', queue: { topic: 'shop.order.place.v1', key: 'userId' } },
})

/** What a transport is told of endpoints, without the functions. */
function factsOf({ operations, events }: TransportHost) {
  const batchOf = ({ maxCount, maxWaitMs }: BatchEndpoint) => ({ maxCount, maxWaitMs })
  return {
    operations: operations.map(({ dispatch: _dispatch, ...facts }) => facts),
    events: events.map(({ dispatch: _dispatch, batch, ...facts }) => ({ ...facts, batch: batch && batchOf(batch) })),
  }
}

class Db {
  isOpen = true
}
class Store {
  readonly #db = inject(Db)
  get isOpen() {
    return this.#db.isOpen
  }
}

const handler = (make?: () => unknown) =>
  defineHandler(users, () => {
    make?.()
    return { getUser: async (given) => given, watchUsers: async function* () {} }
  })
const consumer = (options = {}) => defineConsumer(orderPlaced, () => async () => undefined, options)

/** A transport that carries everything and tells what happens to it. */
function carrier(name: string, { bind }: { readonly bind?: (host: TransportHost) => void } = {}) {
  const events: string[] = []
  const server: TransportServer = {
    listen: async () => expect.fail('nothing may listen'),
    withdraw: () => undefined,
    drain: async () => undefined,
    close: async () => void events.push('closed'),
  }
  const transport: Transport = {
    name,
    carries: () => true,
    carriesEvents: true,
    bind: (host) => {
      events.push('bound')
      bind?.(host)
      return server
    },
  }
  return { transport, events }
}

const untouched = () => expect.fail('nothing may be created')

function check(options: Partial<ServiceOptions>, environment = {}) {
  const base = { name: 'user', version: '1.0.0', handlers: [handler()], transports: () => [carrier('all').transport] }
  return defineService({ ...base, ...options }).check({ environment })
}

describe('check()', () => {
  it('finds nothing in a service that could start, and creates and opens nothing', async () => {
    const { transport, events } = carrier('http')
    const result = await check({
      handlers: [handler(() => inject(Store)), consumer({ group: 'user' })],
      providers: () => [provide(Db, { create: untouched, check: untouched, dispose: untouched })],
      transports: () => [transport],
      registry: () => ({ announce: untouched }),
      admin: () => ({ port: 1 }),
    })
    expect(result).toEqual({ ok: true, problems: [] })
    expect(Object.isFrozen(result.problems)).toBe(true)
    expect(events).toEqual(['bound', 'closed'])
  })

  it('takes a service with hooks of onDrain that have a time alike here, in Kubernetes and with a registry', async () => {
    const inKubernetes = { KUBERNETES_SERVICE_HOST: '10.0.0.1' }
    const options = { onDrain: [hook('pause', untouched, { timeoutMs: 8_000 })] }
    const registered = { ...options, registry: () => ({ announce: untouched }) }
    for (const environment of [{}, inKubernetes]) {
      expect(await check(options, environment)).toEqual({ ok: true, problems: [] })
      expect(await check(registered, environment)).toEqual({ ok: true, problems: [] })
    }
    expect(await check({ ...registered, deregisterDelayMs: 5_000 })).toMatchObject({
      ok: false,
      problems: [{ code: 'config.out_of_range', message: expect.stringContaining('with deregisterDelayMs (5000)') }],
    })
  })

  it('takes a place to connect to that names no host and port for what it is, a word for descriptions', async () => {
    const providers = ({ url }: Readonly<Record<string, unknown>>) => [
      provide(Db, { create: untouched, connectsTo: [String(url)] }),
    ]
    const options = { config: { url: text('DATABASE_URL') }, providers, handlers: [handler(() => inject(Db))] }
    expect(await check(options, { DATABASE_URL: 'postgres:///shop?host=/run/postgres' })).toEqual({
      ok: true,
      problems: [],
    })
  })

  it('tells all problems at once, each as the start would', async () => {
    const url = token<string>('DATABASE_URL')
    const cyclic = token<string>('A')
    const options: ServiceOptions = {
      name: 'user',
      version: '1.0.0',
      callTimeoutMs: 0,
      config: { httpPort: port('HTTP_PORT'), region: text('REGION') },
      handlers: [handler(() => [inject(Store), inject(cyclic)]), handler(), consumer({ group: ' ' })],
      providers: () => [
        provide(Db, { needs: [url], create: untouched }),
        provide(cyclic, { needs: [cyclic], create: untouched }),
      ],
      transports: () => [
        { ...carrier('http').transport, carries: ({ http }) => http !== undefined, carriesEvents: false },
      ],
      admin: { port: 70_000 },
    }
    const { ok, problems } = await defineService(options).check({ environment: { HTTP_PORT: 'x', LOG_LEVEL: 'loud' } })
    expect(ok).toBe(false)
    expect(problems).toEqual([
      { code: 'config.malformed', message: expect.stringContaining('LOG_LEVEL: expected one of') },
      { code: 'config.out_of_range', message: 'callTimeoutMs must be from 1 to 3600000, found 0' },
      {
        code: 'config.malformed',
        message: 'HTTP_PORT (setting httpPort): expected a whole number from 0 to 65535, found "x"',
      },
      { code: 'config.missing', message: 'REGION (setting region) is not set: expected text' },
      {
        code: 'wiring.missing_provider',
        message:
          "nothing provides DATABASE_URL, asked for by shop.user.v1.UserService → Store → Db: add provide(DATABASE_URL, …) to the service's providers",
      },
      { code: 'wiring.cycle', message: 'providers need one another in a circle: A → A' },
      {
        code: 'wiring.consumer_group',
        message:
          'consumer of shop.order.placed.v1 consumes shop.order.placed.v1: expected the name of a consumer group, found " "; leave group out for the service\'s own name',
      },
      expect.objectContaining({ code: 'handler.duplicate_operation' }),
      expect.objectContaining({ code: 'handler.duplicate_operation' }),
      {
        code: 'wiring.unreachable',
        message:
          'shop.user.v1.UserService/watchUsers is carried by no transport of the service: give it a binding, or add a transport, which is localTransport() where only this process calls it',
      },
      {
        code: 'wiring.unreachable',
        message: 'event shop.order.placed.v1 is delivered by no transport of the service: add a queue transport',
      },
    ])
  })

  it('lets every transport say what it cannot carry, though nobody dispatches', async () => {
    const conflict = { code: 'wiring.route_conflict', message: 'both claim GET /' } as const
    const result = await check({
      transports: () => [
        carrier('http', {
          bind: () => {
            throw new WiringError([conflict])
          },
        }).transport,
        carrier('odd', {
          bind: () => {
            throw new TypeError('x is not a function')
          },
        }).transport,
      ],
    })
    expect(result.problems).toEqual([
      conflict,
      { code: 'wiring.create_failed', message: 'transport odd failed: x is not a function' },
    ])
  })

  it('hands transports what they carry, and answers a transport that dispatches all the same', async () => {
    let host: TransportHost | undefined
    const { transport } = carrier('http', { bind: (given) => void (host = given) })
    await check({
      handlers: [handler(), consumer()],
      transports: () => [{ ...transport, carries: ({ http }) => http !== undefined }],
    })
    expect(host?.operations.map(({ operation }) => operation.id)).toEqual(['shop.user.v1.UserService/getUser'])
    expect(host?.events).toMatchObject([{ group: 'user' }])
    expect(await host?.operations[0]?.dispatch({ transport: 'http', metadata: {}, decode: untouched })).toMatchObject({
      ok: false,
      error: { code: 'unavailable' },
    })
  })

  it('tells transports what the start tells them, of groups, broadcasts, batches and older events', async () => {
    const hosts: TransportHost[] = []
    const { transport } = carrier('all')
    const bind = (host: TransportHost): TransportServer => {
      hosts.push(host)
      return { ...transport.bind(host), listen: async () => [] }
    }
    const service = defineService({
      name: 'user',
      version: '1.0.0',
      handlers: [
        defineHandler(commands, () => ({ place: (given) => given }), {
          operations: { place: { queue: { maxHandlerMs: 5_000 } } },
        }),
        consumer(),
        consumer({ broadcast: true, start: 'earliest' }),
        defineConsumer(orderPlacedV2, () => async () => undefined, { batch: { maxCount: 10 }, group: 'rows' }),
      ],
      admin: false,
      transports: () => [{ ...transport, bind }],
    })
    expect(await service.check({ environment: {} })).toEqual({ ok: true, problems: [] })
    await using _running = await service.start({ environment: { LOG_LEVEL: 'silent' } })
    const [checked, started] = hosts.map(factsOf)
    expect(checked).toEqual(started)
    expect(checked?.events).toMatchObject([
      { group: 'user' },
      { group: undefined, start: 'earliest' },
      { event: orderPlacedV2, group: 'rows', batch: { maxCount: 10, maxWaitMs: 100 } },
      { event: orderPlaced, into: orderPlacedV2, group: 'rows', batch: { maxCount: 10, maxWaitMs: 100 } },
    ])
    const arrival = { transport: 'all', metadata: {}, decode: untouched }
    const refused = { ok: false, error: { code: 'unavailable' } }
    const batch = hosts[0]?.events[2]?.batch
    expect(await batch?.read(arrival)).toMatchObject(refused)
    expect(await batch?.dispatch({ ...arrival, messages: [{ payload: {}, arrival }] })).toMatchObject([refused])
  })

  it('names every schema that cannot be used', async () => {
    // As a contract of another installed version, which knew nothing of the rule, may bring it.
    const broken = { type: 'object', properties: { a: { type: 'string', pattern: '(' } } }
    const sound = handler()
    const odd: typeof sound = {
      ...sound,
      operations: sound.operations.map(({ operation, ...one }) => ({
        ...one,
        operation: {
          ...operation,
          ...(operation.name === 'getUser' ? { inputJsonSchema: broken } : { outputJsonSchema: broken }),
        },
      })),
    }
    const bound: string[] = []
    const { transport } = carrier('all', {
      bind: ({ operations }) => void bound.push(...operations.map(({ operation }) => operation.id)),
    })
    const result = await check({ handlers: [odd], transports: () => [transport] })
    expect(result.problems).toMatchObject([
      { code: 'contract.schema', message: expect.stringContaining('UserService/getUser: input') },
      { code: 'contract.schema', message: expect.stringContaining('UserService/watchUsers: output') },
    ])
    expect(bound).toEqual([])
  })

  it('names entries that are undefined by their place, and classes that are no handlers', async () => {
    class Plain {}
    const missing: never[] = [undefined as never]
    const result = await check({
      handlers: [handler(), ...missing, Plain],
      providers: () => missing,
      transports: () => [carrier('all').transport, ...missing],
    })
    const cycle = 'import cycle? Import it from a file that does not import back'
    expect(result.problems).toEqual([
      { code: 'wiring.undefined', message: `transports[1] of the service is undefined: ${cycle}` },
      { code: 'wiring.undefined', message: `providers[0] of the service is undefined: ${cycle}` },
      { code: 'wiring.undefined', message: `handlers[1] of the service is undefined: ${cycle}` },
      {
        code: 'handler.unknown_operation',
        message: 'class Plain is no handler: give it @Handles(contract) or a method with @Consumes or @Runs',
      },
    ])
  })

  it('names an interceptor of a client that is no function, as the start does', async () => {
    const via = { name: 'http', open: untouched }
    const interceptors: readonly never[] = ['nope' as never, undefined as never]
    const remotes = () => [remote(users, { via, at: 'static:///user:3001', interceptors })]
    const problems = [
      {
        code: 'wiring.undefined',
        message: 'interceptors[0] of remote(shop.user.v1.UserService) is no function but string',
      },
      {
        code: 'wiring.undefined',
        message: 'interceptors[1] of remote(shop.user.v1.UserService) is undefined: import cycle?',
      },
    ]
    expect(await check({ remotes })).toEqual({ ok: false, problems })
    const service = defineService({
      name: 'user',
      version: '1.0.0',
      handlers: [handler()],
      admin: false,
      transports: () => [carrier('all').transport],
      remotes,
    })
    await expect(service.start({ environment: { LOG_LEVEL: 'silent' } })).rejects.toMatchObject({
      name: 'WiringError',
      problems,
    })
  })

  it('names the function of the options that fails, and calls nothing missing that it might have given', async () => {
    const fail = () => {
      throw new Error('no such file')
    }
    const result = await check({
      handlers: [handler(() => inject(token('clock')))],
      providers: fail,
      transports: fail,
      registry: fail,
      admin: fail,
    })
    expect(result.problems.map(({ message }) => message)).toEqual([
      'transports of the service failed: no such file',
      'providers of the service failed: no such file',
      'registry of the service failed: no such file',
      'admin of the service failed: no such file',
    ])
  })

  it('shows no secret that a function of the options quotes', async () => {
    const result = await defineService({
      name: 'user',
      version: '1.0.0',
      config: { password: secret(text('PASSWORD')) },
      handlers: [handler()],
      transports: ({ password }) => {
        throw new Error(`bad url postgres://u:${password.reveal()}@db`)
      },
      admin: ({ password }) => {
        throw new Error(password.reveal())
      },
    }).check({ environment: { PASSWORD: 'hunter2' } })
    expect(result.problems.map(({ message }) => message)).toEqual([
      'transports of the service failed: bad url postgres://u:***@db',
      'admin of the service failed: ***',
    ])
  })

  it('does not wait for a transport that never closes', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { transport } = carrier('stuck')
    const bind = (host: TransportHost): TransportServer => ({
      ...transport.bind(host),
      close: () => new Promise(() => undefined),
    })
    const result = check({ transports: () => [{ ...transport, bind }] })
    await vi.advanceTimersByTimeAsync(2_000)
    expect((await result).problems).toMatchObject([{ message: 'transport stuck failed: it did not close' }])
  })

  it('does not blame a function for failing over a setting that is not there', async () => {
    const providers = vi.fn(({ region }: { readonly region: string }) => {
      if (region !== 'eu') throw new Error('no such region')
      return []
    })
    const service = defineService({
      name: 'user',
      version: '1.0.0',
      config: { region: text('REGION') },
      handlers: [],
      providers,
    })
    expect((await service.check({ environment: {} })).problems).toMatchObject([{ code: 'config.missing' }])
    expect((await service.check({ environment: { REGION: 'us' } })).problems).toMatchObject([
      { message: 'providers of the service failed: no such region' },
    ])
    expect((await service.check({ environment: { REGION: 'eu' } })).ok).toBe(true)
    expect(providers).toHaveBeenCalledTimes(3)
  })

  it('takes overrides, as the start does', async () => {
    const service = defineService({
      name: 'user',
      version: '1.0.0',
      handlers: [handler(() => inject(token('unused')))],
      transports: () => [carrier('all').transport],
    })
    expect((await service.check({ environment: {} })).ok).toBe(false)
    const needy = defineService({
      name: 'user',
      version: '1.0.0',
      handlers: [handler(() => inject(Store))],
      providers: () => [provide(Store, { needs: [token('url')], create: untouched })],
      transports: () => [carrier('all').transport],
    })
    expect((await needy.check({ environment: {} })).ok).toBe(false)
    const overrides = [provide(Store, { create: untouched })]
    expect(await needy.check({ environment: {}, overrides })).toEqual({ ok: true, problems: [] })
  })

  it('is refused while the service runs, and fine before and after', async () => {
    const { transport } = carrier('all')
    const server = { ...transport.bind({} as TransportHost), listen: async () => [] }
    const service = defineService({
      name: 'user',
      version: '1.0.0',
      handlers: [handler()],
      admin: false,
      transports: () => [{ ...transport, bind: () => server }],
    })
    const environment = { LOG_LEVEL: 'silent' }
    expect((await service.check({ environment })).ok).toBe(true)
    {
      await using _running = await service.start({ environment })
      await expect(service.check({ environment })).rejects.toThrow(
        'service user is ready: stop it before it is checked [service.state]',
      )
    }
    expect((await service.check({ environment })).ok).toBe(true)
  })
})
