import { LifecycleError } from '../error/setup-error.ts'
import type { Address } from '../transport/transport.ts'
import { type CheckOptions, checkService, type ServiceCheck } from './check-service.ts'
import type { ConfigSpec } from './config/config.ts'
import { defaultLog } from './default-log.ts'
import { describeService } from './describe-service.ts'
import { processOwner } from './lifecycle/process-owner.ts'
import { readSettings, requireSettings } from './read-settings.ts'
import { type Ended, RunningService, type ServiceState } from './running-service.ts'
import type { ServiceDescription } from './service-description.ts'
import type { ServiceOptions } from './service-options.ts'
import { type StartOptions, startedOptions } from './start-options.ts'

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
   * call. Settings that have no value are told, and something that fits stands in for them.
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
   * Starts the service and resolves when all parts run. It is ready and announced then, unless checks of its providers fail:
   * then that comes when they first pass.
   *
   * @throws ConfigError, ContractError, WiringError, LifecycleError (`service.stopped` when it is asked to stop meanwhile);
   * what had started is undone.
   */
  start(options?: StartOptions<Config>): Promise<StartedService>
  /**
   * Drains and stops what `start()` started; gives up a start that is under way. Resolves by the deadline of
   * `shutdownTimeoutMs`, at once when nothing runs.
   */
  stop(): Promise<void>
  /**
   * Starts the service and serves until SIGTERM or SIGINT; then drains. A second signal cuts at once. Never rejects: errors
   * are logged, and the process's exit code is 0, or 1 when the start failed, work was cut, or something could not be closed.
   * Why a start failed is also the last line on standard error. Services that share a process drain one after another, the
   * one that was run last first, each within its own `shutdownTimeoutMs` from the signal on.
   * A signal while the service starts gives the start up.
   *
   * Holds the process until it resolves. After the last service of the process has ended, the process has 1 s left: what
   * still keeps it up then, also work that follows this call, is cut by `process.exit()`. Longer work belongs into the
   * `dispose` of a provider, or to `start()` and `stop()`, which leave the process alone.
   */
  run(options?: RunOptions): Promise<void>
}

export interface RunOptions {
  /** Called once, when the service is ready. What it throws ends the service like a failed start. */
  readonly onReady?: (service: StartedService) => void
}

/** A service that is ready. `await using` stops it. */
export interface StartedService extends AsyncDisposable {
  readonly state: ServiceState
  /** Where each transport, and the admin server under the protocol `admin`, can be reached. */
  readonly addresses: readonly Address[]
  readonly ended: Promise<Ended>
  /** Drains and stops; a second call waits for the same end. */
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
  readonly #options: ServiceOptions<Config>
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
    return checkService(this.#options, options)
  }

  describe(options: CheckOptions = {}): ServiceDescription {
    return describeService(this.#options, options)
  }

  async start(start: StartOptions<Config> = {}): Promise<StartedService> {
    this.#requireStopped('started again')
    const startedAtMs = performance.now()
    const options = startedOptions(this.#options, start)
    const reading = requireSettings(options, start.environment, start.settings)
    const running = new RunningService(options, {
      reading,
      startedAtMs,
      ...(start.overrides && { overrides: start.overrides }),
      log: start.log ?? defaultLog(this.name, reading.environment, this.#options.log),
    })
    this.#running = running
    await running.start()
    return running
  }

  async stop(): Promise<void> {
    await this.#running?.stop()
  }

  run({ onReady }: RunOptions = {}): Promise<void> {
    const log = defaultLog(this.name, readSettings(this.#options, undefined).environment, this.#options.log)
    return processOwner.run({
      name: this.name,
      log,
      start: async () => {
        const started = await this.start({ log })
        try {
          onReady?.(started)
        } catch (error) {
          await started.stop()
          throw error
        }
      },
      stop: async (options) => this.#running?.stop(options),
      ended: () => this.#running?.ended ?? Promise.resolve({ exitCode: 0 }),
    })
  }

  #requireStopped(what: string): void {
    if (this.state === 'idle' || this.state === 'stopped') return
    throw new LifecycleError([
      { code: 'service.state', message: `service ${this.name} is ${this.state}: stop it before it is ${what}` },
    ])
  }
}
