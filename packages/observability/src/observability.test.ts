import { metrics, propagation, ROOT_CONTEXT, trace, type Span } from '@opentelemetry/api'
import type { AdminRequest, RunningTelemetry } from '@tenon/core'
import { expect, it, vi } from 'vitest'
import { FakeCollector, noted } from './collector.test-harness.ts'
import { observability } from './observability.ts'
import type { ObservabilityOptions } from './setting/observability-options.ts'

const service = { name: 'note', version: '1.2.3', instanceId: 'note-a' }
async function open(options: ObservabilityOptions = {}, environment = {}) {
  const collector = new FakeCollector()
  const port = await collector.listen()
  const { log, lines } = noted()
  const telemetry = await observability({ endpoint: `http://127.0.0.1:${port}`, ...options }).start({
    service,
    environment,
    log,
  })
  const flush = () => Promise.all([flushGlobals(), telemetry.flush?.()])
  const close = async () => {
    await telemetry.stop()
    await collector[Symbol.asyncDispose]()
  }
  return { collector, telemetry, lines, flush, [Symbol.asyncDispose]: close }
}

/** As the service does, which knows only the API. */
async function flushGlobals(): Promise<void> {
  const tracers = trace.getTracerProvider() as unknown as { getDelegate(): { forceFlush?(): Promise<void> } }
  const meters = metrics.getMeterProvider() as { forceFlush?(): Promise<void> }
  await Promise.all([tracers.getDelegate().forceFlush?.(), meters.forceFlush?.()])
}

const inSpan = <Result>(name: string, run: (span: Span) => Result): Result =>
  trace.getTracer('test').startActiveSpan(name, (span) => {
    const result = run(span)
    span.end()
    return result
  })

/** An id as OTLP carries it, read byte by byte. */
const binary = (id: string) => Buffer.from(id, 'hex').toString('latin1')

const line = (fields: object) => `${JSON.stringify({ level: 30, time: Date.now(), service: 'note', ...fields })}\n`

const metricsOf = async ({ routes = [] }: RunningTelemetry, accept?: string) => {
  const request: AdminRequest = { method: 'GET', query: new URLSearchParams(), accept, hasToken: false }
  return routes[0]?.answer(request)
}

it('sends spans, metrics and lines of log, all with the name of the service, and lines with the span they are of', async () => {
  await using opened = await open({ headers: { 'x-tenant': 'a' }, resource: { team: 'shop' } })
  const { collector, telemetry, flush } = opened
  const { traceId, spanId } = inSpan('work', (span) => {
    metrics.getMeter('test').createCounter('work.done').add(1)
    telemetry.writeLine?.(line({ msg: 'at work' }))
    return span.spanContext()
  })
  await flush()
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    expect(collector.count(signal, 'note-a'), signal).toBe(1)
    expect(collector.count(signal, 'shop'), signal).toBe(1)
  }
  expect(collector.count('metrics', 'work.done')).toBe(1)
  for (const id of [traceId, spanId]) {
    expect(collector.count('traces', binary(id))).toBe(1)
    expect(collector.count('logs', binary(id))).toBe(1)
  }
  expect(collector.count('logs', 'at work')).toBe(1)
  for (const { headers } of collector.taken)
    expect(headers).toMatchObject({ 'content-type': 'application/x-protobuf', 'x-tenant': 'a' })
})

