import type { Logger } from '@tenon/core'
import type { Signal } from '../setting/telemetry-settings.ts'

/** What came of an export; 0 is success. */
interface ExportOutcome {
  readonly code: number
  readonly error?: Error | undefined
}

/**
 * Tells once that the Collector does not take telemetry, or not as fast as it comes, however much is lost meanwhile, and once that it takes
 * all of it again. Signals that have one Collector fail together.
 */
export class CollectorWatch {
  readonly #log: Logger
  readonly #failing = new Set<Signal>()
  /** Of which something was lost since the last batch. */
  readonly #overflowing = new Set<Signal>()

  constructor(log: Logger) {
    this.#log = log
  }

  note(signal: Signal, { code, error }: ExportOutcome): void {
    const hasLost = this.#overflowing.delete(signal)
    if (code !== 0) return this.#failed(signal, error?.message || 'no reason was given')
    if (hasLost) return this.#failed(signal, 'there is more than it takes, and the queue is full')
    this.#succeeded(signal)
  }

  /** Something does not fit into its queue. Why is known when the next batch has been tried: that one may fail. */
  noteFull(signal: Signal): void {
    this.#overflowing.add(signal)
  }

  #failed(signal: Signal, reason: string): void {
    const isFirst = this.#failing.size === 0
    this.#failing.add(signal)
    if (!isFirst) return
    this.#log.warn(
      { signal, reason },
      'the Collector does not take telemetry: what does not fit into the queues is lost until it does',
    )
  }

  #succeeded(signal: Signal): void {
    if (!this.#failing.delete(signal) || this.#failing.size > 0) return
    this.#log.info({ signal }, 'the Collector takes telemetry again')
  }
}
