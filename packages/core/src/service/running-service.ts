import { randomUUID } from 'node:crypto'
import { Gate } from '../call/gate.ts'
import { LifecycleError } from '../error/setup-error.ts'
import { Container } from '../handler/container.ts'
import { constructHandler, type HandlerDefinition } from '../handler/handler-definition.ts'
import type { Provider } from '../handler/provider.ts'
import type { Registrar } from '../registry/registry.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Address, ServiceIdentity, Transport, TransportServer } from '../transport/transport.ts'
import { AdminServer } from './lifecycle/admin-server.ts'
import { Announcement } from './lifecycle/announcement.ts'
import { composeEndpoints } from './assemble.ts'
import { carriedBy, type Endpoints } from './carried.ts'
import type { ConfigSpec, SettingsOf } from './config/config.ts'
import { Drain } from './lifecycle/drain.ts'
import { Health } from './lifecycle/health.ts'
import { planService, requireSound } from './plan-service.ts'
import type { ServiceReading } from './read-settings.ts'
import { Readiness } from './lifecycle/readiness.ts'
import { infosOf, listenAll, withAll } from './lifecycle/servers.ts'
import { areAllLive, conditionsOf } from './lifecycle/transport-condition.ts'
import type { ServiceOptions, ServiceSettings } from './service-options.ts'
import { type PhaseReport, runPhases } from './lifecycle/shutdown.ts'
import { type ServiceParts, type Shutdown, shutdownPhases, type StopOptions } from './lifecycle/shutdown-phases.ts'
import type { StartOptions } from './start-options.ts'
import { StopRequest } from './lifecycle/stop-request.ts'

/** Where a service is in its life; the order is the only one. */
export type ServiceState = 'idle' | 'starting' | 'ready' | 'draining' | 'stopped'

/** What a service starts with: what was read for it takes the place of the environment. */
export interface StartWith<Config extends ConfigSpec> extends Pick<StartOptions, 'overrides'> {
  readonly reading: Pick<ServiceReading<Config>, 'settings' | 'config'>
  readonly log: Logger
}

/** How a service ended. */
export interface Ended {
  /** 0, or 1 when the start or a phase failed, or running work was cut. */
  readonly exitCode: 0 | 1
  readonly phases: readonly PhaseReport[]
}

/** One start of a service, from its settings to its end. */
export class RunningService<Config extends ConfigSpec> implements AsyncDisposable {
  readonly #options: ServiceOptions<Config>
  readonly #settings: ServiceSettings
  readonly #config: SettingsOf<Config>
  readonly #overrides: readonly Provider[]
  readonly #log: Logger
  readonly #identity: ServiceIdentity
  readonly #gate = new Gate()
  readonly #stopRequest: StopRequest
  readonly #ended = Promise.withResolvers<Ended>()
  /** What is already there, while it starts. */
  readonly #parts: { -readonly [Part in keyof ServiceParts]: ServiceParts[Part] }
  readonly #readiness: Readiness
  readonly #startedAt = Date.now()
  #state: ServiceState = 'idle'
  #addresses: readonly Address[] = []
  #operationIds: readonly string[] = []
  /** Of the servers, in their order. */
  #transportNames: readonly string[] = []
  #hasFailed = false
  #starting: Promise<void> = Promise.resolve()
  #stopping: Promise<Ended> | undefined

