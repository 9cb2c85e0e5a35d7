import type { Logger } from '../../telemetry/log.ts'
import { conditionsOf, canTakeWork } from './transport-condition.ts'
import type { ServiceParts } from '../lifecycle/shutdown-phases.ts'

export interface ReadinessOptions {
  /** What is there of the service by now; read whenever it is asked for. */
  readonly parts: Pick<ServiceParts, 'health' | 'servers' | 'announcement'>
  /** Fires when the service is asked to stop: it is not ready any more, for good. */
  readonly stop: AbortSignal
  readonly log: Logger
  /** Called once, when the service is ready for the first time. */
  readonly onFirst: () => void
}

/** Whether a service can take work now. Those who ask others for work learn of it: its transports and the registry. */
export class Readiness {
  readonly #options: ReadinessOptions
  #isOpen = false
  #hasBeenReady = false
  /** What the transports were told last. */
  #told: 'ready' | 'not_ready' = 'not_ready'

  constructor(options: ReadinessOptions) {
    this.#options = options
  }

  /** Whether all parts have started once. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Whether others may know of the service, for it was ready once, whatever became of its announcement. */
  get hasBeenReady(): boolean {
    return this.#hasBeenReady
  }

  /** Whether all parts have started, the checks pass, a transport can take work, and nobody has asked the service to stop. */
  get isReady(): boolean {
    const { parts } = this.#options
    return this.isAllowed && parts.health?.isReady === true && canTakeWork(parts.servers)
  }

  /** Whether nothing but checks and transports keeps the service from being ready. */
  get isAllowed(): boolean {
    return this.#isOpen && !this.#options.stop.aborted
  }

  /**
   * All parts have started. Resolves when the service is announced, at once while it is not ready: then it is announced when it
   * is for the first time.
   *
   * @throws LifecycleError `service.announce_failed`
   */
  async open(): Promise<void> {
    const { parts, stop, log, onFirst } = this.#options
    this.#isOpen = true
    this.#tellTransports()
    if (!this.isReady) {
      log.warn(this.#obstacles(), 'the service has started, but is not ready yet')
      return
    }
    this.#hasBeenReady = true
    await parts.announcement?.begin()
    if (!stop.aborted) onFirst()
  }

  /** The checks pass as a whole now, or do not any more; or a transport is ready now, or is not. */
  healthChanged(): void {
    this.#tellTransports()
    if (!this.isReady || this.#hasBeenReady) return
    this.#hasBeenReady = true
    void this.#options.parts.announcement?.persist()
    this.#options.onFirst()
  }

  /** Transports that tell their callers of it learn the same as the probe. */
  #tellTransports(): void {
    const readiness = this.isReady ? 'ready' : 'not_ready'
    if (readiness === this.#told) return
    this.#told = readiness
    this.#log(readiness)
    const { servers, announcement } = this.#options.parts
    for (const server of servers) server.readinessChanged?.(readiness)
    // One that stops is withdrawn.
    if (!this.#options.stop.aborted) announcement?.setHealth(readiness === 'ready' ? 'serving' : 'not_serving')
  }

  /** The first time is told by who starts the service, and its end by who stops it. */
  #log(readiness: 'ready' | 'not_ready'): void {
    const { log, stop } = this.#options
    if (!this.#hasBeenReady || stop.aborted) return
    if (readiness === 'ready') log.info({}, 'the service is ready again')
    else log.warn(this.#obstacles(), 'the service is not ready any more')
  }

  #obstacles(): object {
    const { health, servers } = this.#options.parts
    const checks = health?.results.filter(({ isPassing, affects }) => !isPassing && affects === 'readiness')
    return { checks, transports: conditionsOf(servers).flatMap(({ reason }) => reason ?? []) }
  }
}
