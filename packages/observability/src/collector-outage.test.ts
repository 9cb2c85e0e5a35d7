import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Span, trace } from '@opentelemetry/api'
import type { RunningTelemetry } from '@tenon/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { FakeCollector, noted, type Reply } from './collector.test-harness.ts'
import { observability } from './observability.ts'

let telemetry: RunningTelemetry | undefined

afterEach(async () => {
  await telemetry?.stop()
  telemetry = undefined
})

/** Sends at once what it has, and gives a batch up soon. */
const impatient = {
  OTEL_BSP_SCHEDULE_DELAY: '1',
  OTEL_BLRP_SCHEDULE_DELAY: '1',
  OTEL_METRIC_EXPORT_INTERVAL: '20',
  OTEL_EXPORTER_OTLP_TIMEOUT: '100',
}

async function startFor(port: number, environment = {}) {
  const { log, lines } = noted()
  const options = { endpoint: `http://127.0.0.1:${port}` }
  const service = { name: 'note', version: '1.2.3', instanceId: 'note-a' }
  telemetry = await observability(options).start({ service, environment: { ...impatient, ...environment }, log })
  return lines
}

function work(count: number): void {
  for (let index = 0; index < count; index++) {
    trace.getTracer('test').startSpan('a span of work').end()
    telemetry?.writeLine?.(`${JSON.stringify({ level: 30, time: 1, msg: 'a line of work' })}\n`)
  }
}

const away = { level: 'warn', message: expect.stringContaining('the Collector does not take telemetry') as string }
const back = { level: 'info', message: 'the Collector takes telemetry again' }

const told = [
  ['traces', 'a span of work'],
  ['logs', 'a line of work'],
] as const

/** Works until something is so; each time more is lost. */
const working = (isSo: () => void) =>
  vi.waitFor(
    () => {
      work(10)
      isSo()
    },
    { timeout: 15_000, interval: 20 },
  )

describe.each<[string, Reply, string]>([
  ['hangs', 'hang', 'timed out'],
  ['fails', { status: 500 }, 'Internal Server Error'],
  ['is overloaded', { status: 503, headers: { 'retry-after': '3600' } }, ''],
  ['refuses more', { status: 429, headers: { 'retry-after': '3600' } }, ''],
  ['knows us not', { status: 401 }, 'Unauthorized'],
])('a Collector that %s', (_what, reply, reason) => {
  it('is told of once, and once more when it takes all again', async () => {
    await using collector = new FakeCollector()
    collector.reply = reply
    const lines = await startFor(await collector.listen())
    await working(() => expect(collector.requestCount).toBeGreaterThan(8))
    await working(() => expect(lines.length).toBeGreaterThan(0))
    expect(lines).toEqual([
      { ...away, fields: { signal: expect.any(String) as string, reason: expect.any(String) as string } },
    ])
    expect(lines[0]?.fields).toMatchObject({ reason: expect.stringMatching(new RegExp(reason, 'i')) as string })
    collector.reply = 'take'
    await working(() => expect(lines.length).toBeGreaterThan(1))
    expect(lines).toMatchObject([away, back])
    await working(() => expect(collector.count('traces', 'a span of work')).toBeGreaterThan(0))
    expect(lines).toHaveLength(2)
  })
})

it('a Collector that is not there is told of once, and found when it comes', async () => {
  const before = new FakeCollector()
  const port = await before.listen()
  await before[Symbol.asyncDispose]()
  const lines = await startFor(port)
  await working(() => expect(lines).toMatchObject([away]))
  await using collector = new FakeCollector()
  await collector.listen(port)
  await working(() => expect(lines.length).toBeGreaterThan(1))
  expect(lines).toMatchObject([away, back])
})

it.each(told)(
  'that %s come faster than the Collector takes them is told of once, and that it takes all again',
  async (signal) => {
    await using collector = new FakeCollector()
    const queues = { OTEL_BSP_MAX_QUEUE_SIZE: '64', OTEL_BLRP_MAX_QUEUE_SIZE: '64', OTEL_METRICS_EXPORTER: 'none' }
    const other = signal === 'traces' ? 'LOGS' : 'TRACES'
    const lines = await startFor(await collector.listen(), { ...queues, [`OTEL_${other}_EXPORTER`]: 'none' })
    work(60)
    await vi.waitFor(() => expect(collector.requestCount).toBe(1))
    expect(lines).toEqual([])
    work(500)
    await vi.waitFor(() => expect(lines.length).toBeGreaterThan(0))
    expect(lines[0]).toEqual({ ...away, fields: { signal, reason: expect.stringContaining('is full') as string } })
    await working(() => expect(lines.length).toBeGreaterThan(1))
    expect(lines).toMatchObject([away, back])
  },
)

it('no more is kept for a Collector that hangs than the queues hold; what comes beyond is dropped', async () => {
  await using collector = new FakeCollector()
  collector.reply = 'hang'
  const queues = { OTEL_BSP_MAX_QUEUE_SIZE: '64', OTEL_BLRP_MAX_QUEUE_SIZE: '64', OTEL_EXPORTER_OTLP_TIMEOUT: '500' }
  await startFor(await collector.listen(), queues)
  work(1)
  await vi.waitFor(() => expect(collector.requestCount).toBeGreaterThanOrEqual(2))
  work(20_000)
  collector.reply = 'take'
  await telemetry?.stop()
  // Besides a full queue, the batch that was under way when it began to fill.
  for (const [signal, text] of told) {
    expect(collector.count(signal, text)).toBeGreaterThanOrEqual(64)
    expect(collector.count(signal, text)).toBeLessThanOrEqual(128)
  }
})

it('of 100,000 spans and lines no more is held while the Collector hangs than a queue and a batch of each', async () => {
  await using collector = new FakeCollector()
  collector.reply = 'hang'
  await startFor(await collector.listen())
  const spans: WeakRef<Span>[] = []
  const tracer = trace.getTracer('test')
  for (let turn = 0; turn < 1_000; turn++) {
    for (let index = 0; index < 100; index++) {
      const span = tracer.startSpan('a span of work')
      span.end()
      spans.push(new WeakRef(span))
      telemetry?.writeLine?.(`${JSON.stringify({ level: 30, time: 1, msg: 'a line of work' })}\n`)
    }
    // Batches go out and are given up meanwhile.
    await setImmediate()
  }
  // V8 lets go of what was referred to when it next comes to it.
  await vi.waitFor(
    () => {
      collectGarbage()
      const held = spans.filter((span) => span.deref() !== undefined).length
      expect(held).toBeLessThanOrEqual(2_048 + 512)
    },
    { timeout: 1_000, interval: 5 },
  )
  collector.reply = 'take'
  await telemetry?.stop()
  for (const [signal, text] of told) expect(collector.count(signal, text)).toBeLessThanOrEqual(2_048 + 512)
})

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}
