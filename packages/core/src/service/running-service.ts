import { Gate } from '../call/gate.ts'
import { remoteStatesOf } from '../client/remote-state.ts'
import { OverloadControl } from '../call/overload/overload-control.ts'
import { ServiceError } from '../error/service-error.ts'
import { LifecycleError } from '../error/setup-error.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Address, ServiceIdentity } from '../transport/transport.ts'
import type { ConfigSpec, Environment } from './config/config.ts'
import { ServiceLog } from './log/service-log.ts'
import { Drain } from './lifecycle/drain.ts'
import { decisiveStopPhases, type PhaseReport, type StartPhaseName } from './lifecycle/phase.ts'
import { isOwnWork } from './lifecycle/own-work.ts'
import { type Phase, PhaseJournal } from './lifecycle/phase-journal.ts'
import { Readiness } from './health/readiness.ts'
import { infosOf } from './lifecycle/servers.ts'
import { ReadyHooks } from './lifecycle/ready-hooks.ts'
import { runPhases, untilFired } from './lifecycle/shutdown.ts'
import { type Shutdown, shutdownPhases, type StopOptions } from './lifecycle/shutdown-phases.ts'
import { StopRequest } from './lifecycle/stop-request.ts'
import type { FollowSite, LiveConfig } from './live/live-config.ts'
import type { Settings } from './live/live-setting.ts'
import type { ServiceReading } from './read-settings.ts'
import type { ServiceOptions, ServiceSettings } from './service-options.ts'
import type { GivenSettings, StartOptions } from './start-options.ts'
import { type GrowingParts, hookShare, noParts, StartUp } from './start-up.ts'

/** Where a service is in its life; the order is the only one. */
export type ServiceState = 'idle' | 'starting' | 'ready' | 'draining' | 'stopped'

/** What a service starts with: what was read for it takes the place of the environment. */
export interface StartWith<Config extends ConfigSpec> extends Pick<StartOptions, 'overrides' | 'schedules'> {
  readonly reading: Pick<ServiceReading<Config>, 'settings' | 'live' | 'environment'>
  readonly log: Logger
  /** When the reading began, on the clock of `performance.now()`. @defaultValue now */
  readonly startedAtMs?: number
}

/** How a service ended. */
export interface Ended {
  /** 0, or 1 when the start or a phase failed, or running work was cut. */
  readonly exitCode: 0 | 1
  readonly phases: readonly PhaseReport[]
}

/** One start of a service, from its settings to its end. */
export class RunningService<Config extends ConfigSpec> implements AsyncDisposable {
  readonly #name: string
  readonly #settings: ServiceSettings
  readonly #log: Logger
  readonly #identity: ServiceIdentity
  readonly #gate = new Gate()
  readonly #overload: OverloadControl | undefined
  readonly #stopRequest: StopRequest
  readonly #journal: PhaseJournal
  readonly #ended = Promise.withResolvers<Ended>()
  /** What is already there, while it starts. */
  readonly #parts: GrowingParts
  readonly #readiness: Readiness
  readonly #live: LiveConfig<Config>
  readonly #newStartUp: (config: Settings<Config>) => StartUp<Config>
  #startUp: StartUp<Config> | undefined
  readonly #startedAtMs: number
  readonly #environment: Environment
  readonly #newTelemetry: ServiceOptions<Config>['telemetry']
  #state: ServiceState = 'idle'
  #hasFailed = false
  #isTelling = false
  #starting: Promise<void> = Promise.resolve()
  #hasStarted = false
  readonly #readyHooks = new ReadyHooks()
  readonly #ready = Promise.withResolvers<void>()
  /** The hooks of a service that became ready. */
  #readying: Promise<void> = Promise.resolve()
  #stopping: Promise<Ended> | undefined

