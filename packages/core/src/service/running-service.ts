import { randomUUID } from 'node:crypto'
import { Gate } from '../call/gate.ts'
import { LifecycleError } from '../error/setup-error.ts'
import { Container } from '../handler/container.ts'
import { constructHandler, type HandlerDefinition } from '../handler/handler-definition.ts'
import type { Provider } from '../handler/provider.ts'
import type { Registration } from '../registry/registry.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Address, ServiceIdentity, Transport, TransportServer } from '../transport/transport.ts'
import { AdminServer } from './admin-server.ts'
import { composeEndpoints, type Endpoints } from './assemble.ts'
import type { ConfigSpec, Environment, SettingsOf } from './config.ts'
import { Health } from './health.ts'
import { planService, requireSound } from './plan-service.ts'
import type { ServiceReading } from './read-settings.ts'
import { listenAll, throwErrors, withAll } from './servers.ts'
import type { ServiceOptions, ServiceSettings } from './service-options.ts'
import { type PhaseReport, runPhases, type ShutdownPhase, wait } from './shutdown.ts'

/** Where a service is in its life; the order is the only one. */
export type ServiceState = 'idle' | 'starting' | 'ready' | 'draining' | 'stopped'

export interface StartOptions {
  /** @defaultValue `process.env`, and outside production also `.env` of the working directory */
  readonly environment?: Environment
  /** Providers that replace those of the same token, for tests. */
  readonly overrides?: readonly Provider[]
  /** @defaultValue pino, JSON lines on standard output at the level of the environment variable LOG_LEVEL */
  readonly log?: Logger
}

/** What a service starts with: what was read for it takes the place of the environment. */
export interface StartWith<Config extends ConfigSpec> extends Pick<StartOptions, 'overrides'> {
  readonly reading: Pick<ServiceReading<Config>, 'settings' | 'config'>
  readonly log: Logger
}

/** How a service ended. */
export interface Ended {
  /** 0, or 1 when running work was cut or a phase failed. */
  readonly exitCode: 0 | 1
  readonly phases: readonly PhaseReport[]
}

