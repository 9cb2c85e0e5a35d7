import { metrics } from '@opentelemetry/api'

/** A phase of a start or a stop that has ended. */
export interface EndedPhase {
  readonly service: string
  readonly stage: 'start' | 'stop'
  readonly name: string
  readonly durationMs: number
  readonly error: Error | undefined
}

/** The metrics of a process's life, by their names. Nothing happens without an OpenTelemetry SDK. */
export const lifecycleMetrics = Object.freeze({
  'tenon.lifecycle.phase.duration': { unit: 's', description: 'How long a phase of a start or a stop took.' },
} satisfies Readonly<Record<string, MetricFacts>>)

interface MetricFacts {
  readonly unit: string
  readonly description: string
}

/**
 * Records how long a phase took. The meter is asked for each time: an SDK may be registered by what the service creates.
 *
 * @see OpenTelemetry semantic conventions: durations are in seconds, `error.type` says that and how something failed
 */
export function recordPhase({ service, stage, name, durationMs, error }: EndedPhase): void {
  const metric = 'tenon.lifecycle.phase.duration'
  metrics
    .getMeter('@tenon/core')
    .createHistogram(metric, lifecycleMetrics[metric])
    .record(durationMs / 1_000, {
      'tenon.service': service,
      'tenon.lifecycle.stage': stage,
      'tenon.lifecycle.phase': name,
      ...(error && { 'error.type': error.name }),
    })
}
