import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import type { ClientInterceptor } from '../client/client-method.ts'
import type { ClientTransport } from '../client/client-transport.ts'
import { clientOf, remote } from '../client/remote.ts'
import { contract } from '../contract/contract.ts'
import { event } from '../contract/event.ts'
import { stream } from '../contract/stream.ts'
import { ConfigError, ContractError } from '../error/setup-error.ts'
import type { Interceptor } from '../call/rule/interceptor.ts'
import type { Payload } from '../contract/event.ts'
import type { Input, Output } from '../contract/operation.ts'
import { Consumes } from '../handler/consumes.ts'
import { check } from '../handler/check.ts'
import { defineHandler } from '../handler/define-handler.ts'
import { Handles } from '../handler/handles.ts'
import { Implements } from '../handler/implements.ts'
import { inject } from '../handler/inject.ts'
import { Intercepts } from '../handler/intercepts.ts'
import { provide, token } from '../handler/provider.ts'
import type { Transport } from '../transport/transport.ts'
import { type ConfigReader, list, port, text } from './config/config.ts'
import { defineService } from './define-service.ts'
import type { ServiceOptions } from './service-options.ts'
import { secret } from './config/secret.ts'

const User = Type.Object({ userId: Type.String() })
const users = contract('shop.user.v1.UserService', {
  getUser: {
    input: Type.Object({
      userId: Type.String(),
      traits: Type.Optional(Type.Array(Type.String())),
      locale: Type.Optional(Type.String()),
    }),
    output: User,
    errors: ['not_found'],
    http: {
      route: ['GET /v1/users/:userId', 'GET /v1/people/:userId'],
      headers: { traits: 'x-traits' },
      cookies: { locale: 'locale' },
      etag: 'userId',
    },
    deprecated: { sunset: '2026-01-01T00:00:00Z' },
    access: { roles: ['reader'] },
    timeoutMs: 500,
  },
  importUser: {
    input: User,
    output: User,
    queue: { topic: 'shop.user.import.v1', key: 'userId' },
    grpc: false,
    deprecated: true,
  },
})
const watches = contract('shop.user.v1.WatchService', {
  watchUsers: { input: Type.Object({}), output: stream(User) },
})
const orderPlaced = event('shop.order.placed.v1', { key: 'userId', payload: User })

const pass: Interceptor = (_call, next) => next()
const trace: Interceptor = (call, next) => pass(call, next)
const audit: Interceptor = (call, next) => pass(call, next)
const cache: Interceptor = (call, next) => pass(call, next)
const meter: Interceptor = (call, next) => pass(call, next)

class Db {}
const clock = token<() => number>('clock')
class Store {}

@Handles(users, { access: 'authenticated' })
@Intercepts(audit)
class UserHandler {
  readonly store = inject(Store)

  @Implements(users.getUser, {
    maxConcurrentCalls: 7,
    criticality: 'sheddable_plus',
    policy: function owner() {
      return true
    },
  })
  @Intercepts(cache, (_call, next) => next())
  async getUser(input: Input<typeof users.getUser>): Promise<Output<typeof users.getUser>> {
    return input
  }

  @Implements(users.importUser)
  async importUser(input: Input<typeof users.importUser>): Promise<Output<typeof users.importUser>> {
    return input
  }

  @Consumes(orderPlaced, { group: 'billing' })
  @Intercepts(cache)
  async onOrderPlaced(_payload: Payload<typeof orderPlaced>): Promise<void> {}
}

const watcher = defineHandler(watches, () => ({ watchUsers: async function* () {} }), {
  interceptors: [meter],
  access: {
    check: function isStaff() {
      return true
    },
  },
})

const untouched = () => expect.fail('nothing may be created or bound')
const transport = (name: string, more: Partial<Transport>): Transport => ({
  name,
  carries: () => false,
  bind: untouched,
  ...more,
})
const rules: ConfigReader<Map<string, bigint>> = {
  variable: 'RULES',
  expected: 'rules',
  fallback: new Map([['a', 1n]]),
  isRequired: false,
  parse: () => undefined,
}

const bills = contract('shop.bill.v1.BillService', { getBill: { input: User, output: User } })
const via: ClientTransport = { name: 'http', open: untouched }
const signing: ClientInterceptor = (_call, next) => next()

