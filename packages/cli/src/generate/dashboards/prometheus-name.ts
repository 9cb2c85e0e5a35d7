import { metricTable } from '@tenon/core/telemetry'

/** A metric, as far as its name in Prometheus goes by it. */
interface NamedMetric {
  readonly instrument: string
  readonly unit: string
}

/** A metric that a dashboard or a rule may show. */
export type ShownMetric = keyof typeof metricTable

/**
 * What a metric is called in Prometheus, without what tells the series of a histogram apart.
 *
 * @see OpenTelemetry, Prometheus and OpenMetrics compatibility: metric metadata
 */
export function prometheusName(name: ShownMetric): string {
  const { instrument, unit }: NamedMetric = metricTable[name]
  const isGauge = instrument.endsWith('gauge') || instrument.endsWith('up-down counter')
  const word = unit === '1' && isGauge ? 'ratio' : (unitWords[unit] ?? '')
  const base = name.replaceAll('.', '_')
  const withUnit = word === '' || base.endsWith(`_${word}`) ? base : `${base}_${word}`
  return !isGauge && instrument.endsWith('counter') ? `${withUnit}_total` : withUnit
}

/** What is counted, in braces, is no unit. */
const unitWords: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes' }