  constructor(
    options: ServiceOptions<Config>,
    { reading, overrides = [], schedules = true, log, startedAtMs }: StartWith<Config>,
  ) {
    const { name, version, telemetry } = options
    const { settings, live, environment } = reading
    this.#environment = environment
    this.#newTelemetry = telemetry
    this.#name = name
    this.#settings = settings
    this.#log = log
    this.#startedAtMs = startedAtMs ?? performance.now()
    this.#identity = Object.freeze({ name, version, instanceId: settings.instance.id })
    this.#stopRequest = new StopRequest(name, settings.shutdownTimeoutMs)
    this.#journal = new PhaseJournal({ service: name, log, hide: (text) => live.hide(text) })
    this.#live = live
    this.#parts = { ...noParts, log, live, drain: new Drain(this.#gate) }
    this.#overload = this.#overloadControl()
    const { signal: stop } = this.#stopRequest
    this.#readiness = new Readiness({ parts: this.#parts, stop, log, onFirst: () => this.#becomeReady() })
    this.#newStartUp = (config) =>
      new StartUp(
        {
          options,
          settings,
          config,
          live,
          overrides,
          areSchedulesTimed: schedules,
          log,
          stop,
          identity: this.#identity,
          gate: this.#gate,
          overload: this.#overload,
          readiness: this.#readiness,
          info: () => this.#info(),
          hasStarted: () => void (this.#state = 'ready'),
          isGoingOn: () => this.#state === 'starting',
          taskFailed: () => void (this.#hasFailed = true),
          failTransport: (transport, cause) => this.#failTransport(transport, cause),
        },
        this.#parts,
      )
  }

  get state(): ServiceState {
    return this.#state
  }

  /** Where each transport, and the admin server under the protocol `admin`, can be reached. */
  get addresses(): readonly Address[] {
    return this.#parts.addresses
  }

  /** Resolves when the service is ready for the first time and the hooks of that have run; not when it ends before. Never rejects. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  /** Whether its telemetry still sends what it has, though the service has stopped. */
  get isTelling(): boolean {
    return this.#isTelling
  }

  /** Resolves when the service has stopped. Never rejects. */
  get ended(): Promise<Ended> {
    return this.#ended.promise
  }

  /** Starts everything in order; what had started is undone in reverse when something fails, or a stop is asked for. */
  start(): Promise<void> {
    this.#state = 'starting'
    // Only then, so that who asks for a stop in its first phases finds a start to wait for.
    this.#starting = Promise.resolve().then(() => this.#startOrUndo())
    return this.#starting
  }

  /** Whether the code that runs is work that the end of this service waits for. */
  get isOwnWork(): boolean {
    return isOwnWork(this.#gate)
  }

  /**
   * Drains and stops. While the service starts, the part that is being started is the last one; what does not end in time is
   * given up. A second call waits for the same end.
   */
  end(options: StopOptions = {}): Promise<Ended> {
    this.#stopRequest.make()
    this.#stopping ??= this.#starting.then(
      () => this.#shutDown({ ...options, kind: 'announced' }),
      () => this.#ended.promise,
    )
    return this.#stopping
  }

  /** As `end`. Rejects in work of the service itself, which would wait for its own end; the service stops all the same. */
  stop(): Promise<Ended> {
    const ended = this.end()
    if (!this.isOwnWork) return ended
    const message = `a call, a hook or a provider of service ${this.#name} waits for the end of the service, which waits for that work: ask for it without waiting, or with stop() of what defineService() gave`
    const refused = Promise.reject(new LifecycleError([{ code: 'service.state', message }]))
    // Nobody need look at it.
    refused.catch(() => undefined)
    return refused
  }

  /** Runs a schedule once, now. */
  async runSchedule(name: string): Promise<void> {
    const { schedules } = this.#parts
    if (schedules === undefined) throw new ServiceError('unavailable', `service ${this.#name} is ${this.#state}`)
    const outcome = await schedules.run(name)
    if (!outcome.ok) throw outcome.error
  }

  /** Changes values of settings that count before any variable. */
  changeSettings(settings: GivenSettings<Config>): void {
    this.#live.give(settings)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #startOrUndo(): Promise<void> {
    const overdue = setTimeout(() => this.#giveUpStart(), this.#startLeftMs())
    try {
      const site = { service: this.#name, log: this.#log }
      const hasSources = this.#live.sources.length > 0
      const config = hasSources ? await this.#openSources(site) : this.#beginSettings(site)
      await this.#startTelemetry(config)
      this.#startUp = this.#newStartUp(config)
      await this.#startUp.run((name, run) => this.#runPhase(name, run))
      await this.#becameReady()
      this.#hasStarted = true
    } catch (error) {
      clearTimeout(overdue)
      await this.#undo(error)
      throw error
    } finally {
      clearTimeout(overdue)
      this.#stopRequest.close()
    }
  }

  /** What sources say; all else was read before the start. */
  #openSources(site: FollowSite): Promise<Settings<Config>> {
    const { signal } = this.#stopRequest
    const { configTimeoutMs } = this.#settings
    return this.#runPhase('read settings', (leftMs) =>
      this.#live.open(site, { signal, timeoutMs: Math.min(configTimeoutMs, leftMs) }),
    )
  }

  #beginSettings(site: FollowSite): Settings<Config> {
    this.#journal.note(this.#startPhase('read settings'), this.#startedAtMs)
    return this.#live.begin(site)
  }

  /** Before anything else, so that the rest of the start is told of too. */
  async #startTelemetry(config: Settings<Config>): Promise<void> {
    const telemetry = this.#newTelemetry?.(config)
    if (telemetry === undefined) return
    const site = { service: this.#identity, environment: this.#environment, log: this.#log }
    await this.#runPhase('start telemetry', async () => {
      const running = await telemetry.start(site)
      this.#parts.telemetry = running
      // It was given up meanwhile.
      if (this.#state === 'stopped') return running.stop()
      if (this.#log instanceof ServiceLog) this.#log.control.output.listener = (line) => running.writeLine?.(line)
    })
  }

  /** The hooks of a service that is ready by now have run, but a stop need not wait for them before it turns away. */
  async #becameReady(): Promise<void> {
    const { signal } = this.#stopRequest
    await Promise.race([this.#readying, untilFired(signal)])
    // A task that has failed for good by now is left to probes.
    if (this.#hasFailed) signal.throwIfAborted()
  }

  async #undo(error: unknown): Promise<void> {
    const isStopped = !this.#hasFailed && error === this.#stopRequest.signal.reason
    this.#hasFailed ||= !isStopped
    // Nobody is to find it ready any more.
    this.#stopRequest.make(toError(error))
    this.#log.warn({}, `${this.#name} does not start; what had started is undone`)
    // What was told to others, by a probe or a registry, ends as it does later. Before that, a transport may have let calls in.
    const kind = this.#readiness.hasBeenReady ? 'announced' : isStopped ? 'unannounced' : 'failed'
    await this.#shutDown({ kind })
  }

  /** After a stop was asked for, no further phase is begun; what is announced by then is left to the stop. */
  async #runPhase<Result>(name: StartPhaseName, run: (timeoutMs: number) => Result | Promise<Result>): Promise<Result> {
    const phase = this.#startPhase(name)
    const work = () => run(phase.budgetMs)
    if (this.#state === 'ready') return this.#journal.run(phase, work)
    const result = await this.#journal.run(phase, () => this.#stopRequest.letEnd(name, work))
    this.#stopRequest.signal.throwIfAborted()
    return result
  }

  #startPhase(name: StartPhaseName): Phase {
    return { stage: 'start', name, budgetMs: this.#startLeftMs() }
  }

  #startLeftMs(): number {
    return Math.max(0, this.#startedAtMs + this.#settings.startTimeoutMs - performance.now())
  }

  #giveUpStart(): void {
    const running = this.#journal.states.findLast(({ state }) => state === 'running')
    const waitsFor = this.#startUp?.waitsFor ?? this.#live.pending
    const who = waitsFor.length > 0 ? `: it waits for ${waitsFor.join(', ')}` : ''
    const message = `service ${this.#name} did not start within startTimeoutMs (${this.#settings.startTimeoutMs}), "${running?.name}" has not ended${who}`
    this.#hasFailed = true
    this.#stopRequest.giveUp(new LifecycleError([{ code: 'service.phase_timed_out', message }]))
  }

  /** Hooks that fail end the start; later, they end the service. */
  #becomeReady(): void {
    const durationMs = Math.round(performance.now() - this.#startedAtMs)
    this.#log.info({ addresses: this.addresses, durationMs }, `${this.#name} is ready`)
    this.#parts.schedules?.begin()
    this.#parts.background?.begin()
    this.#readying = this.#runOnReady()
    const { signal } = this.#stopRequest
    this.#readying.then(
      () => {
        if (!signal.aborted) this.#ready.resolve()
      },
      (error: unknown) => {
        // A stop that gave it up has told so; a start that waits for it throws it.
        if (this.#state === 'stopped' || !(this.#hasStarted || signal.aborted)) return
        this.#fail(error, 'a hook failed; the service stops')
      },
    )
  }

  async #runOnReady(): Promise<void> {
    const { signal } = this.#stopRequest
    const hooks = this.#parts.hooks.filter(({ point }) => point === 'onReady')
    if (hooks.length === 0) return
    const timeoutMs = hookShare * (this.#hasStarted ? this.#settings.startTimeoutMs : this.#startLeftMs())
    const phase: Phase = { stage: 'start', name: 'onReady', budgetMs: timeoutMs }
    await this.#journal.run(phase, () => this.#readyHooks.run(hooks, { timeoutMs, signal, log: this.#log }))
  }

  #failTransport(name: string, cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const error = new LifecycleError(
      [{ code: 'service.transport_failed', message: `transport ${name} cannot go on: ${reason}` }],
      cause,
    )
    this.#fail(error, 'a transport failed; the service stops')
  }

  #fail(error: unknown, message: string): void {
    this.#log.error({ err: error }, message)
    this.#hasFailed = true
    this.#stopRequest.make(toError(error))
    void this.end()
  }

  #info(): object {
    const { addresses, operationIds, servers, transportNames, clients, schedules, background } = this.#parts
    return {
      ...this.#identity,
      state: this.#state,
      readiness: this.#readiness.isReady ? 'ready' : 'not_ready',
      startedAt: new Date(performance.timeOrigin + this.#startedAtMs).toISOString(),
      node: process.version,
      addresses,
      operations: operationIds,
      schedules: schedules?.states ?? [],
      tasks: background?.states ?? [],
      phases: this.#journal.states,
      runningCallCount: this.#gate.runningCount,
      abandonedCallCount: this.#gate.abandonedCount,
      overload: this.#overload?.info,
      transports: infosOf(servers, transportNames),
      config: this.#live.state,
      remotes: remoteStatesOf(clients),
    }
  }

  #overloadControl(): OverloadControl | undefined {
    const { overload: settings } = this.#settings
    if (settings === undefined) return undefined
    return new OverloadControl({
      service: this.#name,
      settings,
      log: this.#log,
      draining: this.#gate.draining,
      pressureChanged: (pressure) => {
        for (const server of this.#parts.servers) server.pressureChanged?.(pressure)
      },
    })
  }

  async #shutDown(shutdown: Shutdown): Promise<Ended> {
    if (this.#state === 'ready') this.#log.info({}, `${this.#name} drains`)
    this.#state = 'draining'
    const { running: readying } = this.#readyHooks
    const timing = { ...this.#settings, deregisterDelayMs: this.#parts.deregisterDelayMs }
    const phases = await runPhases(shutdownPhases(this.#parts, { ...shutdown, readying }, timing), {
      endsAtMs: this.#stopRequest.endsAtMs,
      journal: this.#journal,
    })
    this.#parts.endObserving()
    this.#state = 'stopped'
    const { cutCallCount, cutAnswerCount, abandonedCallCount } = this.#parts.drain
    const hasCut = cutCallCount > 0 || cutAnswerCount > 0 || abandonedCallCount > 0
    const isDone = phases.every(({ phase, error }) => error === undefined || !decisiveStopPhases.includes(phase))
    const isClean = !this.#hasFailed && !hasCut && isDone
    const ended: Ended = { exitCode: isClean ? 0 : 1, phases }
    const told = { exitCode: ended.exitCode, cutCallCount, cutAnswerCount, abandonedCallCount }
    this.#log.info(told, `${this.#name} has stopped`)
    this.#stopTelemetry()
    this.#ended.resolve(ended)
    return ended
  }

  /** Nothing more is told. What it still has to send, it sends while the process lasts. */
  #stopTelemetry(): void {
    if (this.#log instanceof ServiceLog) this.#log.control.output.listener = undefined
    const stopped = this.#parts.telemetry?.stop()
    if (stopped === undefined) return
    this.#isTelling = true
    void stopped.finally(() => {
      this.#isTelling = false
    })
  }
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
