import type { Gate } from '../call/gate.ts'
import type { OverloadControl } from '../call/overload/overload-control.ts'
import { offerLocally } from '../client/local/local-offers.ts'
import { Container } from '../handler/container.ts'
import { constructHandler, type HandlerDefinition } from '../handler/handler-definition.ts'
import type { Provider } from '../handler/provider.ts'
import type { Registrar } from '../registry/registry.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Address, ServiceIdentity, Transport, TransportServer } from '../transport/transport.ts'
import { Background } from './background/background.ts'
import { bindTasks } from './background/bound-tasks.ts'
import { composeEndpoints, composeSchedules, consumeId, scheduleId } from './assemble.ts'
import { carriedBy, type Endpoints } from './carried.ts'
import type { ConfigSpec } from './config/config.ts'
import { adminOf } from './probe/admin-of.ts'
import { AdminServer } from './probe/admin-server.ts'
import type { AdminRoute } from './probe/admin-route.ts'
import { logRoute } from './log/log-route.ts'
import { ServiceLog } from './log/service-log.ts'
import { announcedInstance, isOnLoopback } from './lifecycle/announced-instance.ts'
import { Announcement } from './lifecycle/announcement.ts'
import { type BoundHook, bindHooks } from './lifecycle/bound-hooks.ts'
import { Health } from './health/health.ts'
import { openChecks } from './health/open-checks.ts'
import { runAsOwnWork } from './lifecycle/own-work.ts'
import type { StartPhaseName } from './lifecycle/phase.ts'
import { probeView } from './probe/probe-view.ts'
import { Probes } from './probe/probes.ts'
import type { Readiness } from './health/readiness.ts'
import { compileReason } from './health/reason.ts'
import { runInOrder } from './lifecycle/run-hooks.ts'
import { listenAll, withAll } from './lifecycle/servers.ts'
import type { LiveConfig } from './live/live-config.ts'
import type { Settings } from './live/live-setting.ts'
import type { ServiceParts } from './lifecycle/shutdown-phases.ts'
import { isAnnouncing, planService, requireSound, type ServicePlan } from './plan-service.ts'
import { Schedules } from './schedule/schedules.ts'
import { observeService } from './telemetry/observe-service.ts'
import { delayFor, type ServiceOptions, type ServiceSettings } from './service-options.ts'

/** What of a service is there by now. */
export type GrowingParts = { -readonly [Part in keyof ServiceParts]: ServiceParts[Part] } & {
  addresses: readonly Address[]
  operationIds: readonly string[]
  /** Of the servers, in their order. */
  transportNames: readonly string[]
  /** Clients of other services. */
  clients: readonly unknown[]
  /** How long callers are still served after they were turned away. */
  deregisterDelayMs: number
  /** Ends what the SDK of telemetry looks at. */
  endObserving: () => void
}

/** Before anything has started. */
export const noParts: Readonly<Omit<GrowingParts, 'drain' | 'log'>> = Object.freeze({
  admin: undefined,
  container: undefined,
  health: undefined,
  servers: [],
  announcement: undefined,
  registry: undefined,
  schedules: undefined,
  background: undefined,
  live: undefined,
  telemetry: undefined,
  hooks: [],
  addresses: [],
  operationIds: [],
  transportNames: [],
  clients: [],
  deregisterDelayMs: 0,
  endObserving: () => undefined,
})

/** What a service is started with. */
export interface StartSite<Config extends ConfigSpec> {
  readonly options: ServiceOptions<Config>
  readonly settings: ServiceSettings
  readonly config: Settings<Config>
  readonly live: Pick<LiveConfig<Config>, 'hide'>
  readonly overrides: readonly Provider[]
  /** Whether schedules run at their moments. */
  readonly areSchedulesTimed: boolean
  readonly identity: ServiceIdentity
  readonly log: Logger
  readonly gate: Gate
  /** Undefined for none. */
  readonly overload: OverloadControl | undefined
  /** Fires when the start is given up. */
  readonly stop: AbortSignal
  /** What `/info` tells. */
  info(): object
  readonly readiness: Readiness
  /** Everything is there, and may be told to others. */
  hasStarted(): void
  /** Whether the start goes on; what begins to listen afterwards is closed by who listens. */
  isGoingOn(): boolean
  /** A background task has failed for good. */
  taskFailed(): void
  /** A transport cannot go on. */
  failTransport(name: string, cause: unknown): void
}

