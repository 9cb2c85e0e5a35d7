import {
  check,
  clientOf,
  defineHandler,
  defineSchedule,
  defineService,
  every,
  optional,
  port,
  provide,
  remote,
  type Service,
  secret,
  type ServiceOptions,
  text,
  token,
} from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { dnsRegistry, type Registry } from '@tenon/core/registry'
import { Type } from '@tenon/core/typebox'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'

const users = contract('shop.user.v1.UserService', {
  getUser: {
    input: Type.Object({ userId: Type.String() }),
    output: Type.Object({ userId: Type.String() }),
    http: 'GET /v1/users/:userId',
  },
})
const bills = contract('shop.bill.v1.BillService', {
  getBill: { input: Type.Object({}), output: Type.Object({}) },
})

const Database = token<object>('Database')
const Cache = token<object>('Cache')
const Repository = token<object>('Repository')
const untouched = () => ({})
const untold = () => {
  throw new Error('a service that is only looked at asks no source')
}

const config = {
  httpPort: port('USER_HTTP_PORT', 3001),
  grpcPort: port('USER_GRPC_PORT', 50051),
  adminPort: port('USER_ADMIN_PORT', 9001),
  databaseUrl: secret(text('DATABASE_URL')),
  cacheUrl: text('CACHE_URL'),
  billAddress: optional('BILL_ADDRESS'),
}

type Options = ServiceOptions<typeof config>

/** HTTP on 3001, gRPC on 50051, probes on 9001; a database, a cache and, where it is named, another service. */
const options: Options = {
  name: 'user',
  version: '1.4.2',
  config,
  handlers: [defineHandler(users, () => ({ getUser: (input) => input }))],
  providers: ({ databaseUrl, cacheUrl }) => [
    provide(Database, { create: untouched, connectsTo: [databaseUrl] }),
    provide(Cache, { create: untouched, connectsTo: [cacheUrl] }),
  ],
  checks: [
    check('database', untouched, { needs: [Database] }),
    check('cache', untouched, { needs: [Cache], affects: 'none' }),
  ],
  remotes: ({ billAddress }) =>
    billAddress === undefined ? [] : [remote(bills, { via: grpcClient(), at: billAddress })],
  transports: ({ httpPort, grpcPort }) => [httpTransport({ port: httpPort }), grpcTransport({ port: grpcPort })],
  admin: ({ adminPort }) => ({ port: adminPort }),
}

const given = (more: Partial<Options>) => defineService({ ...options, ...more })

const kubernetes = { name: 'kubernetes', connectsTo: ['https://10.96.0.1'], watch: untold }

/** Calls another service, which a registry finds. */
const finding = (name: string, registry: Registry): Partial<Options> => ({
  registry: () => registry,
  remotes: () => [remote(bills, { via: grpcClient(), at: `registry:///${name}` })],
  checks: [check('bills', untouched, { needs: [clientOf(bills)], affects: 'none' })],
})

/** The services that manifests of the corpus are compared with, by the name that those say. */
export const services = {
  user: given({}),
  /** Answers probes on the HTTP port too. */
  probing: given({
    transports: ({ httpPort, grpcPort }) => [
      httpTransport({ port: httpPort, probes: true }),
      grpcTransport({ port: grpcPort }),
    ],
  }),
  /** Leaves the time until callers have noticed to the platform. */
  undelayed: given({ deregisterDelayMs: 0 }),
  /** Listens where its code says. */
  deaf: given({
    transports: ({ grpcPort }) => [httpTransport({ port: 3001, host: '127.0.0.1' }), grpcTransport({ port: grpcPort })],
  }),
  /** Lives no longer than its cache is there. */
  clinging: given({ checks: [check('cache', untouched, { needs: [Cache], affects: 'liveness' })] }),
  /** The same, by what stands between. */
  clingingFar: given({
    providers: ({ databaseUrl, cacheUrl }) => [
      provide(Database, { needs: [Cache], create: untouched, connectsTo: [databaseUrl] }),
      provide(Cache, { create: untouched, connectsTo: [cacheUrl] }),
      provide(Repository, { needs: [Database], create: untouched }),
    ],
    checks: [check('repository', untouched, { needs: [Repository], affects: 'liveness' })],
  }),
  /** Speaks gRPC over TLS, and nothing else. */
  sealed: given({
    transports: ({ grpcPort }) => [grpcTransport({ port: grpcPort, tls: { key: 'key.pem', cert: 'cert.pem' } })],
  }),
  /** Takes its settings from Consul too. */
  consulting: given({
    configSources: () => [{ name: 'consul config/user/', connectsTo: ['consul.shop:8500'], watch: untold }],
  }),
  /** Announces itself in Consul. */
  announced: given({ registry: () => ({ name: 'consul', connectsTo: ['http://consul.shop:8500'], announce: untold }) }),
  /** Finds others by DNS of its own. */
  resolving: given(finding('bill', dnsRegistry({ port: 50_051, servers: ['10.0.0.10:5353'] }))),
  /** Finds others by the DNS of the cluster. */
  asking: given(finding('bill', dnsRegistry({ port: 50_051 }))),
  /** Finds others of its namespace by Kubernetes. */
  finding: given(finding('bill', kubernetes)),
  /** Finds others of another namespace by Kubernetes. */
  findingFar: given(finding('bill.depot', kubernetes)),
  /** Has no callers, and nothing to be configured with. */
  worker: defineService({
    name: 'worker',
    version: '1.0.0',
    handlers: [defineSchedule('tidy', every('1 m'), () => () => undefined)],
  }),
  /** Nobody can ask it anything. */
  silent: defineService({
    name: 'silent',
    version: '1.0.0',
    handlers: [defineSchedule('tidy', every('1 m'), () => () => undefined)],
    admin: false,
  }),
} satisfies Readonly<Record<string, Pick<Service, 'describe'>>>
