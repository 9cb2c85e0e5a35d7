import { LifecycleError } from '../error/setup-error.ts'
import type { Address } from '../transport/transport.ts'
import { type AttachedPart, withPart } from './attached-part.ts'
import { type CheckOptions, checkService, type ServiceCheck } from './check-service.ts'
import type { ConfigSpec } from './config/config.ts'
import { defaultLog } from './default-log.ts'
import { describeService } from './describe-service.ts'
import { isHeldByTool } from './process/parent-watch.ts'
import { processOwner } from './process/process-owner.ts'
import { readSettings, requireSettings } from './read-settings.ts'
import { type Ended, RunningService, type ServiceState } from './running-service.ts'
import type { ServiceDescription } from './service-description.ts'
import type { ServiceOptions } from './service-options.ts'
import { type GivenSettings, type StartOptions, startedOptions } from './start-options.ts'

/** A service that can be started. Making one has no side effect. */
export interface Service<Config extends ConfigSpec = ConfigSpec> {
  readonly name: string
  readonly version: string
  /** State of the last start; `idle` before the first. */
  readonly state: ServiceState
  /**
   * Goes through the whole service and tells everything that would keep it from starting, without listening, connecting or
   * calling any `create`: settings, handlers, providers and what they need, routes, schemas, topics and groups. Calls the
   * functions of the options, constructs handlers with placeholders, and binds the transports to operations that nobody can
   * call. Settings that have no value are told, and something that fits stands in for them; with `configSources`, of which none is asked,
   * they are not told.
   *
   * @throws LifecycleError `service.state` while the service runs, for its transports are bound already.
   */
  check(options?: CheckOptions): Promise<ServiceCheck>
  /**
   * The whole service as frozen data that JSON can hold: operations with routes, rules and interceptors in their order,
   * topics and groups, providers in order of creation, transports, variables, limits. Works without the environment of
   * the service: what depends on a setting that has no value is described as if it had one that fits. Shows no secret.
   *
   * @throws ConfigError for options out of range, and for missing settings without which a part cannot be described;
   * ContractError, WiringError for handlers and parts that cannot be known. Other problems are told by `check()`.
   */
  describe(options?: CheckOptions): ServiceDescription
  /**
   * Adds to every later start, `check()` and `describe()` what the process has beside the service and stops with it, such as a server
   * that is somebody else's. Transports that a start is given in the place of the service's own take the place of these too.
   *
   * @throws LifecycleError `service.state` while the service runs.
   */
  attach(part: AttachedPart): void
  /**
   * Starts the service and resolves when all parts run. It is ready and announced then, unless checks of its providers fail:
   * then that comes when they first pass.
   *
   * @throws ConfigError, ContractError, WiringError, LifecycleError (`service.stopped` when it is asked to stop meanwhile);
   * what had started is undone.
   */
  start(options?: StartOptions<Config>): Promise<StartedService<Config>>
  /**
   * Drains and stops what `start()` started; gives up a start that is under way. Resolves by the deadline of
   * `shutdownTimeoutMs`, at once when nothing runs, and at once in a call, a hook, or the creation or disposal of a provider of the service
   * itself, which then goes on to its own end.
   */
  stop(): Promise<void>
  /**
   * Starts the service and serves until SIGTERM, SIGINT or SIGHUP; then drains. A second signal cuts at once. Never rejects: errors
   * are logged, and the process's exit code is 0, or 1 when the start failed, work was cut, or something could not be closed. One that
   * is already not 0 stays.
   * An error that nobody caught (`uncaughtException`, `unhandledRejection`) is logged, drains too, and makes the exit code 1; another
   * one cuts nothing.
   * Why a start failed is also the last line on standard error. Services that share a process drain one after another, the
   * one that was run last first, each within its own `shutdownTimeoutMs` from the signal on.
   * A signal while the service starts gives the start up. A service that is run while others of the process stop, or once a signal or the death of the
   * parent has ended some, is not started, and this resolves at once.
   *
   * Holds the process until it resolves. After the last service of the process has ended, the process has 1 s left: what
   * still keeps it up then, also work that follows this call, is cut by `process.exit()`. Longer work belongs into the
   * `dispose` of a provider, or to `start()` and `stop()`, which leave the process alone.
   */
  run(options?: RunOptions<Config>): Promise<void>
}

/** What a service is run with: whatever it may be started with, and what happens around it. */
export interface RunOptions<Config extends ConfigSpec = ConfigSpec> extends StartOptions<Config> {
  /**
   * Called once, when the service is ready for the first time and its hooks of `onReady` have run; not when it ends before. What it
   * throws ends the service like a failed start.
   */
  readonly onReady?: (service: StartedService) => void
  /**
   * What SIGHUP does, which a terminal sends when it is closed: `drain` as at SIGTERM, though a second one cuts nothing, or `ignore`.
   * Of several services in a process all drain, unless all of them ignore it.
   *
   * @defaultValue `drain`; without it Node.js ends the process at once, under `nohup` too
   */
  readonly onHangup?: 'drain' | 'ignore'
  /**
   * What happens when the process that started this one is gone without a word, as after `kill -9`.
   *
   * @defaultValue `drain` outside production where npm or another tool started it (`npm_lifecycle_event`, or a channel for messages),
   * else `ignore`
   */
  readonly onParentExit?: 'drain' | 'ignore'
}