/** Runs one phase, and makes sure that the start still goes on. Throws what the phase throws, or why the start ends. */
export type RunStartPhase = <Result>(
  name: StartPhaseName,
  run: (timeoutMs: number) => Result | Promise<Result>,
) => Promise<Result>

/** Puts the parts of a service into its place, phase by phase. */
export class StartUp<Config extends ConfigSpec> {
  readonly #site: StartSite<Config>
  readonly #parts: GrowingParts
  #container: Container | undefined
  /** Transports that are asked to listen and do not yet. */
  readonly #silent = new Set<string>()
  #probes: Probes | undefined
  /** What lines of log may say that they are of. */
  #loggedOperations: ReadonlySet<string> = new Set()

  constructor(site: StartSite<Config>, parts: GrowingParts) {
    this.#site = site
    this.#parts = parts
  }

  /** What the phase that runs waits for. */
  get waitsFor(): readonly string[] {
    return [...(this.#container?.pending ?? []), ...this.#silent]
  }

  /** Every line is a phase; what it leaves behind is in the parts, also when a later one fails. */
  async run(phase: RunStartPhase): Promise<void> {
    const { options, gate, stop, readiness } = this.#site
    const plan = await phase('plan', () => this.#plan())
    const adminAddresses = await phase('open admin server', () => this.#openAdmin())
    const container = this.#keepContainer(plan)
    await phase('create providers', () => container.create(stop))
    this.#parts.clients = plan.providers.order.flatMap(({ token, remote }) =>
      remote ? [container.valueFor(token)] : [],
    )
    this.#parts.endObserving = observeService({ service: options.name, clients: this.#parts.clients })
    const endpoints = await phase('construct handlers', () => this.#composeEndpoints(plan.definitions, container))
    this.#parts.background = this.#background(container)
    const hooks = bindHooks(options, container, gate)
    await this.#runOnStart(hooks, phase)
    await phase('first checks', () => this.#firstChecks(plan, container))
    const addresses = await phase('listen', () => this.#listen(plan.transports, endpoints))
    this.#parts.addresses = [...addresses, ...adminAddresses]
    this.#offer(endpoints)
    if (isAnnouncing(plan.registry)) this.#parts.announcement = this.#announcement(plan.registry)
    this.#parts.hooks = hooks
    this.#site.hasStarted()
    await phase('announce', () => readiness.open())
  }

  #plan(): ServicePlan {
    const { options, settings, config, overrides, identity, log } = this.#site
    const plan = planService(options, { settings, config, overrides, identity, log })
    this.#parts.registry = plan.registry
    requireSound(plan)
    this.#parts.deregisterDelayMs = delayFor(plan, options, settings)
    return plan
  }

  async #openAdmin(): Promise<readonly Address[]> {
    const { options, settings, config, info, readiness } = this.#site
    const asked = adminOf(options, { settings, config })
    const probes = new Probes(probeView(readiness, this.#parts), { token: asked?.token })
    this.#probes = probes
    if (asked === undefined) return []
    const { host, port } = asked
    const admin = new AdminServer({ probes, info, routes: this.#adminRoutes() }, { host, port })
    this.#parts.admin = admin
    return [await admin.listen()]
  }

  /** Levels can be changed of the service's own log only. */
  #adminRoutes(): readonly AdminRoute[] {
    const { log } = this.#site
    const isLogged = (operation: string) => this.#loggedOperations.has(operation)
    const own = log instanceof ServiceLog ? [logRoute(log.control.levels, isLogged)] : []
    return [...own, ...(this.#parts.telemetry?.routes ?? [])]
  }

  #keepContainer({ providers }: ServicePlan): Container {
    const { log, gate } = this.#site
    const container = new Container(providers, {
      around: (work) => runAsOwnWork(gate, work),
      onLateFailure: (message, cause) => log.warn({ err: cause }, `after the start had failed: ${message}`),
    })
    this.#container = container
    this.#parts.container = container
    return container
  }

  #composeEndpoints(definitions: readonly HandlerDefinition[], container: Container): Endpoints {
    const { options, settings, gate, overload, log, areSchedulesTimed: areTimed } = this.#site
    const handlers = definitions.map((definition) => ({
      definition,
      instance: container.construct(definition.name, () => constructHandler(definition)),
    }))
    const surroundings = { options, settings, gate, overload, log }
    const endpoints = composeEndpoints(handlers, surroundings)
    const schedules = composeSchedules(handlers, surroundings)
    this.#parts.schedules = new Schedules(schedules, { service: options.name, log, areTimed })
    this.#parts.operationIds = endpoints.operations.map(({ operation }) => operation.id)
    this.#loggedOperations = new Set([
      ...this.#parts.operationIds,
      ...endpoints.events.map(({ event }) => consumeId(event)),
      ...schedules.map(({ name }) => scheduleId(name)),
    ])
    return endpoints
  }

  #background(container: Container): Background {
    const { options, live, gate, log, taskFailed: onFailed } = this.#site
    const toReason = compileReason((text) => live.hide(text))
    const tasks = bindTasks(options.background ?? [], container, gate)
    return new Background(tasks, { service: options.name, log, toReason, onFailed })
  }

  /** What they begin is undone by `onStop`, also when they fail. */
  async #runOnStart(hooks: readonly BoundHook[], phase: RunStartPhase): Promise<void> {
    const { stop: signal, log } = this.#site
    const onStart = hooks.filter(({ point }) => point === 'onStart')
    this.#parts.hooks = hooks.filter(({ point }) => point === 'onStop')
    if (onStart.length === 0) return
    // What is kept back lets the hook be named that hangs, and not only its phase.
    await phase('onStart', (leftMs) => runInOrder(onStart, { timeoutMs: leftMs * hookShare, signal, log }))
  }

  /** A start that is given up does not wait for a check that hangs. */
  async #firstChecks(plan: ServicePlan, container: Container): Promise<void> {
    const { stop } = this.#site
    const health = this.#startHealth(plan, container)
    const close = () => health.close()
    stop.addEventListener('abort', close, { once: true })
    try {
      await health.refresh()
    } finally {
      stop.removeEventListener('abort', close)
    }
  }

  #startHealth(plan: ServicePlan, container: Container): Health {
    const { live, log } = this.#site
    const health = new Health(openChecks(plan, container), { log, hide: (text) => live.hide(text) })
    health.onChange(() => this.#site.readiness.healthChanged())
    this.#parts.health = health
    return health
  }

  async #listen(transports: readonly Transport[], endpoints: Endpoints): Promise<readonly Address[]> {
    this.#parts.transportNames = transports.map(({ name }) => name)
    const servers = transports.map((transport) => this.#bind(transport, endpoints))
    this.#parts.servers = servers
    try {
      return await listenAll(servers.map((server, index) => this.#watched(server, transports[index]?.name ?? '')))
    } finally {
      // It was given up meanwhile: nobody else would close what listens only now.
      if (!this.#site.isGoingOn()) await withAll(servers, 'transports could not close', (server) => server.close())
    }
  }

  #offer({ operations }: Endpoints): void {
    const { identity: of, stop: leaving, gate, log } = this.#site
    offerLocally(operations, { of, leaving, draining: gate.draining, log })
  }

  #watched(server: TransportServer, name: string): Pick<TransportServer, 'listen'> {
    return {
      listen: async () => {
        this.#silent.add(name)
        const addresses = await server.listen()
        this.#silent.delete(name)
        return addresses
      },
    }
  }

  #bind(transport: Transport, endpoints: Endpoints): TransportServer {
    const { identity, settings, log, readiness, failTransport } = this.#site
    const probes = this.#probes
    return transport.bind({
      service: identity,
      ...carriedBy(transport, endpoints),
      defaultHost: settings.defaultHost,
      deregisterDelayMs: this.#parts.deregisterDelayMs,
      isDevelopment: settings.isDevelopment,
      log: log.child({ transport: transport.name }),
      fail: (cause) => failTransport(transport.name, cause),
      healthChanged: () => readiness.healthChanged(),
      ...(probes && { answerProbe: (name, request) => probes.answer(name, request, 'callers') }),
    })
  }

  #announcement(registrar: Registrar): Announcement {
    const { identity, settings, stop, log } = this.#site
    const instance = announcedInstance({ identity, settings: settings.instance, addresses: this.#parts.addresses })
    if (!settings.isDevelopment && isOnLoopback(instance))
      log.warn(
        { endpoints: instance.endpoints },
        'the service is announced at a loopback address, where only this machine reaches it: set TENON_HOST or TENON_ADVERTISED_HOST',
      )
    return new Announcement({ registrar, instance, stop, log })
  }
}

/** Part of the time left that hooks may take. A guess. */
export const hookShare = 0.95
