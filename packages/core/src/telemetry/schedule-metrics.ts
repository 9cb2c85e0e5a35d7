import { metrics } from '@opentelemetry/api'

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

/** The metrics of what a service does by itself, by their names. Nothing happens without an OpenTelemetry SDK. */
export const scheduleMetrics = Object.freeze({
  'tenon.schedule.run.duration': { unit: 's', description: 'How long a run of a schedule took.' },
  'tenon.schedule.omitted_runs': { unit: '{run}', description: 'Moments of a schedule at which nothing was run.' },
  'tenon.task.restarts': { unit: '{restart}', description: 'How often a background task was begun again.' },
} satisfies Readonly<Record<string, { readonly unit: string; readonly description: string }>>)

/**
 * Records how long a run took. The meter is asked for each time: an SDK may be registered by what the service creates.
 *
 * @see OpenTelemetry semantic conventions: durations are in seconds, `error.type` says that and how something failed
 */
export function recordRun({ service, schedule, durationMs, errorCode }: EndedRun): void {
  const metric = 'tenon.schedule.run.duration'
  metrics
    .getMeter('@tenon/core')
    .createHistogram(metric, scheduleMetrics[metric])
    .record(durationMs / 1_000, {
      'tenon.service': service,
      'tenon.schedule.name': schedule,
      ...(errorCode !== undefined && { 'error.type': errorCode }),
    })
}

/** Counts moments without a run. */
export function recordOmitted({ service, schedule, reason, count }: OmittedRuns): void {
  const metric = 'tenon.schedule.omitted_runs'
  metrics
    .getMeter('@tenon/core')
    .createCounter(metric, scheduleMetrics[metric])
    .add(count, { 'tenon.service': service, 'tenon.schedule.name': schedule, 'tenon.schedule.reason': reason })
}

/** Counts one restart of a background task. */
export function recordRestart({ service, task }: { readonly service: string; readonly task: string }): void {
  const metric = 'tenon.task.restarts'
  metrics
    .getMeter('@tenon/core')
    .createCounter(metric, scheduleMetrics[metric])
    .add(1, { 'tenon.service': service, 'tenon.task.name': task })
}
