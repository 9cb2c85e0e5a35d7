import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { expect, it } from 'vitest'
import { ExemplarStore } from '../sdk/exemplar-store.ts'
import { type TextFormat, toExposition } from './exposition.ts'

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

function open() {
  const reader = new Reader()
  const provider = new MeterProvider({
    readers: [reader],
    resource: resourceFromAttributes({ 'service.name': 'note' }),
  })
  const exemplars = new ExemplarStore()
  const textIn = async (format: TextFormat) => {
    const { resourceMetrics: metrics } = await reader.collect()
    return toExposition({ metrics, exemplarsOf: (metric, of) => exemplars.of(metric, of) }, format)
  }
  return { meter: provider.getMeter('mine', '2'), other: provider.getMeter('other'), exemplars, textIn }
}

/** One of each kind. */
function measure({ meter, exemplars }: ReturnType<typeof open>) {
  meter.createCounter('work.done', { unit: '{piece}', description: 'Done.' }).add(2, { 'a.b': 'x"y\\z\n' })
  meter.createUpDownCounter('queue.size', { unit: 'By', description: 'A \\ and\nmore "x".' }).add(-1.5)
  meter.createGauge('use', { unit: '1' }).record(Number.POSITIVE_INFINITY)
  const advice = { explicitBucketBoundaries: [0.5, 1, 2] }
  const duration = meter.createHistogram('work.duration', { unit: 's', description: 'Long.', advice })
  for (const value of [0.25, 0.5, 4]) duration.record(value, { op: 'get' })
  const span = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), atMs: 1_700_000_000_123 }
  for (const value of [0.3, 0.5, 4]) exemplars.add('work.duration', { op: 'get' }, { ...span, value })
}

it('writes the text that Prometheus has always read', async () => {
  const exposed = open()
  measure(exposed)
  expect(await exposed.textIn('prometheus')).toBe(
    String.raw`# HELP target_info What is measured here.
# TYPE target_info gauge
target_info{service_name="note"} 1
# HELP work_done_total Done.
# TYPE work_done_total counter
work_done_total{a_b="x\"y\\z\n",otel_scope_name="mine",otel_scope_version="2"} 2
# HELP queue_size_bytes A \\ and\nmore "x".
# TYPE queue_size_bytes gauge
queue_size_bytes{otel_scope_name="mine",otel_scope_version="2"} -1.5
# TYPE use_ratio gauge
use_ratio{otel_scope_name="mine",otel_scope_version="2"} +Inf
# HELP work_duration_seconds Long.
# TYPE work_duration_seconds histogram
work_duration_seconds_bucket{op="get",otel_scope_name="mine",otel_scope_version="2",le="0.5"} 2
work_duration_seconds_bucket{op="get",otel_scope_name="mine",otel_scope_version="2",le="1"} 2
work_duration_seconds_bucket{op="get",otel_scope_name="mine",otel_scope_version="2",le="2"} 2
work_duration_seconds_bucket{op="get",otel_scope_name="mine",otel_scope_version="2",le="+Inf"} 3
work_duration_seconds_sum{op="get",otel_scope_name="mine",otel_scope_version="2"} 4.75
work_duration_seconds_count{op="get",otel_scope_name="mine",otel_scope_version="2"} 3
`,
  )
})

it('writes OpenMetrics with units, the newest exemplar of each bucket, and its end', async () => {
  const exposed = open()
  measure(exposed)
  const of = `trace_id="${'a'.repeat(32)}",span_id="${'b'.repeat(16)}"`
  expect(await exposed.textIn('openmetrics')).toBe(
    String.raw`# TYPE target info
# HELP target What is measured here.
target_info{service_name="note"} 1
# TYPE work_done counter
# HELP work_done Done.
work_done_total{a_b="x\"y\\z\n",otel_scope_name="mine",otel_scope_version="2"} 2
# TYPE queue_size_bytes gauge
# UNIT queue_size_bytes bytes
# HELP queue_size_bytes A \\ and\nmore \"x\".
queue_size_bytes{otel_scope_name="mine",otel_scope_version="2"} -1.5
# TYPE use_ratio gauge
# UNIT use_ratio ratio
use_ratio{otel_scope_name="mine",otel_scope_version="2"} +Inf
# TYPE work_duration_seconds histogram
# UNIT work_duration_seconds seconds
# HELP work_duration_seconds Long.
work_duration_seconds_bucket{op="get",otel_scope_name="mine",otel_scope_version="2",le="0.5"} 2 # {${of}} 0.5 1700000000.123
work_duration_seconds_bucket{op="get",otel_scope_name="mine",otel_scope_version="2",le="1.0"} 2
work_duration_seconds_bucket{op="get",otel_scope_name="mine",otel_scope_version="2",le="2.0"} 2
work_duration_seconds_bucket{op="get",otel_scope_name="mine",otel_scope_version="2",le="+Inf"} 3 # {${of}} 4 1700000000.123
work_duration_seconds_sum{op="get",otel_scope_name="mine",otel_scope_version="2"} 4.75
work_duration_seconds_count{op="get",otel_scope_name="mine",otel_scope_version="2"} 3
# EOF
`,
  )
})

it('has one family for a metric of several scopes, and the first of two types', async () => {
  const { meter, other, textIn } = open()
  meter.createCounter('done').add(1)
  other.createCounter('done').add(2)
  other.createGauge('done').record(3)
  const text = await textIn('prometheus')
  expect(text.match(/# TYPE done/g)).toHaveLength(1)
  expect(text).toContain(
    'done_total{otel_scope_name="mine",otel_scope_version="2"} 1\ndone_total{otel_scope_name="other"} 2\n',
  )
  expect(text).not.toContain(' 3')
})

it('joins the values of attributes whose labels are the same', async () => {
  const { meter, textIn } = open()
  meter.createGauge('a').record(1, { 'x.y': 'first', x_y: 'second', flag: true })
  expect(await textIn('prometheus')).toContain('a{flag="true",x_y="first;second",')
})

it.each(['prometheus', 'openmetrics'] as const)('can be read as %s, whatever the service measures', async (format) => {
  const { meter, textIn } = open()
  meter.createCounter('work.done').add(1)
  meter.createCounter('work_done').add(2)
  const use = meter.createGauge('use')
  use.record(1, { 'a.b': 'x' })
  use.record(2, { a_b: 'x' })
  use.record(3, { '': 'nameless', a: 'y' })
  meter.createHistogram('long', { advice: { explicitBucketBoundaries: [1] } }).record(1, { le: 'own' })
  const scope = 'otel_scope_name="mine",otel_scope_version="2"'
  const one = format === 'openmetrics' ? '1.0' : '1'
  expect((await textIn(format)).split('\n').filter((line) => /^[^#]/.test(line))).toEqual([
    'target_info{service_name="note"} 1',
    `work_done_total{${scope}} 1`,
    `use{a_b="x",${scope}} 1`,
    `use{a="y",${scope}} 3`,
    `long_bucket{exported_le="own",${scope},le="${one}"} 1`,
    `long_bucket{exported_le="own",${scope},le="+Inf"} 1`,
    `long_sum{exported_le="own",${scope}} 1`,
    `long_count{exported_le="own",${scope}} 1`,
  ])
})