  constructor(options: ServiceOptions<Config>, start: StartWith<Config>) {
    this.#options = options
    this.#settings = start.reading.settings
    this.#config = start.reading.config
    this.#overrides = start.overrides ?? []
    this.#identity = Object.freeze({
      name: options.name,
      version: options.version,
      instanceId: `${options.name}-${randomUUID()}`,
    })
    this.#log = start.log
    this.#stopRequest = new StopRequest(options.name, this.#settings.shutdownTimeoutMs)
    this.#parts = {
      drain: new Drain(this.#gate),
      admin: undefined,
      container: undefined,
      health: undefined,
      servers: [],
      announcement: undefined,
    }
    const { signal: stop } = this.#stopRequest
    this.#readiness = new Readiness({ parts: this.#parts, stop, log: this.#log, onFirst: () => this.#logReady() })
  }

  get state(): ServiceState {
    return this.#state
  }

  /** Where each transport, and the admin server under the protocol `admin`, can be reached. */
  get addresses(): readonly Address[] {
    return this.#addresses
  }

  /** Resolves when the service has stopped. Never rejects. */
  get ended(): Promise<Ended> {
    return this.#ended.promise
  }

  /** Starts everything in order; what had started is undone in reverse when something fails, or a stop is asked for. */
  start(): Promise<void> {
    this.#state = 'starting'
    this.#starting = this.#startOrUndo()
    return this.#starting
  }

  /**
   * Drains and stops. While the service starts, the part that is being started is the last one; what does not end in time is
   * given up. A second call waits for the same end.
   */
  stop(options: StopOptions = {}): Promise<Ended> {
    this.#stopRequest.make()
    this.#stopping ??= this.#starting.then(
      () => this.#shutDown({ ...options, kind: 'announced' }),
      () => this.#ended.promise,
    )
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #startOrUndo(): Promise<void> {
    try {
      await this.#startParts()
    } catch (error) {
      const isStopped = !this.#hasFailed && error === this.#stopRequest.signal.reason
      this.#hasFailed ||= !isStopped
      const reason = error instanceof Error ? error.message : String(error)
      this.#log.warn({ reason }, `${this.#options.name} does not start; what had started is undone`)
      // A transport may have let calls in before another part failed.
      await this.#shutDown({ kind: isStopped ? 'unannounced' : 'failed' })
      throw error
    } finally {
      this.#stopRequest.close()
    }
  }

  async #startParts(): Promise<void> {
    const { signal } = this.#stopRequest
    const plan = planService(this.#options, {
      settings: this.#settings,
      config: this.#config,
      overrides: this.#overrides,
      identity: this.#identity,
    })
    requireSound(plan)
    const registrar = this.#options.registry?.(this.#config)
    const { definitions, transports } = plan
    const container = new Container(plan.providers, {
      onLateFailure: (message, cause) => this.#log.warn({ err: cause }, `after the start had failed: ${message}`),
    })
    this.#parts.container = container
    const adminAddresses = await this.#stopRequest.letEnd('the admin server', this.#startAdmin())
    await this.#stopRequest.letEnd('creating providers', container.create(signal))
    const endpoints = this.#composeEndpoints(definitions, container)
    await this.#stopRequest.letEnd('the first checks', this.#startHealth(container).refresh())
    this.#transportNames = transports.map(({ name }) => name)
    this.#parts.servers = transports.map((transport) => this.#bind(transport, endpoints))
    const addresses = await this.#stopRequest.letEnd('transports', this.#listen())
    this.#addresses = [...addresses, ...adminAddresses]
    if (registrar) this.#parts.announcement = this.#announcement(registrar)
    this.#state = 'ready'
    await this.#readiness.open()
  }

  #composeEndpoints(definitions: readonly HandlerDefinition[], container: Container): Endpoints {
    const handlers = definitions.map((definition) => ({
      definition,
      instance: container.construct(definition.name, () => constructHandler(definition)),
    }))
    const endpoints = composeEndpoints(handlers, {
      options: this.#options,
      settings: this.#settings,
      gate: this.#gate,
      log: this.#log,
    })
    this.#operationIds = endpoints.operations.map(({ operation }) => operation.id)
    return endpoints
  }

  #startHealth({ provided }: Container): Health {
    const health = new Health(provided.flatMap(({ name, check }) => (check ? [{ name, run: check }] : [])))
    health.onChange(() => this.#readiness.healthChanged())
    this.#parts.health = health
    return health
  }

  #bind(transport: Transport, endpoints: Endpoints): TransportServer {
    return transport.bind({
      service: this.#identity,
      ...carriedBy(transport, endpoints),
      defaultHost: this.#settings.defaultHost,
      isDevelopment: this.#settings.isDevelopment,
      log: this.#log.child({ transport: transport.name }),
      fail: (cause) => this.#failTransport(transport.name, cause),
      healthChanged: () => this.#readiness.healthChanged(),
    })
  }

  async #listen(): Promise<readonly Address[]> {
    const { servers } = this.#parts
    try {
      return await listenAll(servers)
    } finally {
      // It was given up meanwhile: nobody else would close what listens only now.
      if (this.#state !== 'starting') await withAll(servers, 'transports could not close', (server) => server.close())
    }
  }

  #failTransport(name: string, cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const error = new LifecycleError(
      [{ code: 'service.transport_failed', message: `transport ${name} cannot go on: ${reason}` }],
      cause,
    )
    this.#log.error({ err: error }, 'a transport failed; the service stops')
    this.#hasFailed = true
    this.#stopRequest.make(error)
    void this.stop()
  }

  async #startAdmin(): Promise<readonly Address[]> {
    const { admin: given = {} } = this.#options
    const options = typeof given === 'function' ? given(this.#config) : given
    if (options === false) return []
    const admin = new AdminServer(
      {
        isLive: () => areAllLive(this.#parts.servers),
        isReady: () => this.#readiness.isReady,
        hasStarted: () => this.#readiness.isOpen,
        checks: () => this.#parts.health?.results ?? [],
        transports: () => conditionsOf(this.#parts.servers, this.#transportNames),
        info: () => this.#info(),
      },
      { host: this.#settings.defaultHost, ...options },
    )
    this.#parts.admin = admin
    return [await admin.listen()]
  }

  #announcement(registrar: Registrar): Announcement {
    const { name, version, instanceId: id } = this.#identity
    const endpoints = this.#addresses.filter(({ protocol }) => protocol !== 'admin')
    const instance = { id, name, version, endpoints }
    const { signal: stop } = this.#stopRequest
    return new Announcement({ registrar, instance, stop, log: this.#log })
  }

  #logReady(): void {
    this.#log.info(
      { addresses: this.#addresses, durationMs: Date.now() - this.#startedAt },
      `${this.#options.name} is ready`,
    )
  }

  #info(): object {
    return {
      ...this.#identity,
      state: this.#state,
      startedAt: new Date(this.#startedAt).toISOString(),
      node: process.version,
      addresses: this.#addresses,
      operations: this.#operationIds,
      runningCallCount: this.#gate.runningCount,
      abandonedCallCount: this.#gate.abandonedCount,
      transports: infosOf(this.#parts.servers, this.#transportNames),
    }
  }

  async #shutDown(shutdown: Shutdown): Promise<Ended> {
    if (this.#state === 'ready') this.#log.info({}, `${this.#options.name} drains`)
    this.#state = 'draining'
    const phases = await runPhases(shutdownPhases(this.#parts, shutdown, this.#settings), {
      endsAtMs: this.#stopRequest.endsAtMs,
      log: this.#log,
    })
    this.#state = 'stopped'
    const { cutCallCount, cutAnswerCount } = this.#parts.drain
    const hasCut = cutCallCount > 0 || cutAnswerCount > 0
    const isClean = !this.#hasFailed && !hasCut && phases.every(({ error }) => error === undefined)
    const ended: Ended = { exitCode: isClean ? 0 : 1, phases }
    this.#log.info({ exitCode: ended.exitCode, cutCallCount, cutAnswerCount }, `${this.#options.name} has stopped`)
    this.#ended.resolve(ended)
    return ended
  }
}
