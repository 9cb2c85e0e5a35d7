/** A condition for readiness. */
export interface Check {
  readonly name: string
  /** Throws or rejects when the condition does not hold. */
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
  readonly #results = new Map<string, CheckResult>()
  readonly #timeoutMs: number
  readonly #timer: NodeJS.Timeout
  readonly #listeners = new Set<() => void>()

  constructor(checks: readonly Check[], options: HealthOptions = {}) {
    this.#checks = checks
    this.#timeoutMs = options.checkTimeoutMs ?? 2_000
    this.#timer = setInterval(() => void this.refresh(), options.checkIntervalMs ?? 5_000).unref()
  }

  get results(): readonly CheckResult[] {
    return this.#checks.flatMap(({ name }) => this.#results.get(name) ?? [])
  }

  get isPassing(): boolean {
    return this.results.every(({ isPassing }) => isPassing)
  }

  /** Calls the listener whenever `isPassing` has changed. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** Runs all checks once. Never rejects. */
  async refresh(): Promise<void> {
    await Promise.all(this.#checks.map((check) => this.#run(check)))
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #run(check: Check): Promise<void> {
    const timeout = new AbortController()
    const timer = setTimeout(() => timeout.abort(), this.#timeoutMs).unref()
    const { name } = check
    try {
      await Promise.race([
        check.run(timeout.signal),
        rejectOn(timeout.signal, `no answer within ${this.#timeoutMs} ms`),
      ])
      this.#note({ name, isPassing: true, message: undefined })
    } catch (error) {
      this.#note({ name, isPassing: false, message: error instanceof Error ? error.message : String(error) })
    } finally {
      clearTimeout(timer)
    }
  }

  #note(result: CheckResult): void {
    const wasPassing = this.isPassing
    this.#results.set(result.name, result)
    if (this.isPassing !== wasPassing) for (const listener of this.#listeners) listener()
  }
}

function rejectOn(signal: AbortSignal, message: string): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(new Error(message)), { once: true }),
  )
}
