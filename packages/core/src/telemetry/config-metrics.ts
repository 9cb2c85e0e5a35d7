import { metrics } from '@opentelemetry/api'

/** A new value of a setting that could not be used. */
export interface RefusedValue {
  readonly service: string
  readonly variable: string
}

/** The metrics of settings, by their names. Nothing happens without an OpenTelemetry SDK. */
export const configMetrics = Object.freeze({
  'tenon.config.refused_values': {
    unit: '{value}',
    description: 'New values of settings that could not be used, so that the last good ones stayed in force.',
  },
} satisfies Readonly<Record<string, { readonly unit: string; readonly description: string }>>)

/** Counts a value that was refused. The meter is asked for each time: an SDK may be registered by what the service creates. */
export function recordRefused({ service, variable }: RefusedValue): void {
  const metric = 'tenon.config.refused_values'
  metrics
    .getMeter('@tenon/core')
    .createCounter(metric, configMetrics[metric])
    .add(1, { 'tenon.service': service, 'tenon.config.variable': variable })
}
