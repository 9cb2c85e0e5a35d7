import { readFile } from 'node:fs/promises'

/** A span as a Collector has written it. */
export interface CollectedSpan {
  /** `SERVER shop GET /v1/users/:userId`: kind, service and name, and behind them the code that it failed with. */
  readonly title: string
  readonly traceId: string
  readonly spanId: string
  /** Of the span that it is a part of; undefined for a root. */
  readonly parentSpanId?: string
}

/** A line of log as a Collector has written it. */
export interface CollectedLine {
  /** `shop buys` */
  readonly title: string
  readonly traceId?: string
  readonly spanId?: string
}

/** What a Collector has written of some services. */
export interface Collected {
  readonly spans: readonly CollectedSpan[]
  readonly lines: readonly CollectedLine[]
  /** How many values each histogram has: `shop http.server.request.duration`. */
  readonly valueCounts: Readonly<Record<string, number>>
}

/** Reads what a Collector has written of services. @param titles What stands for each of their names in what is given. */
export async function collectedOf(titles: Readonly<Record<string, string>>, file: string): Promise<Collected> {
  const names = Object.keys(titles).map((name) => `"${name}"`)
  // A line without an end is being written.
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1)
  const batches = lines
    .filter((line) => names.some((name) => line.includes(name)))
    .map((line) => JSON.parse(line) as Batch)
  const titled = <Of extends Resourced>(all: readonly Of[]) =>
    all.map((of) => ({ of, title: titles[textOf(of.resource.attributes, 'service.name') ?? ''] ?? '(unknown)' }))
  return {
    spans: titled(batches.flatMap(({ resourceSpans = [] }) => resourceSpans)).flatMap(({ of, title }) =>
      of.scopeSpans.flatMap(({ spans }) => spans.map((span) => toSpan(span, title))),
    ),
    lines: titled(batches.flatMap(({ resourceLogs = [] }) => resourceLogs)).flatMap(({ of, title }) =>
      of.scopeLogs.flatMap(({ logRecords }) =>
        logRecords.map(({ body, ...ids }) => ({ ...ids, title: `${title} ${body.stringValue}` })),
      ),
    ),
    // Each batch has the sums of all before.
    valueCounts: Object.fromEntries(
      titled(batches.flatMap(({ resourceMetrics = [] }) => resourceMetrics)).flatMap(({ of, title }) =>
        of.scopeMetrics.flatMap(({ metrics }) =>
          metrics.map(({ name, histogram }) => [`${title} ${name}`, countOf(histogram)]),
        ),
      ),
    ),
  }
}

/** What the Collector writes in a line: OTLP in JSON. */
interface Batch {
  readonly resourceSpans?: readonly (Resourced & {
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[]
  })[]
  readonly resourceMetrics?: readonly (Resourced & {
    readonly scopeMetrics: readonly { readonly metrics: readonly OtlpMetric[] }[]
  })[]
  readonly resourceLogs?: readonly (Resourced & {
    readonly scopeLogs: readonly { readonly logRecords: readonly OtlpRecord[] }[]
  })[]
}

interface Resourced {
  readonly resource: { readonly attributes: readonly OtlpAttribute[] }
}

interface OtlpAttribute {
  readonly key: string
  readonly value: { readonly stringValue?: string }
}

interface OtlpSpan extends Pick<CollectedSpan, 'traceId' | 'spanId' | 'parentSpanId'> {
  readonly name: string
  /** From 1, in the order of `kinds`. */
  readonly kind: number
  readonly attributes: readonly OtlpAttribute[]
}

interface OtlpMetric {
  readonly name: string
  readonly histogram?: { readonly dataPoints: readonly { readonly count: string }[] }
}

interface OtlpRecord extends Pick<CollectedLine, 'traceId' | 'spanId'> {
  readonly body: { readonly stringValue: string }
}

/** @see OpenTelemetry protocol: Span.SpanKind */
const kinds = ['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']

function toSpan({ name, kind, attributes, ...ids }: OtlpSpan, service: string): CollectedSpan {
  const code = textOf(attributes, 'error.type')
  return { ...ids, title: `${kinds[kind - 1]} ${service} ${name}${code === undefined ? '' : `, ${code}`}` }
}

function textOf(attributes: readonly OtlpAttribute[], key: string): string | undefined {
  return attributes.find((one) => one.key === key)?.value.stringValue
}

function countOf(histogram: OtlpMetric['histogram']): number {
  return (histogram?.dataPoints ?? []).reduce((sum, { count }) => sum + Number(count), 0)
}
