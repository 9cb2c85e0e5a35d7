import type { Arrival, Outcome } from '../../call/arrival.ts'
import type { ScheduledRun, Timing } from '../../handler/schedule/timing.ts'
import { type CallConvention, scheduleConvention } from '../../telemetry/convention.ts'
import { type CountedLine, countedLine } from '../../telemetry/counted-line.ts'
import type { Logger } from '../../telemetry/log.ts'
import { recordOmitted, recordRun } from '../../telemetry/schedule-metrics.ts'
import { Ticker } from './ticker.ts'

/** A schedule with the call path of its handler. */
export interface ScheduleEndpoint {
  readonly name: string
  readonly timing: Timing
  /** Whether runs are let in. */
  readonly gate: { readonly isOpen: boolean }
  dispatch(arrival: Arrival): Promise<Outcome>
}

/** A schedule as `/info` shows it; counts are since the start. */
export interface ScheduleState {
  readonly name: string
  readonly timing: string
  /** ISO 8601; undefined before the service is ready, when it stops, and when no moment comes any more. */
  readonly nextAt: string | undefined
  /** Runs that work now, those included whose time is over. */
  readonly runningCount: number
  readonly succeededCount: number
  readonly failedCount: number
  /** Moments left out, for a run before still worked. */
  readonly skippedCount: number
  /** Moments that passed without anybody noticing. */
  readonly missedCount: number
}

/** Runs one schedule at its moments. */
export class RunningSchedule {
  readonly name: string
  readonly #endpoint: ScheduleEndpoint
  readonly #service: string
  readonly #log: Logger
  readonly #convention: CallConvention
  readonly #ticker: Ticker
  readonly #skips: CountedLine
  readonly #misses: CountedLine
  readonly #counts = { succeededCount: 0, failedCount: 0, skippedCount: 0, missedCount: 0 }
  #runningCount = 0
  /** When the run was due that waits for the end of another one. */
  #waitingDueAt: number | undefined
  /** Of those that no run has been told of. */
  #untoldMissedCount = 0

  constructor(endpoint: ScheduleEndpoint, { service, log }: { readonly service: string; readonly log: Logger }) {
    const { name, timing } = endpoint
    this.name = name
    this.#endpoint = endpoint
    this.#service = service
    this.#convention = scheduleConvention(name)
    this.#log = log.child({ schedule: name })
    this.#ticker = new Ticker({
      timing,
      onDue: (dueAt) => this.#due(dueAt),
      onMissed: (count) => this.#miss(count),
    })
    this.#skips = countedLine((skippedCount) =>
      this.#log.warn({ skippedCount }, `schedule ${name} left out a run, for one before still works`),
    )
    this.#misses = countedLine((missedCount) =>
      this.#log.warn({ missedCount }, `schedule ${name} missed moments: the process slept or was busy`),
    )
  }

  get state(): ScheduleState {
    return {
      name: this.name,
      timing: this.#endpoint.timing.text,
      nextAt: toText(this.#ticker.nextAt),
      runningCount: this.#runningCount,
      ...this.#counts,
    }
  }

  begin(): void {
    this.#ticker.begin()
  }

  /** Begins no run any more, also not one that waits; those that work go on. Safe to call twice. */
  end(): void {
    this.#ticker.close()
    this.#waitingDueAt = undefined
    this.#skips.close()
    this.#misses.close()
  }

  /** Runs it once, beside whatever works. Never rejects; a run that is not let in counts as none. */
  async run(dueAt: number): Promise<Outcome> {
    const run: ScheduledRun = { dueAt, missedCount: this.#untoldMissedCount }
    const { dispatch, gate } = this.#endpoint
    const arrival: Arrival = {
      transport: 'schedule',
      metadata: {},
      convention: this.#convention,
      isTrusted: true,
      decode: () => run,
      ended: () => this.#ended(),
    }
    if (!gate.isOpen) return dispatch(arrival)
    this.#untoldMissedCount = 0
    this.#runningCount += 1
    const startedAtMs = performance.now()
    const outcome = await dispatch(arrival)
    const errorCode = outcome.ok ? undefined : outcome.error.code
    const durationMs = performance.now() - startedAtMs
    this.#counts[outcome.ok ? 'succeededCount' : 'failedCount'] += 1
    recordRun({ service: this.#service, schedule: this.name, durationMs, errorCode })
    return outcome
  }

  #due(dueAt: number): void {
    const { overlap } = this.#endpoint.timing.settings
    if (this.#runningCount === 0 || overlap === 'parallel') return void this.run(dueAt)
    if (overlap === 'queue' && this.#waitingDueAt === undefined) this.#waitingDueAt = dueAt
    else this.#skip()
  }

  #ended(): void {
    this.#runningCount -= 1
    const dueAt = this.#waitingDueAt
    if (dueAt === undefined || this.#runningCount > 0) return
    this.#waitingDueAt = undefined
    void this.run(dueAt)
  }

  #skip(): void {
    this.#counts.skippedCount += 1
    this.#skips.add()
    recordOmitted({ service: this.#service, schedule: this.name, reason: 'overlap', count: 1 })
  }

  #miss(count: number): void {
    this.#counts.missedCount += count
    this.#untoldMissedCount += count
    this.#misses.add(count)
    recordOmitted({ service: this.#service, schedule: this.name, reason: 'missed', count })
  }
}

/** Undefined also for a moment that no date can hold. */
function toText(epochMs = Number.NaN): string | undefined {
  const date = new Date(epochMs)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
