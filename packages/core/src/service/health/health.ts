import type { CheckEffect } from '../../handler/check-settings.ts'
import type { Logger } from '../../telemetry/log.ts'
import { compileReason } from './reason.ts'
import { type Check, type CheckResult, WatchedCheck } from './watched-check.ts'

export interface HealthOptions {
  readonly log: Logger
  /** Hides what must not be seen in what checks throw. @defaultValue nothing is hidden */
  readonly hide?: (text: string) => string
}

/** Runs checks in the background, so that probes read results that are already there. */
export class Health {
  readonly #checks: readonly WatchedCheck[]
  readonly #listeners = new Set<() => void>()
  #isReady = true

  constructor(checks: readonly Check[], { log, hide = (text) => text }: HealthOptions) {
    const toReason = compileReason(hide)
    const onChange = () => this.#changed()
    this.#checks = checks.map((check) => new WatchedCheck(check, { log, toReason, onChange }))
  }

  /** In the order of the checks; those that have not ended once are left out. */
  get results(): readonly CheckResult[] {
    return this.#checks.flatMap(({ result }) => result ?? [])
  }

  /** Whether no check of readiness counts as failing. */
  get isReady(): boolean {
    return this.#isPassing('readiness')
  }

  /** Whether no check of liveness counts as failing. */
  get isLive(): boolean {
    return this.#isPassing('liveness')
  }

  /** Calls the listener whenever `isReady` has changed. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** Runs all checks once, but none of which a run is waited for, and waits for those that decide something. Never rejects. */
  async refresh(): Promise<void> {
    const runs = this.#checks.map((check) => ({ check, run: check.run() }))
    await Promise.all(runs.filter(({ check }) => check.affects !== 'none').map(({ run }) => run))
  }

  /** Runs no check any more, and ends those that run; the results stay as they are. Safe to call twice. */
  close(): void {
    for (const check of this.#checks) check.close()
  }

  #isPassing(effect: CheckEffect): boolean {
    return this.results.every(({ affects, isPassing }) => affects !== effect || isPassing)
  }

  #changed(): void {
    if (this.isReady === this.#isReady) return
    this.#isReady = this.isReady
    for (const listener of this.#listeners) listener()
  }
}
