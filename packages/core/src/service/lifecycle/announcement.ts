import { LifecycleError } from '../../error/setup-error.ts'
import { backOffMs } from '../../registry/back-off.ts'
import type { Instance, InstanceHealth, Registrar, Registration } from '../../registry/registry.ts'
import { isTakenOver } from '../../registry/taken-over.ts'
import type { Logger } from '../../telemetry/log.ts'
import { wait } from './shutdown.ts'

export interface AnnouncementOptions {
  readonly registrar: Registrar
  readonly instance: Instance
  /** Fires when the service is asked to stop: nothing is announced any more. */
  readonly stop: AbortSignal
  readonly log: Logger
  /** From 0 to below 1. @defaultValue `Math.random` */
  readonly random?: () => number
}

/** Keeps an instance in a registry from when it is told to until it is withdrawn, also when the registry loses it. */
export class Announcement {
  readonly #options: Required<AnnouncementOptions>
  #registration: Registration | undefined
  /** The last try; it may outlive the wish for it, in a registry that does not heed its signal. */
  #trying: Promise<void> | undefined
  #withdrawal: AbortSignal | undefined
  /** As it is to be seen now. */
  #instance: Instance
  /** Whether the registry is being told of a change. */
  #isTelling = false
  /** Of renewals that failed, one soon after the other. */
  #troubleCount = 0
  #troubledAtMs = 0

  constructor(options: AnnouncementOptions) {
    this.#options = { random: Math.random, ...options }
    this.#instance = options.instance
  }

  /** Whether there is anything to withdraw, or may still be. */
  get isBegun(): boolean {
    return this.#trying !== undefined
  }

  /**
   * Announces the instance. Resolves at once when the service is asked to stop.
   *
   * @throws LifecycleError `service.announce_failed`
   */
  async begin(): Promise<void> {
    const { stop } = this.#options
    if (stop.aborted) return
    try {
      await untilAbort(this.#try(), stop)
    } catch (error) {
      if (!stop.aborted) throw refused(error)
    }
  }

  /** Announces the instance, and tries again as long as the registry refuses. Never rejects. */
  async persist(firstDelayMs = 0): Promise<void> {
    const { stop, log, random } = this.#options
    let delayMs = firstDelayMs
    for (let failureCount = 0; ; failureCount += 1) {
      await wait(delayMs, stop)
      if (stop.aborted) return
      try {
        await untilAbort(this.#try(), stop)
        if (!stop.aborted) log.info({ failureCount }, 'the registry has the instance')
        return
      } catch (error) {
        if (stop.aborted) return
        delayMs = backOffMs(failureCount, { ...backOff, random })
        log.error(
          { err: error, retryDelayMs: Math.round(delayMs) },
          'the registry does not take the instance; tried again',
        )
      }
    }
  }

  /** Tells the registry whether the instance takes calls. What it cannot be told now it is told as soon as it can be. */
  setHealth(health: InstanceHealth): void {
    if (health === (this.#instance.health ?? 'serving')) return
    this.#instance = { ...this.#instance, health }
    void this.#tell()
  }

  /** Removes the instance, and what a try that is still under way makes of it. Call it once, after `stop` has fired. */
  async withdraw(signal: AbortSignal): Promise<void> {
    this.#withdrawal = signal
    if (this.#registration) return this.#registration.withdraw({ signal })
    // What a try throws that nobody waits for any more is no failure of the withdrawal.
    await untilAbort(Promise.allSettled([this.#trying]), signal)
  }

  #try(): Promise<void> {
    this.#trying = this.#announce()
    return this.#trying
  }

  async #announce(): Promise<void> {
    const { registrar, stop } = this.#options
    const announced = this.#instance
    const onTrouble = (error: Error) => this.#trouble(error)
    const registration = await registrar.announce(announced, { signal: stop, onTrouble })
    if (this.#withdrawal) return this.#withdrawLate(registration)
    this.#registration = registration
    const { lost } = registration
    const end = () => this.#lose(lost.reason)
    if (lost.aborted) return end()
    lost.addEventListener('abort', end, { once: true, signal: stop })
    if (this.#instance !== announced) void this.#tell()
  }

  /** Until what the registry was told last is what is to be seen. Never rejects. */
  async #tell(): Promise<void> {
    const { stop, log } = this.#options
    if (this.#isTelling) return
    this.#isTelling = true
    let told: Instance | undefined
    while (this.#registration && told !== this.#instance && !stop.aborted) {
      told = this.#instance
      try {
        await this.#registration.update({ health: told.health ?? 'serving' }, { signal: stop })
      } catch (error) {
        if (!stop.aborted) log.warn({ err: error, health: told.health }, 'the registry could not be told of the change')
      }
    }
    this.#isTelling = false
  }

  #trouble(error: Error): void {
    const { log } = this.#options
    const nowMs = performance.now()
    if (nowMs - this.#troubledAtMs > troubleGapMs) this.#troubleCount = 0
    this.#troubledAtMs = nowMs
    this.#troubleCount += 1
    const fields = { err: error, troubleCount: this.#troubleCount }
    if (this.#troubleCount === 1) log.warn(fields, 'the registration cannot be renewed; tried again')
    else log.debug(fields, 'the registration still cannot be renewed')
  }

  /** A registry may have answered although it was told that nobody waits. */
  async #withdrawLate(registration: Registration): Promise<void> {
    try {
      await registration.withdraw({ signal: AbortSignal.timeout(lateWithdrawalMs) })
    } catch (error) {
      this.#options.log.error({ err: error }, 'the registry could not forget the instance')
    }
  }

  #lose(reason: unknown): void {
    const { stop, log, random } = this.#options
    if (stop.aborted) return
    this.#registration = undefined
    // Two that announce the same id in turns would be worse than one that is not found.
    if (isTakenOver(reason)) {
      log.error({ err: reason }, 'another process has announced this instance; this one is not announced any more')
      return
    }
    log.error({ err: reason }, 'the registry has lost the instance; it is announced again')
    void this.persist(backOffMs(0, { ...backOff, random }))
  }
}

function refused(cause: unknown): LifecycleError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `the registry did not take the instance: ${reason}`
  return new LifecycleError([{ code: 'service.announce_failed', message }], cause)
}

/** After how long without trouble the next one is told aloud again. A guess: registrations are renewed more often. */
const troubleGapMs = 60_000

/** Guesses. */
const backOff = { firstMs: 1_000, longestMs: 30_000 } as const

/** How long a withdrawal may take that nobody waits for. A guess. */
const lateWithdrawalMs = 5_000

/** Waits for work, or until the signal fires; then what the work throws is swallowed. */
async function untilAbort(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const giveUp = () => resolve()
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
