import { type Attributes, metrics } from '@opentelemetry/api'
import { DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'

/** A series of a metric, as an SDK exports it. */
export interface Series {
  readonly attributes: Attributes
  /** Of a histogram how many values there were. */
  readonly value: number
}

/** A metric, as an SDK exports it. */
export interface ExportedMetric {
  readonly name: string
  readonly unit: string
  readonly series: readonly Series[]
}

/** An SDK that is registered for all metrics of the process, until it is disposed. */
export function registerSdk(): AsyncDisposable & {
  collect(): Promise<readonly ExportedMetric[]>
  /** The series of a metric; none where it was not recorded. */
  seriesOf(name: string): Promise<readonly Series[]>
  /** Does this whenever it is told to export at once. */
  onFlush(work: () => Promise<void>): void
} {
  const reader = new OnDemandReader()
  const provider = new MeterProvider({ readers: [reader] })
  if (!metrics.setGlobalMeterProvider(provider)) throw new Error('another SDK is registered')
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect()
    if (errors.length > 0) throw new AggregateError(errors)
    return resourceMetrics.scopeMetrics.flatMap((scope) =>
      scope.metrics.map(({ descriptor: { name, unit }, dataPointType, dataPoints }) => ({
        name,
        unit,
        series: dataPoints.map(({ attributes, value }) => ({
          attributes,
          value: dataPointType === DataPointType.HISTOGRAM ? (value as { count: number }).count : (value as number),
        })),
      })),
    )
  }
  return {
    collect,
    seriesOf: async (name) => (await collect()).find((metric) => metric.name === name)?.series ?? [],
    onFlush: (work) => void (reader.onFlush = work),
    [Symbol.asyncDispose]: async () => {
      metrics.disable()
      await provider.shutdown()
    },
  }
}

/** Collects when it is asked to. */
class OnDemandReader extends MetricReader {
  onFlush: () => Promise<void> = async () => undefined

  protected override onForceFlush(): Promise<void> {
    return this.onFlush()
  }

  protected override async onShutdown(): Promise<void> {}
}