const service = defineService({
  name: 'user',
  version: '1.4.0',
  config: {
    httpPort: port('HTTP_PORT', 3001),
    databaseUrl: secret(text('DATABASE_URL', 'postgres://app:hunter2@localhost')),
    apiKey: secret(text('API_KEY')),
    brokers: list('BROKERS'),
    rules,
  },
  handlers: [UserHandler, watcher],
  interceptors: [trace],
  authenticate: () => undefined,
  maxConcurrentCalls: 100,
  overload: { maxDelayMs: 50 },
  providers: ({ databaseUrl }) => [
    provide(Store, { needs: [Db, clock], create: untouched, check: untouched }),
    provide(clock, { create: untouched, connectsTo: [undefined] }),
    provide(Db, { create: untouched, connectsTo: [databaseUrl, 'replica:5433', 'LOCALHOST:5432', 'nowhere'] }),
  ],
  checks: [check('disk', untouched, { needs: [clock], affects: 'none', intervalMs: 60_000 })],
  remotes: () => [remote(bills, { via, at: 'static:///bill:3001', interceptors: [signing, () => expect.fail()] })],
  transports: ({ httpPort }) => [
    transport(`http-${httpPort}`, { carries: ({ http }) => http !== undefined, probes: new Map([['/up', 'readyz']]) }),
    transport('grpc', { carries: ({ grpc }) => grpc, listensAt: (host) => [{ protocol: 'grpc', host, port: 50_051 }] }),
    transport('queue', {
      connectsTo: ['kafka:9092'],
      carries: ({ queue }) => queue !== undefined,
      carriesEvents: true,
      topics: ['shop.*'],
      provides: [provide(token('Publisher'), { create: untouched })],
    }),
  ],
})

const checkTimes = { timeoutMs: 2_000, intervalMs: 5_000 }

