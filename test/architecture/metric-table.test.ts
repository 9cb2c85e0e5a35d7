import { type MeterProvider, metrics, ROOT_CONTEXT } from '@opentelemetry/api'
import { defineService, hook, ServiceError } from '@tenon/core'
import {
  instanceAttributes,
  recordBreaker,
  recordEjection,
  recordPassedOver,
  recordPick,
  recordReturn,
} from '../../packages/core/src/telemetry/client-metrics.ts'
import {
  grpcClientConvention,
  grpcServerConvention,
  httpAnsweredAttributes,
  httpClientConvention,
  httpServerConvention,
  processConvention,
  sendConvention,
} from '../../packages/core/src/telemetry/convention.ts'
import { ObservedCall } from '../../packages/core/src/telemetry/observed-call.ts'
import { recordRefused } from '../../packages/core/src/telemetry/config-metrics.ts'
import { type MetricRow, metricTable } from '../../packages/core/src/telemetry/metric-table.ts'
import { recordOverload } from '../../packages/core/src/telemetry/overload-metrics.ts'
import { recordDecision } from '../../packages/core/src/telemetry/policy-metrics.ts'
import { recordOmitted, recordRestart, recordRun } from '../../packages/core/src/telemetry/schedule-metrics.ts'
import { afterEach, describe, expect, it } from 'vitest'
import { packageNames, readText, sourcesOf } from './source-file.ts'

/** `docs/metric.md`, as the table has it. */
function metricDocument(): string {
  return [
    '# Metrics',
    '',
    'Generated from `packages/core/src/telemetry/metric-table.ts`; `npx vitest run test/architecture/metric-table -u` writes it anew.',
    '',
    'They are recorded with the OpenTelemetry SDK that the process has registered, and take some nanoseconds without one. Names, instruments, units',
    'and attributes are promises. A histogram of seconds has the buckets that stand below its meaning.',
    '',
    '| metric | instrument | unit | attributes | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(([name, { instrument, unit, description, attributes, boundaries }]) => {
      const told = Object.entries(attributes).map(([attribute, meaning]) => `\`${attribute}\` (${meaning})`)
      const meaning = `${description}${boundaries ? `<br>${boundaries.join(', ')}` : ''}`
      return `| \`${name}\` | ${instrument} | ${unit} | ${told.join(', ')} | ${meaning} |`
    }),
    '',
  ].join('\n')
}

const rows: readonly (readonly [string, MetricRow])[] = Object.entries(metricTable)

/** A metric as it is recorded. */
interface Metric {
  readonly instrument: string
  readonly attributes: readonly string[]
}

afterEach(() => metrics.disable())

/** What is recorded while a service that starts, and one that does not, live, and of what services do by themselves. */
async function recorded(): Promise<ReadonlyMap<string, Metric>> {
  const made = new Map<string, { instrument: string; attributes: Set<string> }>()
  const create = (instrument: string) => (name: string) => {
    const metric = made.get(name) ?? { instrument, attributes: new Set() }
    made.set(name, metric)
    const note = (_value: number, attributes: object = {}) => {
      for (const attribute of Object.keys(attributes)) metric.attributes.add(attribute)
    }
    return { record: note, add: note }
  }
  const meter = {
    createHistogram: create('histogram'),
    createCounter: create('counter'),
    createUpDownCounter: create('up-down counter'),
    createGauge: create('gauge'),
    createObservableCounter: () => undefined,
    createObservableGauge: () => undefined,
    createObservableUpDownCounter: () => undefined,
    addBatchObservableCallback: () => undefined,
    removeBatchObservableCallback: () => undefined,
  }
  metrics.setGlobalMeterProvider({ getMeter: () => meter } as unknown as MeterProvider)
  const environment = { LOG_LEVEL: 'silent' }
  const common = { version: '1.0.0', handlers: [], admin: false } as const
  await (await defineService({ ...common, name: 'sound' }).start({ environment })).stop()
  const failing = hook('fails', () => Promise.reject(new Error('broken')))
  const broken = defineService({ ...common, name: 'broken', onStart: [failing] })
  await expect(broken.start({ environment })).rejects.toThrow('broken')
  recordRun({ service: 'sound', schedule: 'tidy', durationMs: 1, errorCode: 'internal' })
  recordOmitted({ service: 'sound', schedule: 'tidy', reason: 'overlap', count: 1 })
  recordDecision({ contract: 'shop.UserService', operation: 'getUser', decision: 'retry', code: 'unavailable' })
  recordRestart({ service: 'sound', task: 'relay' })
  recordRefused({ service: 'sound', variable: 'RATE_LIMIT' })
  for (let port = 0; port <= 1_000; port++) {
    const instance = instanceAttributes({ contract: 'shop.NoteService', address: `10.0.0.7:${port}` })
    recordPick(instance)
    recordEjection(instance, 'success_rate')
    recordReturn(instance)
    recordPassedOver(instance)
    recordBreaker(instance, 'open')
  }
  const refused = new Map([['sheddable', 1]])
  recordCalls()
  recordOverload({ service: 'sound', concurrencyLimit: 200, waitingCount: 0, pressure: 'high', refused })
  const facts = ({ instrument, attributes }: { instrument: string; attributes: Set<string> }): Metric => ({
    instrument,
    attributes: [...attributes].toSorted(),
  })
  return new Map(Array.from(made, ([name, one]) => [name, facts(one)] as const))
}

