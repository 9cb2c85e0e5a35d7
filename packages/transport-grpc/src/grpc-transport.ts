import { Server, type UntypedServiceImplementation } from '@grpc/grpc-js'
import { type ContractInfo } from '@tenon/core/contract'
import {
  type Address,
  ConfigError,
  type CountedLine,
  countedLine,
  LifecycleError,
  type Logger,
  type OperationEndpoint,
  type Transport,
  type TransportHost,
  type DrainTime,
  type TransportServer,
  unlessAborted,
} from '@tenon/core/transport'
import { type GrpcOptions, type GrpcSettings, resolveGrpcOptions } from './grpc-options.ts'
import { toChannelOptions } from './listen/channel-options.ts'
import { HealthService } from './introspection/health-service.ts'
import { createHttp2Server } from './listen/http2-server.ts'
import { Listener } from './listen/listener.ts'
import type { Sessions } from './session/sessions.ts'
import { type MethodSurroundings, mountMethod } from './server/mount-method.ts'
import { lastAnswersMs } from './server/last-answers.ts'
import { OpenCalls } from './server/open-calls.ts'
import { refuseBusy } from './server/refuse-busy.ts'
import { awaitRequests } from './server/await-requests.ts'
import { refuseBrokenFrames } from './server/refuse-broken-frames.ts'
import { requireNames } from './server/require-names.ts'
import { warnOfLocks } from './lock/warn-of-locks.ts'
import { mountReflection, type ReflectionCalls } from './introspection/reflection-service.ts'
import { requireDistinct } from './service/distinct-names.ts'
import { type ProtoService, toProtoService } from './service/proto-service.ts'
import { toServiceDefinition } from './wire/service-definition.ts'

/**
 * Serves every operation over gRPC, unless its contract says `grpc: false`, with health v1 and server reflection.
 *
 * @throws ConfigError `config.out_of_range`, `config.malformed`
 */
export function grpcTransport(options: GrpcOptions = {}): Transport {
  // Here already, so that what is wrong is told where it is written.
  resolveGrpcOptions(options)
  return Object.freeze({
    name: 'grpc',
    carries: ({ grpc }) => grpc,
    listensAt: (defaultHost) => [placeOf(settingsFor(options, { defaultHost }))],
    bind: (host) => {
      return new GrpcServer(settingsFor(options, host), host)
    },
  } satisfies Transport)
}

type Place = Pick<TransportHost, 'takesFreePorts' | 'defaultHost'>

function settingsFor(options: GrpcOptions, { takesFreePorts, defaultHost }: Place): GrpcSettings {
  const host = options.host ?? defaultHost
  if (takesFreePorts === true) {
    const { path: _path, pathMode: _pathMode, ...others } = options
    return resolveGrpcOptions({ ...others, host, port: 0 })
  }
  return resolveGrpcOptions(options.path === undefined ? { ...options, host } : options)
}

function placeOf({ host, port, path, tls }: GrpcSettings): Address {
  const protocol = tls === undefined ? 'grpc' : 'grpcs'
  return path === undefined ? { protocol, host, port } : { protocol, host: `unix:${path}`, port: 0 }
}

/** How long what is left may take to go out when the server closes without a drain. A guess, and the same as over HTTP. */
const closeMs = 200

