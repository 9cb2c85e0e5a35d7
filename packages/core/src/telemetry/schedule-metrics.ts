import { counter, histogram } from './instrument.ts'

/** A run of a schedule that has ended. */
export interface EndedRun {
  readonly service: string
  readonly schedule: string
  readonly durationMs: number
  /** The code of what it failed with. */
  readonly errorCode: string | undefined
}

/** Moments of a schedule without a run. */
export interface OmittedRuns {
  readonly service: string
  readonly schedule: string
  /** `overlap`: a run before still worked. `missed`: the process slept, or was busy. */
  readonly reason: 'overlap' | 'missed'
  readonly count: number
}

/** Records how long a run took. */
export function recordRun({ service, schedule, durationMs, errorCode }: EndedRun): void {
  histogram('tenon.schedule.run.duration').record(durationMs / 1_000, {
    'tenon.service': service,
    'tenon.schedule.name': schedule,
    ...(errorCode !== undefined && { 'error.type': errorCode }),
  })
}

/** Counts moments without a run. */
export function recordOmitted({ service, schedule, reason, count }: OmittedRuns): void {
  counter('tenon.schedule.omitted_runs').add(count, {
    'tenon.service': service,
    'tenon.schedule.name': schedule,
    'tenon.schedule.reason': reason,
  })
}

/** Counts one restart of a background task. */
export function recordRestart({ service, task }: { readonly service: string; readonly task: string }): void {
  counter('tenon.task.restarts').add(1, { 'tenon.service': service, 'tenon.task.name': task })
}