it('sends compressed where it is told to', async () => {
  await using opened = await open({}, { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' })
  inSpan('work', () => undefined)
  await opened.flush()
  expect(opened.collector.taken.map(({ headers }) => headers['content-encoding'])).toContain('gzip')
  expect(opened.collector.count('traces', 'note-a')).toBe(1)
})

it('carries the trace of a caller on, and lets the caller decide whether it is kept', async () => {
  await using opened = await open({ sampleRatio: 0 })
  const from = (flags: string) =>
    propagation.extract(ROOT_CONTEXT, {
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-${flags}`,
      baggage: 'k=v',
    })
  for (const [name, flags] of [
    ['kept', '01'],
    ['dropped', '00'],
  ] as const)
    trace.getTracer('test').startActiveSpan(name, {}, from(flags), (span) => {
      const carrier: Record<string, string> = {}
      inSpan(`inner-${name}`, () => propagation.inject(trace.setSpan(from(flags), span), carrier))
      expect(carrier).toMatchObject({ traceparent: expect.stringContaining('a'.repeat(32)) as string, baggage: 'k=v' })
      span.end()
    })
  inSpan('own', () => undefined)
  await opened.flush()
  expect(opened.collector.count('traces', 'inner-kept')).toBe(1)
  expect(opened.collector.count('traces', 'dropped')).toBe(0)
  expect(opened.collector.count('traces', 'own')).toBe(0)
})

it('shows metrics to who asks, with the span that a value was measured in', async () => {
  await using opened = await open({ metrics: 'none' })
  const { traceId } = inSpan('work', (span) => {
    metrics.getMeter('test').createHistogram('work.duration', { unit: 's' }).record(3, { op: 'get' })
    return span.spanContext()
  })
  const plain = await metricsOf(opened.telemetry)
  expect(plain).toMatchObject({
    status: 200,
    headers: { 'content-type': expect.stringMatching(/^text\/plain; version=0\.0\.4/) as string },
  })
  expect(plain?.body).toContain('work_duration_seconds_count{op="get",otel_scope_name="test"} 1\n')
  const exact = await metricsOf(opened.telemetry, 'application/openmetrics-text; version=1.0.0')
  expect(exact?.body).toContain(`,le="5.0"} 1 # {trace_id="${traceId}",span_id=`)
  await opened.flush()
  expect(opened.collector.count('metrics', 'work')).toBe(0)
})

it('keeps no exemplar of a span that is not kept, and none of a value outside of spans', async () => {
  await using opened = await open({ sampleRatio: 0 })
  const histogram = metrics.getMeter('test').createHistogram('work.duration')
  inSpan('work', () => histogram.record(3))
  histogram.record(4)
  const { body = '' } = (await metricsOf(opened.telemetry, 'application/openmetrics-text')) ?? {}
  expect(body).toContain('work_duration_count{otel_scope_name="test"} 2')
  expect(body).not.toContain('trace_id')
})

it('sends nothing of a signal that is off, and collects nothing at all where the SDK is disabled', async () => {
  {
    await using off = await open({}, { OTEL_TRACES_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' })
    expect(off.telemetry.writeLine).toBeUndefined()
    expect(inSpan('work', (span) => span.isRecording())).toBe(true)
    metrics.getMeter('test').createCounter('work.done').add(1)
    await off.flush()
    expect(new Set(off.collector.taken.map(({ path }) => path))).toEqual(new Set(['/v1/metrics']))
    await off.telemetry.stop()
  }
  await using disabled = await open({}, { OTEL_SDK_DISABLED: 'true' })
  expect(inSpan('work', (span) => span.isRecording())).toBe(false)
  expect(Object.keys(disabled.telemetry)).toEqual(['stop'])
})

it('takes its place back when it stops, sends what is left, and can be started again', async () => {
  await using first = await open()
  inSpan('last', () => undefined)
  await first.telemetry.stop()
  expect(first.collector.count('traces', 'last')).toBe(1)
  expect(inSpan('none', (span) => span.isRecording())).toBe(false)
  await using second = await open()
  expect(inSpan('again', (span) => span.isRecording())).toBe(true)
  expect(second.lines).toEqual([])
})

it('leaves an SDK alone that the process has registered, says so, and sends lines of log all the same', async () => {
  await using first = await open()
  await using second = await open()
  expect(second.lines).toMatchObject([
    { level: 'warn', message: expect.stringContaining('registered an OpenTelemetry SDK already') as string },
  ])
  inSpan('work', () => second.telemetry.writeLine?.(line({ msg: 'at work' })))
  await second.telemetry.stop()
  await first.flush()
  expect(first.collector.count('traces', 'work')).toBe(1)
  expect(second.collector.count('logs', 'at work')).toBe(1)
  expect(inSpan('still', (span) => span.isRecording())).toBe(true)
})

it('tells before a start what would keep it from starting', async () => {
  const { check } = observability()
  expect(await check?.({})).toEqual([])
  expect(await check?.({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toEqual([])
  expect(await check?.({ OTEL_TRACES_EXPORTER: 'zipkin' })).toMatchObject([{ code: 'config.malformed' }])
  expect(await check?.({ OTEL_TRACES_EXPORTER: 'zipkin', OTEL_SDK_DISABLED: 'true' })).toEqual([])
})

it('takes the place of another service of the process when that one stops', async () => {
  const first = await open()
  await using second = await open()
  inSpan('of both', () => undefined)
  await first[Symbol.asyncDispose]()
  inSpan('of the second', () => metrics.getMeter('test').createCounter('work.done').add(1))
  await second.flush()
  expect(first.collector.count('traces', 'of both')).toBe(1)
  expect(second.collector.count('traces', 'of the second')).toBe(1)
  expect((await metricsOf(second.telemetry))?.body).toContain('work_done_total')
})

it('waits in a flush for what is being sent already', async () => {
  await using opened = await open({ timeoutMs: 200 }, { OTEL_BSP_SCHEDULE_DELAY: '1' })
  const { collector, telemetry } = opened
  collector.reply = 'hang'
  inSpan('work', () => undefined)
  await vi.waitFor(() => expect(collector.requestCount).toBe(1))
  let isFlushed = false
  const flushed = telemetry.flush?.().then(() => (isFlushed = true))
  await flushGlobals()
  expect(isFlushed).toBe(false)
  await collector[Symbol.asyncDispose]()
  await flushed
})