describe('describe()', () => {
  it('tells the whole service, with interceptors and providers in their order', () => {
    const auditOfHandler = { name: 'audit', around: 'handler' }
    const traceOfService = { name: 'trace', around: 'service' }
    expect(service.describe({ environment: {} })).toEqual({
      name: 'user',
      version: '1.4.0',
      handlers: [
        {
          name: 'UserHandler',
          contracts: ['shop.user.v1.UserService'],
          operations: ['shop.user.v1.UserService/getUser', 'shop.user.v1.UserService/importUser'],
          topics: ['shop.order.placed.v1'],
          schedules: [],
        },
        {
          name: 'shop.user.v1.WatchService',
          contracts: ['shop.user.v1.WatchService'],
          operations: ['shop.user.v1.WatchService/watchUsers'],
          topics: [],
          schedules: [],
        },
      ],
      operations: [
        {
          id: 'shop.user.v1.UserService/getUser',
          handler: 'UserHandler',
          member: 'getUser',
          kind: 'unary',
          route: 'GET /v1/users/:userId',
          http: {
            routes: ['GET /v1/users/:userId', 'GET /v1/people/:userId'],
            status: 200,
            headers: { traits: 'x-traits' },
            cookies: { locale: 'locale' },
            etag: 'userId',
          },
          grpc: true,
          transports: ['http-3001', 'grpc'],
          access: { roles: ['reader'] },
          policy: 'owner',
          timeoutMs: 500,
          maxConcurrentCalls: 7,
          criticality: 'sheddable_plus',
          idempotency: 'safe',
          errors: ['not_found'],
          isDeprecated: true,
          deprecation: { sunsetAt: Date.UTC(2026, 0, 1) },
          tags: ['UserService'],
          interceptors: [
            traceOfService,
            auditOfHandler,
            { name: 'cache', around: 'method' },
            { name: '(anonymous)', around: 'method' },
          ],
        },
        {
          id: 'shop.user.v1.UserService/importUser',
          handler: 'UserHandler',
          member: 'importUser',
          kind: 'unary',
          grpc: false,
          command: { topic: 'shop.user.import.v1', key: 'userId', group: 'user' },
          transports: ['queue'],
          access: 'authenticated',
          timeoutMs: 30_000,
          idempotency: 'none',
          errors: [],
          isDeprecated: true,
          tags: ['UserService'],
          interceptors: [traceOfService, auditOfHandler],
        },
        {
          id: 'shop.user.v1.WatchService/watchUsers',
          handler: 'shop.user.v1.WatchService',
          member: 'watchUsers',
          kind: 'server_stream',
          grpc: true,
          transports: ['grpc'],
          access: { check: 'isStaff' },
          idempotency: 'none',
          errors: [],
          isDeprecated: false,
          tags: ['WatchService'],
          interceptors: [traceOfService, { name: 'meter', around: 'handler' }],
        },
      ],
      consumers: [
        {
          topic: 'shop.order.placed.v1',
          key: 'userId',
          group: 'billing',
          handler: 'UserHandler',
          member: 'onOrderPlaced',
          transports: ['queue'],
          timeoutMs: 30_000,
          interceptors: [traceOfService, auditOfHandler, { name: 'cache', around: 'method' }],
        },
      ],
      providers: [
        { name: 'Db', needs: [], isChecked: false, connectsTo: ['localhost:5432', 'replica:5433'] },
        { name: 'clock', needs: [], isChecked: false },
        { name: 'Store', needs: ['Db', 'clock'], isChecked: true },
      ],
      checks: [
        { name: 'Store', needs: ['Store'], ...checkTimes, gracePeriodMs: 10_000, affects: 'readiness' },
        { name: 'disk', needs: ['clock'], ...checkTimes, intervalMs: 60_000, gracePeriodMs: 0, affects: 'none' },
        ...['event-loop-delay', 'event-loop-utilization', 'heap'].map((name) => ({
          name,
          needs: [],
          ...checkTimes,
          gracePeriodMs: 0,
          affects: 'none',
        })),
      ],
      schedules: [],
      tasks: [],
      remotes: [
        {
          contract: 'shop.bill.v1.BillService',
          transport: 'http',
          address: 'static:///bill:3001',
          interceptors: ['signing', '(anonymous)'],
        },
      ],
      hooks: [],
      transports: [
        { name: 'http-3001', carriesEvents: false, provides: [], probes: { '/up': 'readyz' } },
        {
          name: 'grpc',
          carriesEvents: false,
          provides: [],
          listensAt: [{ protocol: 'grpc', host: '127.0.0.1', port: 50_051 }],
        },
        {
          name: 'queue',
          carriesEvents: true,
          topics: ['shop.*'],
          provides: ['Publisher'],
          connectsTo: ['kafka:9092'],
        },
      ],
      admin: { host: '127.0.0.1', port: 9000, hasToken: false },
      isRegistered: false,
      settings: [
        {
          name: 'httpPort',
          variable: 'HTTP_PORT',
          expected: 'a whole number from 0 to 65535',
          isRequired: false,
          isSecret: false,
          fallback: 3001,
        },
        {
          name: 'databaseUrl',
          variable: 'DATABASE_URL',
          expected: 'text',
          isRequired: false,
          isSecret: true,
          fallback: '***',
        },
        { name: 'apiKey', variable: 'API_KEY', expected: 'text', isRequired: true, isSecret: true },
        {
          name: 'brokers',
          variable: 'BROKERS',
          expected: 'texts separated by commas',
          isRequired: true,
          isSecret: false,
        },
        { name: 'rules', variable: 'RULES', expected: 'rules', isRequired: false, isSecret: false, fallback: {} },
      ],
      limits: {
        callTimeoutMs: 30_000,
        maxConcurrentCalls: 100,
        overload: { maxDelayMs: 50, maxLatencyFactor: 2, minConcurrentCalls: 10, criticality: 'critical' },
        startTimeoutMs: 90_000,
        shutdownTimeoutMs: 25_000,
        deregisterDelayMs: 0,
        deregisterDelayInKubernetesMs: 5_000,
      },
      security: {
        hasAuthenticator: true,
        defaultAccess: 'authenticated',
        forwardedMetadata: ['traceparent', 'tracestate', 'baggage', 'x-tenant-id', 'x-criticality'],
        areOutputsChecked: true,
      },
    })
  })

  it('leaves out a remote that is replaced, and tells one that is among the providers', () => {
    const at = 'static:///bill:3001'
    const calling = defineService({
      name: 'user',
      version: '1',
      handlers: [],
      providers: () => [remote(bills, { via, at })],
    })
    expect(calling.describe({ environment: {} }).remotes).toEqual([
      { contract: 'shop.bill.v1.BillService', transport: 'http', address: at, interceptors: [] },
    ])
    const overrides = [provide(clientOf(bills), { create: untouched })]
    expect(calling.describe({ environment: {}, overrides }).remotes).toEqual([])
  })

  it('is data that JSON can hold and nobody can change, and shows no secret', () => {
    const description = service.describe({ environment: { API_KEY: 'hunter2', HTTP_PORT: '7' } })
    const json = JSON.stringify(description)
    expect(JSON.parse(json)).toStrictEqual(description)
    expect(json).not.toContain('hunter2')
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen))
    expect(frozen(description)).toBe(true)
    expect(description.transports[0]?.name).toBe('http-7')
  })

  it('changes nothing of what it describes', () => {
    service.describe({ environment: {} })
    expect(Object.isFrozen(users.getUser.spec.access)).toBe(false)
    expect(service.describe({ environment: {} })).toEqual(service.describe({ environment: {} }))
  })

  it('lists interceptors in the order in which they run', async () => {
    const order: string[] = []
    const note = (name: string): Interceptor =>
      Object.defineProperty<Interceptor>(
        async (_call, next) => {
          order.push(name)
          return next()
        },
        'name',
        { value: name },
      )
    @Handles(watchless)
    @Intercepts(note('class 1'), note('class 2'))
    class Handler {
      @Implements(watchless.ping)
      @Intercepts(note('method 1'), note('method 2'))
      async ping(input: Input<typeof watchless.ping>): Promise<Output<typeof watchless.ping>> {
        return input
      }
    }
    let dispatch: ((input: unknown) => Promise<unknown>) | undefined
    const noted = defineService({
      name: 'user',
      version: '1.0.0',
      admin: false,
      handlers: [Handler],
      interceptors: [note('service 1'), note('service 2')],
      transports: () => [
        transport('memory', {
          carries: () => true,
          bind: ({ operations: [one] }) => {
            dispatch = async (given) => one?.dispatch({ transport: 'memory', metadata: {}, decode: () => given })
            return {
              listen: async () => [],
              withdraw: () => undefined,
              drain: async () => undefined,
              close: async () => undefined,
            }
          },
        }),
      ],
    })
    await using _started = await noted.start({ environment: { LOG_LEVEL: 'silent' } })
    expect(await dispatch?.({ userId: '1' })).toMatchObject({ ok: true })
    const described = noted.describe({ environment: {} }).operations[0]?.interceptors.map(({ name }) => name)
    expect(described).toEqual(['service 1', 'service 2', 'class 1', 'class 2', 'method 1', 'method 2'])
    expect(order).toEqual(described)
  })

  it('shows as text the fallback that JSON cannot hold', () => {
    const big: ConfigReader<bigint> = {
      variable: 'BIG',
      expected: 'rules',
      isRequired: false,
      fallback: 1n,
      parse: BigInt,
    }
    const { settings } = defineService({ name: 'user', version: '1', handlers: [], config: { big } }).describe({
      environment: {},
    })
    expect(settings).toMatchObject([{ fallback: '1' }])
  })

  it('tells what keeps a part from being described', () => {
    class Plain {}
    const base = { name: 'user', version: '1', handlers: [] }
    const described = (options: object) => () => defineService({ ...base, ...options }).describe({ environment: {} })
    expect(described({ handlers: [Plain] })).toThrow(ContractError)
    expect(described({ callTimeoutMs: 0 })).toThrow(ConfigError)
    const fail = () => {
      throw new Error('no such region')
    }
    expect(described({ providers: fail })).toThrow('providers of the service failed: no such region')
    expect(described({ providers: fail, config: { region: text('REGION') } })).toThrow(
      'REGION (setting region) is not set: expected text [config.missing]',
    )
    expect(described({ transports: () => [undefined] })).toThrow('transports[0] of the service is undefined')
    expect(
      described({ handlers: [defineHandler(watches, () => ({ watchUsers: async function* () {} }))] }),
    ).not.toThrow()
  })

  it('tells where probes are asked as the settings say, and nothing of a service without', () => {
    const describeWith = (admin: ServiceOptions['admin'], environment = {}) =>
      defineService({ name: 'user', version: '1.0.0', handlers: [], ...(admin !== undefined && { admin }) }).describe({
        environment,
      }).admin
    const token = 'a-token-of-some-length'
    expect(describeWith(() => ({ port: 9001, token }))).toEqual({ host: '127.0.0.1', port: 9001, hasToken: true })
    expect(describeWith(undefined, { TENON_HOST: '0.0.0.0' })).toEqual({ host: '0.0.0.0', port: 9000, hasToken: false })
    expect(describeWith(false)).toBeUndefined()
  })
})

const watchless = contract('shop.user.v1.PingService', { ping: { input: User, output: User } })
