import type { CheckEffect, HealthCheckSettings } from '../../handler/check-settings.ts'
import type { Logger } from '../../telemetry/log.ts'

/** A condition that is looked at in the background. */
export interface Check {
  /** For people: two checks may have the same. */
  readonly name: string
  readonly settings: HealthCheckSettings
  /** Throws or rejects when the condition does not hold. The signal fires when its time is over, or nobody asks any more. */
  run(signal: AbortSignal): unknown
  /** Nobody asks any more. */
  close?(): void
}

/** What a check said last. */
export interface CheckResult {
  readonly name: string
  /** What it decides. */
  readonly affects: CheckEffect
  /** False when it counts as failing; a failure within its grace period does not yet. */
  readonly isPassing: boolean
  /** Why its last run failed, in the error's own words without secrets; undefined when it passed. */
  readonly message: string | undefined
  /** How long its last run took, to its end or to when it was given up. */
  readonly durationMs: number
  /** When its last run ended, in epoch milliseconds. */
  readonly checkedAt: number
}

export interface WatchedCheckOptions {
  readonly log: Logger
  /** What a check threw, in words without secrets. */
  readonly toReason: (error: unknown) => string
  /** Called whenever the check may have begun to count as failing, or ended to. */
  readonly onChange: () => void
}

/** Runs one check at its interval, and knows what it said last and since when. */
export class WatchedCheck {
  readonly #check: Check
  readonly #options: WatchedCheckOptions
  readonly #timer: NodeJS.Timeout
  /** Runs that have not ended, though they may have been given up. */
  #runningCount = 0
  /** How many looks pass without a run, for some have been given up. */
  #skipCount = 0
  /** Gives up the run that is waited for. */
  #giveUp: ((reason: string) => void) | undefined
  #isClosed = false
  #last: Pick<CheckResult, 'message' | 'durationMs' | 'checkedAt'> | undefined
  #hasPassed = false
  /** On the clock of `performance.now()`. */
  #failingSinceMs: number | undefined
  #graceTimer: NodeJS.Timeout | undefined
  #toldAtMs = Number.NEGATIVE_INFINITY
  #isTold = false

  constructor(check: Check, options: WatchedCheckOptions) {
    this.#check = check
    this.#options = options
    this.#timer = setInterval(() => this.#look(), check.settings.intervalMs).unref()
  }

  get affects(): CheckEffect {
    return this.#check.settings.affects
  }

  /** Undefined before its first run has ended. */
  get result(): CheckResult | undefined {
    const { name, settings } = this.#check
    return this.#last && { name, affects: settings.affects, isPassing: this.isPassing, ...this.#last }
  }

  /** Whether it does not count as failing. */
  get isPassing(): boolean {
    return this.#failingSinceMs === undefined || this.#graceLeftMs > 0
  }

  /**
   * Runs it, unless a run is waited for. One that was given up says nothing more; its like may never end, and what they wait for be
   * back, so that others follow, each after twice as many looks as the one before it. Never rejects.
   */
  async run(): Promise<void> {
    if (this.#giveUp || this.#isClosed) return
    const ending = new AbortController()
    const startedAt = performance.now()
    const { promise: givenUp, reject } = Promise.withResolvers<never>()
    const end = (reason: string) => {
      ending.abort()
      reject(new Error(reason))
    }
    const { timeoutMs } = this.#check.settings
    // An answer that came while the process was busy is there already, and read only after the timers.
    const timer = setTimeout(() => setImmediate(end, `no answer within ${timeoutMs} ms`), timeoutMs).unref()
    this.#giveUp = end
    try {
      await Promise.race([this.#begin(ending.signal), givenUp])
      this.#note(startedAt, undefined)
    } catch (error) {
      this.#note(startedAt, { error })
      if (ending.signal.aborted) this.#skipCount = skipsAfter(this.#runningCount, this.#check.settings)
    } finally {
      clearTimeout(timer)
      this.#giveUp = undefined
    }
  }

  /** Runs it no more, and ends a run that is under way; the result stays as it is. Safe to call twice. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#timer)
    clearTimeout(this.#graceTimer)
    this.#giveUp?.('the service stops')
    this.#check.close?.()
  }

  #look(): void {
    // Of one that hangs, too.
    if (this.#failingSinceMs !== undefined) this.#tellFailing()
    if (this.#skipCount > 0) this.#skipCount -= 1
    else void this.run()
  }

  async #begin(signal: AbortSignal): Promise<void> {
    this.#runningCount += 1
    try {
      await this.#check.run(signal)
    } finally {
      this.#runningCount -= 1
      this.#skipCount = 0
    }
  }

  #note(startedAt: number, failure: { readonly error: unknown } | undefined): void {
    if (this.#isClosed) return
    const now = performance.now()
    const message = failure && this.#options.toReason(failure.error)
    this.#last = { message, durationMs: Math.round(now - startedAt), checkedAt: Date.now() }
    if (failure) this.#noteFailure(now)
    else this.#notePass(now)
    this.#options.onChange()
  }

  #noteFailure(now: number): void {
    const isFirst = this.#failingSinceMs === undefined
    this.#failingSinceMs ??= now
    this.#tellFailing()
    if (!isFirst || this.#graceLeftMs <= 0) return
    this.#graceTimer = setTimeout(() => this.#options.onChange(), this.#graceLeftMs + slackMs).unref()
  }

  #notePass(now: number): void {
    clearTimeout(this.#graceTimer)
    const failedForMs = Math.round(now - (this.#failingSinceMs ?? now))
    this.#hasPassed = true
    this.#failingSinceMs = undefined
    if (!this.#isTold) return
    this.#isTold = false
    const { name, settings } = this.#check
    this.#options.log.info({ check: name, affects: settings.affects, failedForMs }, `check "${name}" passes again`)
  }

  /** Once for as long as it fails; one that comes and goes is told at most once a minute. */
  #tellFailing(): void {
    const now = performance.now()
    if (this.#isTold || now - this.#toldAtMs < tellIntervalMs) return
    this.#isTold = true
    this.#toldAtMs = now
    const { name, settings } = this.#check
    const fields = {
      check: name,
      affects: settings.affects,
      reason: this.#last?.message,
      countsInMs: this.#graceLeftMs,
    }
    this.#options.log.warn(fields, `check "${name}" fails`)
  }

  /** How long a failure does not count yet. */
  get #graceLeftMs(): number {
    const { affects, gracePeriodMs } = this.#check.settings
    if (this.#failingSinceMs === undefined || (affects === 'readiness' && !this.#hasPassed)) return 0
    return Math.max(0, Math.floor(this.#failingSinceMs + gracePeriodMs - performance.now()))
  }
}

/** Runs that hang must not pile up, for each may keep a connection: in the end there is one more a minute. A guess. */
const longestPauseMs = 60_000

function skipsAfter(hangingCount: number, { intervalMs }: HealthCheckSettings): number {
  return Math.min(2 ** hangingCount, Math.ceil(longestPauseMs / intervalMs)) - 1
}

/** Timers go by a clock of whole milliseconds, and may come before that of `performance.now()`. */
const slackMs = 2

/** A guess: seldom enough for who reads the log. */
const tellIntervalMs = 60_000