/** A service that is ready. `await using` stops it. */
export interface StartedService<Config extends ConfigSpec = ConfigSpec> extends AsyncDisposable {
  readonly state: ServiceState
  /** Where each transport, and the admin server under the protocol `admin`, can be reached. */
  readonly addresses: readonly Address[]
  readonly ended: Promise<Ended>
  /**
   * Runs a schedule once, now, beside whatever works and whether or not it runs at its moments. Resolves when the run has succeeded.
   *
   * @throws ServiceError what the run failed with; `not_found` for a name that no schedule has, `unavailable` once the service drains
   */
  runSchedule(name: string): Promise<void>
  /**
   * Changes settings for who watches them, as a source would, and for good: such a value counts before what any source says. For tests, and
   * for hosts of several services.
   *
   * @throws ConfigError `config.malformed` for a name that no setting has
   */
  changeSettings(settings: GivenSettings<Config>): void
  /**
   * Drains and stops; a second call waits for the same end.
   *
   * @throws LifecycleError `service.state` in a call, a hook, or the creation or disposal of a provider of the service itself, whose end it
   * would wait for; the service stops all the same.
   */
  stop(): Promise<Ended>
}

/** Puts a service together. Nothing runs, connects or listens before it starts, so tools and tests may import it. */
export function defineService<const Config extends ConfigSpec = Record<never, never>>(
  options: ServiceOptions<Config>,
): Service<Config> {
  return new DefinedService(options)
}

class DefinedService<Config extends ConfigSpec> implements Service<Config> {
  readonly name: string
  readonly version: string
  #options: ServiceOptions<Config>
  #running: RunningService<Config> | undefined

  constructor(options: ServiceOptions<Config>) {
    this.name = options.name
    this.version = options.version
    this.#options = options
  }

  get state(): ServiceState {
    return this.#running?.state ?? 'idle'
  }

  async check(options: CheckOptions = {}): Promise<ServiceCheck> {
    this.#requireStopped('checked')
    return checkService(startedOptions(this.#options, options), options)
  }

  describe(options: CheckOptions = {}): ServiceDescription {
    return describeService(startedOptions(this.#options, options), options)
  }

  attach(part: AttachedPart): void {
    this.#requireStopped('given another part')
    this.#options = withPart(this.#options, part)
  }

  async start(start: StartOptions<Config> = {}): Promise<StartedService<Config>> {
    this.#requireStopped('started again')
    const startedAtMs = performance.now()
    const options = startedOptions(this.#options, start)
    const reading = requireSettings(options, start.environment, start.settings)
    const running = new RunningService(options, {
      reading,
      startedAtMs,
      ...(start.overrides && { overrides: start.overrides }),
      ...(start.schedules !== undefined && { schedules: start.schedules }),
      log: start.log ?? defaultLog(this.name, reading.environment, this.#options.log),
    })
    this.#running = running
    await running.start()
    return running
  }

  async stop(): Promise<void> {
    const ended = this.#running?.end()
    if (this.#running?.isOwnWork !== true) await ended
  }

  run({ onReady, onHangup = 'drain', onParentExit, ...start }: RunOptions<Config> = {}): Promise<void> {
    // Sources of settings are made by the start, which closes them.
    const { configSources: _made, ...options } = this.#options
    const { environment, settings } = readSettings<Config>(options, start.environment)
    const log = start.log ?? defaultLog(this.name, environment, this.#options.log)
    const isHeld = settings.isDevelopment && isHeldByTool(environment)
    return processOwner().run({
      name: this.name,
      log,
      onHangup,
      onParentExit: onParentExit ?? (isHeld ? 'drain' : 'ignore'),
      start: async () => {
        const started = await this.start({ ...start, log })
        if (onReady && (await this.#becomesReady())) await callOrStop(onReady, started)
      },
      stop: async (options) => this.#running?.end(options),
      ended: () => this.#running?.ended ?? Promise.resolve({ exitCode: 0 }),
      isTelling: () => this.#running?.isTelling ?? false,
    })
  }

  /** False when it ends before. */
  async #becomesReady(): Promise<boolean> {
    const ready = this.#running?.ready.then(() => true)
    const ended = this.#running?.ended.then(() => false)
    return (await Promise.race([ready, ended])) ?? false
  }

  #requireStopped(what: string): void {
    if (this.state === 'idle' || this.state === 'stopped') return
    throw new LifecycleError([
      { code: 'service.state', message: `service ${this.name} is ${this.state}: stop it before it is ${what}` },
    ])
  }
}

async function callOrStop(onReady: (service: StartedService) => void, started: StartedService): Promise<void> {
  try {
    onReady(started)
  } catch (error) {
    await started.stop()
    throw error
  }
}