/** A call that failed, by each convention that measures it. */
function recordCalls(): void {
  const place = { address: '10.0.0.7:1' }
  const route = { method: 'GET', route: '/v1/users/:userId' }
  const message = { system: 'kafka', topic: 'shop.order.placed.v1' }
  const conventions = [
    httpServerConvention({ ...route, scheme: 'http', status: 200, statusOf: () => 500 }),
    grpcServerConvention('shop.v1.UserService/GetUser'),
    grpcClientConvention({ method: 'shop.v1.UserService/GetUser', place }),
    processConvention({ ...message, group: 'mail' }),
    sendConvention(message),
  ]
  const begin = (convention: (typeof conventions)[number]) =>
    ObservedCall.begin(
      () => convention,
      () => ({ parent: ROOT_CONTEXT }),
    )
  const sent = begin(httpClientConvention({ ...route, place }))
  sent?.mark(httpAnsweredAttributes(500))
  for (const call of [sent, ...conventions.map(begin)]) call?.end(new ServiceError('internal', 'no'))
}

describe('the table of metrics', () => {
  it('is what docs/metric.md says', async () => {
    await expect(metricDocument()).toMatchFileSnapshot('../../docs/metric.md')
  })

  it('has the instrument and the attributes of what is recorded', async () => {
    const made = await recorded()
    const told = rows
      .filter(([name]) => made.has(name))
      .map(([name, { instrument, attributes }]) => [
        name,
        { instrument, attributes: Object.keys(attributes).toSorted() },
      ])
    expect(Object.fromEntries(made)).toEqual(Object.fromEntries(told))
  })

  it('has no metric and no attribute that nothing records', () => {
    const texts = packageNames()
      .flatMap((name) => sourcesOf(name).map(({ path }) => [name, path] as const))
      .filter(([, path]) => path !== 'telemetry/metric-table.ts')
      .map(([name, path]) => readText('packages', name, 'src', path))
    const names = rows.flatMap(([name, { attributes }]) => [name, ...Object.keys(attributes)])
    expect(names.filter((name) => !texts.some((text) => text.includes(`'${name}'`)))).toEqual([])
  })

  it('is what all instruments are made of', () => {
    // `observability` hands out the meters of the SDK, and has no metric of its own.
    const measuring = packageNames().filter((name) => name !== 'observability')
    const makers = measuring.flatMap((name) =>
      sourcesOf(name)
        .filter(({ path }) => /\bgetMeter\(/.test(readText('packages', name, 'src', path)))
        .map(({ path }) => `${name}/${path}`),
    )
    expect(makers).toEqual(['core/telemetry/instrument.ts'])
  })
})
