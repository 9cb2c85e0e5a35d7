import { LifecycleError } from '../../error/setup-error.ts'
import { backOffMs } from '../../registry/back-off.ts'
import type { Instance, Registrar, Registration } from '../../registry/registry.ts'
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

  constructor(options: AnnouncementOptions) {
    this.#options = { random: Math.random, ...options }
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
    const { registrar, instance, stop } = this.#options
    const registration = await registrar.announce(instance, { signal: stop })
    if (this.#withdrawal) return this.#withdrawLate(registration)
    this.#registration = registration
    const { lost } = registration
    const again = () => this.#announceAgain(lost.reason)
    if (lost.aborted) again()
    else lost.addEventListener('abort', again, { once: true, signal: stop })
  }

  /** A registry may have answered although it was told that nobody waits. */
  async #withdrawLate(registration: Registration): Promise<void> {
    try {
      await registration.withdraw({ signal: AbortSignal.timeout(lateWithdrawalMs) })
    } catch (error) {
      this.#options.log.error({ err: error }, 'the registry could not forget the instance')
    }
  }

  #announceAgain(reason: unknown): void {
    const { stop, log, random } = this.#options
    if (stop.aborted) return
    this.#registration = undefined
    log.error({ err: reason }, 'the registry has lost the instance; it is announced again')
    void this.persist(backOffMs(0, { ...backOff, random }))
  }
}

function refused(cause: unknown): LifecycleError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `the registry did not take the instance: ${reason}`
  return new LifecycleError([{ code: 'service.announce_failed', message }], cause)
}

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
