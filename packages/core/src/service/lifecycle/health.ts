/** A condition for readiness. */
export interface Check {
  /** For people: two checks may have the same. */
  readonly name: string
  /** Throws or rejects when the condition does not hold. The signal fires when its time is over, or nobody asks any more. */
  run(signal: AbortSignal): unknown
}

/** What a check said last. */
export interface CheckResult {
  readonly name: string
  readonly isPassing: boolean
  /** Why it failed, in the error's own words. */
  readonly message: string | undefined
}

export interface HealthOptions {
  /** @defaultValue 5_000 */
  readonly checkIntervalMs?: number
  /** @defaultValue 2_000 */
  readonly checkTimeoutMs?: number
}

/** Runs checks in the background, so that probes read results that are already there. */
export class Health {
  readonly #checks: readonly Check[]
  readonly #results = new Map<Check, CheckResult>()
  /** Checks whose last run has not ended, also those that were given up. */
  readonly #running = new Set<Check>()
  readonly #closing = new AbortController()
  readonly #timeoutMs: number
  readonly #timer: NodeJS.Timeout
  readonly #listeners = new Set<() => void>()

  constructor(checks: readonly Check[], options: HealthOptions = {}) {
    this.#checks = checks
    this.#timeoutMs = options.checkTimeoutMs ?? 2_000
    this.#timer = setInterval(() => void this.refresh(), options.checkIntervalMs ?? 5_000).unref()
  }

  /** In the order of the checks; those that have not ended once are left out. */
  get results(): readonly CheckResult[] {
    return this.#checks.flatMap((check) => this.#results.get(check) ?? [])
  }

  get isPassing(): boolean {
    return this.results.every(({ isPassing }) => isPassing)
  }

  /** Calls the listener whenever `isPassing` has changed. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /**
   * Runs all checks once, but none whose last run still hangs: that one keeps failing, and does not pile up. Never rejects.
   */
  async refresh(): Promise<void> {
    if (this.#closing.signal.aborted) return
    await Promise.all(this.#checks.filter((check) => !this.#running.has(check)).map((check) => this.#run(check)))
  }

  /** Runs no check any more, and ends those that run; the results stay as they are. Safe to call twice. */
  close(): void {
    clearInterval(this.#timer)
    this.#closing.abort()
  }

  async #run(check: Check): Promise<void> {
    const ending = new AbortController()
    const giveUp = Promise.withResolvers<never>()
    const end = (message: string) => {
      ending.abort()
      giveUp.reject(new Error(message))
    }
    const closed = () => end('the service stops')
    const timer = setTimeout(() => end(`no answer within ${this.#timeoutMs} ms`), this.#timeoutMs).unref()
    this.#closing.signal.addEventListener('abort', closed, { once: true })
    try {
      await Promise.race([this.#begin(check, ending.signal), giveUp.promise])
      this.#note(check, { name: check.name, isPassing: true, message: undefined })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#note(check, { name: check.name, isPassing: false, message })
    } finally {
      clearTimeout(timer)
      this.#closing.signal.removeEventListener('abort', closed)
    }
  }

  async #begin(check: Check, signal: AbortSignal): Promise<void> {
    this.#running.add(check)
    try {
      await check.run(signal)
    } finally {
      this.#running.delete(check)
    }
  }

  #note(check: Check, result: CheckResult): void {
    if (this.#closing.signal.aborted) return
    const wasPassing = this.isPassing
    this.#results.set(check, result)
    if (this.isPassing !== wasPassing) for (const listener of this.#listeners) listener()
  }
}