/** The parts of a service that are already there while it starts. */
interface Parts {
  health: Health | undefined
  admin: AdminServer | undefined
  container: Container | undefined
  servers: readonly TransportServer[]
  registration: Registration | undefined
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
  readonly #stopRequest = new AbortController()
  readonly #ended = Promise.withResolvers<Ended>()
  readonly #parts: Parts = {
    health: undefined,
    admin: undefined,
    container: undefined,
    servers: [],
    registration: undefined,
  }
  readonly #startedAt = Date.now()
  #state: ServiceState = 'idle'
  #hasStarted = false
  #addresses: readonly Address[] = []
  #operationIds: readonly string[] = []
  #hasFailed = false
  /** Answers that transports could not write to their end before the drain's deadline. */
  #cutAnswerCount = 0
  /** What the transports were told last. */
  #readiness: 'ready' | 'not_ready' = 'not_ready'
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

  /** Starts everything in order; what had started is undone in reverse when something fails. */
  start(): Promise<void> {
    this.#state = 'starting'
    this.#starting = this.#startOrUndo()
    return this.#starting
  }

  /** Drains and stops; while the service starts, as soon as it has. A second call waits for the same end. */
  stop(): Promise<Ended> {
    this.#stopRequest.abort()
    this.#stopping ??= this.#starting.then(
      () => this.#shutDown(this.#drainPhases()),
      () => this.#ended.promise,
    )
    return this.#stopping
  }

  async #startOrUndo(): Promise<void> {
    try {
      await this.#startParts()
    } catch (error) {
      this.#hasFailed = true
      // A transport may have let calls in before another part failed.
      await this.#shutDown([{ name: 'cut calls', budgetMs: 100, run: () => this.#cutCalls() }])
      throw error
    }
    this.#log.info(
      { addresses: this.#addresses, durationMs: Date.now() - this.#startedAt },
      `${this.#options.name} is ready`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #startParts(): Promise<void> {
    const plan = planService(this.#options, {
      settings: this.#settings,
      config: this.#config,
      overrides: this.#overrides,
      identity: this.#identity,
    })
    requireSound(plan)
    const { definitions, transports } = plan
    const container = new Container(plan.providers)
    this.#parts.container = container
    const adminAddresses = await this.#startAdmin()
    await container.create()
    const endpoints = this.#composeEndpoints(definitions, container)
    this.#parts.health = new Health(
      container.provided.flatMap(({ name, check }) => (check ? [{ name, run: check }] : [])),
    )
    this.#parts.health.onChange(() => this.#tellReadiness())
    await this.#parts.health.refresh()
    this.#parts.servers = transports.map((transport) => this.#bind(transport, endpoints))
    this.#addresses = [...(await listenAll(this.#parts.servers)), ...adminAddresses]
    this.#becomeReady()
    await this.#register()
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

  #bind(transport: Transport, { operations, events }: Endpoints): TransportServer {
    return transport.bind({
      service: this.#identity,
      operations: operations.filter(({ operation }) => transport.carries(operation)),
      events: transport.carriesEvents === true ? events : [],
      defaultHost: this.#settings.defaultHost,
      log: this.#log.child({ transport: transport.name }),
      fail: (cause) => this.#failTransport(transport.name, cause),
    })
  }

  #failTransport(name: string, cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const error = new LifecycleError(
      [{ code: 'service.transport_failed', message: `transport ${name} cannot go on: ${reason}` }],
      cause,
    )
    this.#log.error({ err: error }, 'a transport failed; the service stops')
    this.#hasFailed = true
    void this.stop()
  }

  async #startAdmin(): Promise<readonly Address[]> {
    const { admin: given = {} } = this.#options
    const options = typeof given === 'function' ? given(this.#config) : given
    if (options === false) return []
    const admin = new AdminServer(
      {
        isLive: () => true,
        isReady: () => this.#isReady,
        hasStarted: () => this.#hasStarted,
        checks: () => this.#parts.health?.results ?? [],
        info: () => this.#info(),
      },
      { host: this.#settings.defaultHost, ...options },
    )
    const address = await admin.listen()
    this.#parts.admin = admin
    return [address]
  }

  #becomeReady(): void {
    this.#state = 'ready'
    this.#hasStarted = true
    this.#tellReadiness()
  }

  get #isReady(): boolean {
    return this.#state === 'ready' && this.#parts.health?.isPassing === true
  }

  /** Transports that tell their callers of it learn the same as the probe. */
  #tellReadiness(): void {
    const readiness = this.#isReady ? 'ready' : 'not_ready'
    if (readiness === this.#readiness) return
    this.#readiness = readiness
    for (const server of this.#parts.servers) server.readinessChanged?.(readiness)
  }

  async #register(): Promise<void> {
    const registrar = this.#options.registry?.(this.#config)
    if (registrar === undefined) return
    const { name, version, instanceId: id } = this.#identity
    const endpoints = this.#addresses.filter(({ protocol }) => protocol !== 'admin')
    const { signal } = this.#stopRequest
    try {
      this.#parts.registration = await registrar.announce({ id, name, version, endpoints }, { signal })
    } catch (error) {
      // Asked to stop while it waited: the service ends as it would have without a registry.
      if (!signal.aborted) throw error
    }
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
    }
  }

  /** The phases of a drain that come before anything is closed. */
  #drainPhases(): readonly ShutdownPhase[] {
    const { shutdownTimeoutMs, deregisterDelayMs } = this.#settings
    const { servers, registration } = this.#parts
    const phases: ShutdownPhase[] = [
      {
        name: 'withdraw',
        budgetMs: 100,
        run: () => withAll(servers, 'transports could not withdraw', (server) => server.withdraw()),
      },
    ]
    if (registration)
      phases.push({
        name: 'deregister',
        budgetMs: shutdownTimeoutMs * deregisterShare,
        run: (signal) => registration.withdraw({ signal }),
      })
    if (deregisterDelayMs > 0)
      phases.push({
        name: 'deregister delay',
        budgetMs: deregisterDelayMs + 1_000,
        run: (signal) => wait(deregisterDelayMs, signal),
      })
    const spentMs = deregisterDelayMs + (registration ? shutdownTimeoutMs * deregisterShare : 0)
    const drainMs = Math.max(0, shutdownTimeoutMs * (1 - closeShare) - spentMs)
    phases.push({ name: 'drain', budgetMs: drainMs, run: (signal) => this.#drain(signal) })
    return phases
  }

  async #drain(signal: AbortSignal): Promise<void> {
    const idle = this.#gate.shut()
    const cutAll = () => this.#gate.cutAll()
    if (signal.aborted) cutAll()
    else signal.addEventListener('abort', cutAll, { once: true })
    try {
      const drained = withAll(this.#parts.servers, 'transports could not drain', async (server) => {
        const cutCount = (await server.drain(signal)) ?? 0
        this.#cutAnswerCount += cutCount
      })
      await Promise.allSettled([drained, idle])
      await drained
    } finally {
      signal.removeEventListener('abort', cutAll)
    }
  }

  async #cutCalls(): Promise<void> {
    const idle = this.#gate.shut()
    this.#gate.cutAll()
    await idle
  }

  async #shutDown(before: readonly ShutdownPhase[]): Promise<Ended> {
    if (this.#state === 'ready') this.#log.info({}, `${this.#options.name} drains`)
    this.#state = 'draining'
    const closeMs = (this.#settings.shutdownTimeoutMs * closeShare) / 3
    const { health, admin, container, servers } = this.#parts
    const phases = await runPhases(
      [
        ...before,
        {
          name: 'close transports',
          budgetMs: closeMs,
          run: () => withAll(servers, 'transports could not close', (server) => server.close()),
        },
        {
          name: 'dispose providers',
          budgetMs: closeMs,
          run: async () => throwErrors((await container?.dispose()) ?? [], 'providers could not be disposed'),
        },
        { name: 'close admin server', budgetMs: closeMs, run: () => admin?.close() },
      ],
      this.#log,
    )
    health?.close()
    this.#state = 'stopped'
    const { cutCount: cutCallCount } = this.#gate
    const cutAnswerCount = this.#cutAnswerCount
    const hasCut = cutCallCount > 0 || cutAnswerCount > 0
    const isClean = !this.#hasFailed && !hasCut && phases.every(({ error }) => error === undefined)
    const ended: Ended = { exitCode: isClean ? 0 : 1, phases }
    this.#log.info({ exitCode: ended.exitCode, cutCallCount, cutAnswerCount }, `${this.#options.name} has stopped`)
    this.#ended.resolve(ended)
    return ended
  }
}

/** Part of the shutdown's time kept back for closing what the drain leaves. A guess: closing is fast when nothing runs. */
const closeShare = 0.2
/** Part of the shutdown's time a registry may take to forget the instance. A guess. */
const deregisterShare = 0.1
