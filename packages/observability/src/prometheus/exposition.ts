import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics'
import type { Exemplar } from '../sdk/exemplar-store.ts'
import { type FamilyType, toLabelName, type MetricName, toMetricName } from './metric-name.ts'

/** The two text formats that Prometheus reads. */
export type TextFormat = 'prometheus' | 'openmetrics'

/** Attributes of a point of data. */
type Attributes = Readonly<Record<string, unknown>>

/** What is written. */
export interface Exposed {
  readonly metrics: ResourceMetrics
  /** Those of one series of a histogram, the newest first. */
  readonly exemplarsOf: (metric: string, attributes: Attributes) => readonly Exemplar[]
}

interface Family extends MetricName {
  readonly type: FamilyType
  readonly help: string
  readonly lines: string[]
  /** The labels of those that it has. */
  readonly series: Set<string>
}

/**
 * All metrics as text. What has no form there is left out: exponential histograms, and attributes without a name. Of two metrics of one name
 * and different types, and of two series of one name and the same labels, the first counts: who reads takes all of it or nothing.
 *
 * @see Prometheus, exposition formats 0.0.4; OpenMetrics 1.0; OpenTelemetry, Prometheus and OpenMetrics compatibility
 */
export function toExposition({ metrics, exemplarsOf }: Exposed, format: TextFormat): string {
  const families = new Map<string, Family>()
  for (const { scope, metrics: ofScope } of metrics.scopeMetrics) {
    const scopeLabels = { otel_scope_name: scope.name, ...(scope.version && { otel_scope_version: scope.version }) }
    for (const metric of ofScope) {
      const family = familyOf(families, metric)
      if (family === undefined) continue
      for (const line of linesOf(metric, { family, scopeLabels, format, exemplarsOf })) family.lines.push(line)
    }
  }
  const written = [targetFamily(metrics.resource.attributes), ...families.values()].map((one) => textOf(one, format))
  return `${written.join('')}${format === 'openmetrics' ? '# EOF\n' : ''}`
}

/** Undefined for what cannot be written. */
function familyOf(families: Map<string, Family>, { descriptor, ...data }: MetricData): Family | undefined {
  const type = typeOf({ descriptor, ...data } as MetricData)
  if (type === undefined) return undefined
  const name = toMetricName(descriptor.name, descriptor.unit, type)
  const known = families.get(name.family)
  if (known) return known.type === type ? known : undefined
  const family: Family = { ...name, type, help: descriptor.description, lines: [], series: new Set() }
  families.set(name.family, family)
  return family
}

/** By the numbers that the SDK gives them. @see `DataPointType` of `@opentelemetry/sdk-metrics` */
const kinds = { histogram: 0, gauge: 2, sum: 3 } as const

function typeOf(metric: MetricData): FamilyType | undefined {
  const kind: number = metric.dataPointType
  if (kind === kinds.histogram) return 'histogram'
  if (kind === kinds.gauge) return 'gauge'
  if (kind !== kinds.sum) return undefined
  return 'isMonotonic' in metric && metric.isMonotonic ? 'counter' : 'gauge'
}

interface Writing {
  readonly family: Family
  readonly scopeLabels: Attributes
  readonly format: TextFormat
  readonly exemplarsOf: Exposed['exemplarsOf']
}

function linesOf({ descriptor, dataPoints }: MetricData, writing: Writing): readonly string[] {
  const { family, scopeLabels } = writing
  return dataPoints.flatMap(({ attributes, value }) => {
    const labels = labelText({ ...toLabels(attributes, family.type), ...scopeLabels })
    if (family.series.has(labels)) return []
    family.series.add(labels)
    if (typeof value === 'number') {
      const suffix = family.type === 'counter' ? '_total' : ''
      return [`${family.family}${suffix}{${labels}} ${numberText(value)}`]
    }
    if (!('buckets' in value)) return []
    const exemplars = writing.exemplarsOf(descriptor.name, attributes)
    return histogramLines(value, { ...writing, labels, exemplars })
  })
}

interface HistogramValue {
  readonly buckets: { readonly boundaries: readonly number[]; readonly counts: readonly number[] }
  readonly sum?: number
  readonly count: number
}

interface HistogramWriting extends Writing {
  readonly labels: string
  readonly exemplars: readonly Exemplar[]
}

function histogramLines(
  { buckets, sum, count }: HistogramValue,
  { family: { family }, format, labels, exemplars }: HistogramWriting,
): readonly string[] {
  let countUpTo = 0
  const lines = [...buckets.boundaries, Number.POSITIVE_INFINITY].map((bound, index) => {
    countUpTo += buckets.counts[index] ?? 0
    const above = buckets.boundaries[index - 1] ?? Number.NEGATIVE_INFINITY
    const le = format === 'openmetrics' ? floatText(bound) : numberText(bound)
    const exemplar = exemplars.find(({ value }) => value > above && value <= bound)
    const text = format === 'openmetrics' && exemplar ? exemplarText(exemplar) : ''
    return `${family}_bucket{${labels},${labelText({ le })}} ${countUpTo}${text}`
  })
  // One that took negative values has none.
  const sums = sum === undefined ? [] : [`${family}_sum{${labels}} ${numberText(sum)}`]
  return [...lines, ...sums, `${family}_count{${labels}} ${count}`]
}

/** @see OpenMetrics 1.0, exemplars: at most 128 characters of labels */
function exemplarText({ traceId, spanId, value, atMs }: Exemplar): string {
  return ` # {${labelText({ trace_id: traceId, span_id: spanId })}} ${numberText(value)} ${(atMs / 1_000).toFixed(3)}`
}

/** What is true of all that follows. */
function targetFamily(attributes: Attributes): Family {
  const line = `target_info{${labelText(toLabels(attributes, 'gauge'))}} 1`
  return { family: 'target', unit: '', type: 'gauge', help: 'What is measured here.', lines: [line], series: new Set() }
}

function textOf({ family, unit, type, help, lines }: Family, format: TextFormat): string {
  if (lines.length === 0) return ''
  const isTarget = family === 'target'
  if (format === 'openmetrics') {
    const head = [
      `# TYPE ${family} ${isTarget ? 'info' : type}`,
      ...(unit === '' ? [] : [`# UNIT ${family} ${unit}`]),
      ...(help === '' ? [] : [`# HELP ${family} ${escaped(help)}`]),
    ]
    return `${[...head, ...lines].join('\n')}\n`
  }
  const named = isTarget ? 'target_info' : type === 'counter' ? `${family}_total` : family
  const head = [
    ...(help === '' ? [] : [`# HELP ${named} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`]),
    `# TYPE ${named} ${type}`,
  ]
  return `${[...head, ...lines].join('\n')}\n`
}

/** Attributes whose names become the same have their values joined. */
function toLabels(attributes: Attributes, type: FamilyType): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {}
  for (const name of Object.keys(attributes).toSorted()) {
    if (name === '') continue
    const known = toLabelName(name)
    // A bucket has its own. @see Prometheus, scrape_config: labels that are taken are `exported_…`
    const label = known === 'le' && type === 'histogram' ? 'exported_le' : known
    const value = attributes[name]
    const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
    labels[label] = label in labels ? `${labels[label]};${text}` : text
  }
  return labels
}

function labelText(labels: Attributes): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(String(value))}"`)
    .join(',')
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

/** @see OpenMetrics 1.0, considerations for canonical numbers: `1.0` */
function floatText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : numberText(value)
}
