import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js'
import { type ContractInfo } from '@tenon/core/contract'
import {
  type Address,
  ContractError,
  LifecycleError,
  type OperationEndpoint,
  type SetupProblem,
  type Transport,
  type TransportHost,
  type TransportServer,
} from '@tenon/core/transport'
import { type GrpcOptions, type GrpcSettings, resolveGrpcOptions } from './grpc-options.ts'
import { HealthService } from './health-service.ts'
import { type MethodSurroundings, mountStream, mountUnary } from './mount-method.ts'
import { OpenCalls } from './open-calls.ts'
import { type ServiceShape, toServiceShape } from './proto/message-shape.ts'
import { mountReflection } from './reflection-service.ts'
import { toServiceDefinition } from './service-definition.ts'

/**
 * Serves every operation over gRPC, unless its contract says `grpc: false`, with health v1 and server reflection.
 *
 * @throws ConfigError `config.out_of_range`, `config.malformed`
 */
export function grpcTransport(options: GrpcOptions = {}): Transport {
  const settings = resolveGrpcOptions(options)
  return Object.freeze({
    name: 'grpc',
    carries: ({ grpc }) => grpc,
    bind: (host) => new GrpcServer(settings, host),
  } satisfies Transport)
}

/** How long connections may take to close by themselves once nothing runs. A guess. */
const closeMs = 500

class GrpcServer implements TransportServer {
  readonly #settings: GrpcSettings
  readonly #server: Server
  readonly #health: HealthService
  readonly #calls = new OpenCalls()
  #address: string | undefined
  #closed: Promise<void> | undefined

  constructor(settings: GrpcSettings, { operations, service, log }: TransportHost) {
    this.#settings = settings
    const services = toServices(operations)
    this.#server = new Server({
      'grpc.max_receive_message_length': settings.maxMessageBytes,
      'grpc.max_send_message_length': -1,
      // Two processes on one port would share its connections without anybody having asked for it.
      'grpc.so_reuseport': 0,
      // Nothing reads channelz, and its counters are kept up in every call. Without it forceShutdown() cuts no connection; drain() does.
      'grpc.enable_channelz': 0,
    })
    for (const one of services) mountService(this.#server, one, { calls: this.#calls, domain: service.name, log })
    this.#health = new HealthService(services.map(({ fullName }) => fullName))
    this.#health.mount(this.#server)
    if (settings.hasReflection) mountReflection(this.#server, services)
  }

  async listen(): Promise<readonly Address[]> {
    const { host, port } = this.#settings
    const hostPart = host.includes(':') ? `[${host}]` : host
    const address = `${hostPart}:${port}`
    const bound = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, found) =>
        error ? reject(listenFailed(address, error)) : resolve(found),
      )
    })
    this.#address = `${hostPart}:${bound}`
    return [{ protocol: 'grpc', host, port: bound }]
  }

  withdraw(): void {
    this.#health.withdraw()
  }

  readinessChanged(readiness: 'ready' | 'not_ready'): void {
    this.#health.readinessChanged(readiness)
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.withdraw()
    const cut = () => this.#calls.cut()
    if (signal.aborted) cut()
    else signal.addEventListener('abort', cut, { once: true })
    try {
      await this.#calls.emptied()
    } finally {
      signal.removeEventListener('abort', cut)
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#shut()
    return this.#closed
  }

  /** grpc-js waits for streams and connections of its own accord, for ever; what is left after a moment is cut. */
  async #shut(): Promise<void> {
    this.#calls.cut()
    this.#health.close()
    if (this.#address !== undefined) this.#server.drain(this.#address, closeMs)
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()))
  }
}

function mountService(
  server: Server,
  shape: ServiceShape & { readonly endpoints: ReadonlyMap<string, OperationEndpoint> },
  surroundings: MethodSurroundings,
): void {
  const handlers: UntypedServiceImplementation = {}
  for (const method of shape.methods) {
    const endpoint = shape.endpoints.get(method.operation.id)
    if (endpoint === undefined) continue
    handlers[method.name] =
      method.operation.kind === 'unary'
        ? mountUnary(endpoint, method, surroundings)
        : mountStream(endpoint, method, surroundings)
  }
  server.addService(toServiceDefinition(shape), handlers)
}

/** The operations of each contract, as services. */
function toServices(
  endpoints: readonly OperationEndpoint[],
): readonly (ServiceShape & { readonly endpoints: ReadonlyMap<string, OperationEndpoint> })[] {
  const byId = new Map(endpoints.map((endpoint) => [endpoint.operation.id, endpoint]))
  const contracts = new Map<string, ContractInfo>()
  for (const { operation } of endpoints) {
    const { operations = [] } = contracts.get(operation.contract) ?? {}
    contracts.set(operation.contract, { name: operation.contract, operations: [...operations, operation] })
  }
  const services = [...contracts.values()].map((contract) => ({ ...toServiceShape(contract), endpoints: byId }))
  requireDistinct(services)
  return services
}

/** A package has every message once, also where two of its contracts have operations of one name. */
function requireDistinct(services: readonly ServiceShape[]): void {
  const owners = new Map<string, string>(services.map(({ fullName }) => [fullName, fullName]))
  const problems: SetupProblem[] = []
  for (const { operation, request, response } of services.flatMap(({ methods }) => methods)) {
    for (const { fullName } of [request, response]) {
      const owner = owners.get(fullName)
      if (owner !== undefined) problems.push(declaredTwice(operation.id, fullName, owner))
      owners.set(fullName, operation.id)
    }
  }
  if (problems.length > 0) throw new ContractError(problems)
}

function declaredTwice(id: string, fullName: string, owner: string): SetupProblem {
  const message = `operation ${id} and ${owner} would both declare the protobuf name ${fullName}; rename one of them, give their contracts different packages, or grpc: false`
  return { code: 'contract.name', message }
}

function listenFailed(address: string, cause: Error): LifecycleError {
  const reason = /EADDRINUSE|in use/.test(cause.message) ? 'the port is taken' : cause.message
  const message = `the gRPC server cannot listen on ${address}: ${reason}; change the options port or host of grpcTransport (or TENON_HOST)`
  return new LifecycleError([{ code: 'service.listen_failed', message }], cause)
}