class GrpcServer implements TransportServer {
  readonly #settings: GrpcSettings
  readonly #server: Server
  readonly #health: HealthService
  readonly #reflection: ReflectionCalls | undefined
  readonly #listener: Listener
  readonly #sessions: Sessions
  readonly #calls = new OpenCalls()
  readonly #late: CountedLine
  #finished: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(settings: GrpcSettings, { operations, service, log, isDevelopment = false }: TransportHost) {
    this.#settings = settings
    this.#late = lateCalls(settings, log)
    const services = toServices(operations)
    warnOfLocks(services, log, { isDevelopment })
    const interceptors = [
      requireNames(log),
      refuseBrokenFrames,
      awaitRequests((stream, call) => this.#sessions.await(stream, call)),
    ]
    this.#server = new Server({ ...toChannelOptions(settings), interceptors })
    const { maxResponseBytes } = settings
    const surroundings = { calls: this.#calls, domain: service.name, log, maxResponseBytes }
    for (const one of services) mountService(this.#server, one, surroundings)
    this.#health = new HealthService(services.map(({ fullName }) => fullName))
    this.#health.mount(this.#server)
    this.#reflection = settings.hasReflection ? mountReflection(this.#server, services, log) : undefined
    const { accept, sessions } = createHttp2Server(this.#server, {
      settings,
      domain: service.name,
      refuse: refuseBusy(services, service.name),
      tellLate: this.#late.add,
    })
    this.#sessions = sessions
    this.#listener = new Listener(settings, log, accept)
  }

  async listen(): Promise<readonly Address[]> {
    try {
      const port = await this.#listener.listen()
      this.#sessions.watch()
      return [{ ...placeOf(this.#settings), port }]
    } catch (error) {
      if (error instanceof ConfigError) throw error
      throw listenFailed(this.#settings, error)
    }
  }

  withdraw(): void {
    this.#health.withdraw()
    this.#sessions.turnAway()
  }

  readinessChanged(readiness: 'ready' | 'not_ready'): void {
    this.#health.readinessChanged(readiness)
  }

  async drain(signal: AbortSignal, time?: DrainTime): Promise<number> {
    this.withdraw()
    const told = this.#sessions.withdraw()
    const beganAt = performance.now()
    let graceMs: number | undefined
    const cut = () => {
      graceMs = lastAnswersMs(performance.now() - beganAt, time?.graceMs)
      this.#calls.cut()
    }
    if (signal.aborted) cut()
    else signal.addEventListener('abort', cut, { once: true })
    try {
      await unlessAborted(told, signal)
      await this.#calls.emptied()
      await unlessAborted(this.#finish(), signal)
    } finally {
      signal.removeEventListener('abort', cut)
    }
    return graceMs === undefined ? 0 : this.#cutUnsent(graceMs)
  }

  close(): Promise<void> {
    this.#closed ??= this.#shut()
    return this.#closed
  }

  /** Resolves when all answers have been sent and all connections are closed, for which it waits for ever. */
  #finish(): Promise<void> {
    if (this.#finished === undefined) {
      this.#health.close()
      this.#reflection?.close()
      this.#sessions.finish()
      const closed = this.#listener.close()
      // It is not waited for: of a session that was destroyed before it never tells.
      this.#server.tryShutdown(() => undefined)
      this.#finished = this.#closeSessions(closed)
    }
    return this.#finished
  }

  async #closeSessions(closed: Promise<void>): Promise<void> {
    await closed
    await this.#sessions.emptied()
    this.#sessions.close()
    this.#late.close()
  }

  /** Gives answers this long to go out, and cuts what is left then. Resolves with how many were cut. */
  async #cutUnsent(graceMs: number): Promise<number> {
    await unlessAborted(this.#finish(), AbortSignal.timeout(graceMs))
    const cutCount = this.#calls.unsentCount
    if (cutCount === 0) return 0
    this.#listener.cut()
    await this.#finish()
    return cutCount
  }

  async #shut(): Promise<void> {
    this.#calls.cut()
    const cutCount = await this.#cutUnsent(closeMs)
    this.#listener.cut()
    await this.#finish()
    if (cutCount > 0) throw new Error(`answers that were cut before their callers had read them: ${cutCount}`)
  }
}

/** What no handler and no access log knows of. */
function lateCalls({ requestTimeoutMs }: GrpcSettings, log: Logger): CountedLine {
  return countedLine((lateCount) =>
    log.warn({ requestTimeoutMs, lateCount }, 'calls whose request did not arrive within requestTimeoutMs are ended'),
  )
}

function mountService(
  server: Server,
  shape: ProtoService & { readonly endpoints: ReadonlyMap<string, OperationEndpoint> },
  shared: Omit<MethodSurroundings, 'fullName'>,
): void {
  const surroundings = { ...shared, fullName: shape.fullName }
  const handlers: UntypedServiceImplementation = {}
  for (const method of shape.methods) {
    const endpoint = shape.endpoints.get(method.operation.id)
    if (endpoint === undefined) continue
    handlers[method.name] = mountMethod(endpoint, method, surroundings)
  }
  server.addService(toServiceDefinition(shape), handlers)
}

/** The operations of each contract, as services. */
function toServices(
  endpoints: readonly OperationEndpoint[],
): readonly (ProtoService & { readonly endpoints: ReadonlyMap<string, OperationEndpoint> })[] {
  const byId = new Map(endpoints.map((endpoint) => [endpoint.operation.id, endpoint]))
  const contracts = new Map<string, ContractInfo>()
  for (const { operation } of endpoints) {
    const { operations = [] } = contracts.get(operation.contract) ?? {}
    contracts.set(operation.contract, { name: operation.contract, operations: [...operations, operation] })
  }
  const services = [...contracts.values()].map((contract) => ({ ...toProtoService(contract), endpoints: byId }))
  requireDistinct(services)
  return services
}

function listenFailed({ host, port, path }: GrpcSettings, cause: unknown): LifecycleError {
  const found = cause instanceof Error ? cause.message : String(cause)
  const isTaken = found.includes('EADDRINUSE')
  const [address, reason, options] =
    path === undefined
      ? [
          `${host.includes(':') ? `[${host}]` : host}:${port}`,
          isTaken ? 'the port is taken' : found,
          'options port or host',
        ]
      : [path, isTaken ? 'somebody listens there, or it is no socket' : found, 'option path']
  const hint = path === undefined ? ' (or TENON_HOST)' : ''
  const message = `the gRPC server cannot listen on ${address}: ${reason}; change the ${options} of grpcTransport${hint}`
  return new LifecycleError([{ code: 'service.listen_failed', message }], cause)
}
