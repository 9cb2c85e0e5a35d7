import type { ServiceDescription } from '@tenon/core'
import { metricTable } from '@tenon/core/telemetry'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { described, listening } from '../kubernetes/sample-service.test-harness.ts'
import { dashboardFiles } from './dashboard-files.ts'
import { prometheusName } from './prometheus-name.ts'

const consumer = {
  topic: 'shop.order.placed.v1',
  key: 'orderId',
  group: 'note',
  handler: 'consume',
  member: 'handle',
  transports: ['queue'],
  timeoutMs: 30_000,
  interceptors: [],
}
const remote = { contract: 'shop.UserService', transport: 'grpc', address: 'static:///user:1', interceptors: [] }
/** A service with everything that has a dashboard. */
const whole = described({
  transports: [
    listening('http', 3000),
    listening('grpc', 50_051),
    { name: 'queue', carriesEvents: true, provides: ['Publisher'] },
  ],
  consumers: [consumer],
  remotes: [remote],
  schedules: [
    {
      name: 'tidy',
      timing: 'every 5 m',
      overlap: 'skip',
      jitterMs: 0,
      timeoutMs: 1_000,
      handler: 'tidy',
      member: 'run',
      interceptors: [],
    },
  ],
  tasks: [{ name: 'relay', needs: [], restart: 'always', initialDelayMs: 1, maxDelayMs: 1 }],
})

interface Board {
  readonly uid: string
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[]
}

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert?: string; readonly expr: string }[] }[]
}

const boardsOf = (service: ServiceDescription) =>
  dashboardFiles(service, {})
    .filter(({ path }) => path.endsWith('.json'))
    .map(({ path, text }) => ({ path, board: JSON.parse(text) as Board }))

function rulesOf(service: ServiceDescription, options: Parameters<typeof dashboardFiles>[1] = {}) {
  const text = dashboardFiles(service, options).find(({ path }) => path.endsWith('.yaml'))?.text ?? ''
  return (parse(text) as Rules).groups.flatMap(({ rules }) => rules)
}

const alertsOf = (service: ServiceDescription) => rulesOf(service).flatMap(({ alert }) => alert ?? [])

describe('dashboardFiles', () => {
  it('are the same for the same service, and one for each thing that it has', () => {
    const files = dashboardFiles(whole, {})
    expect(files).toEqual(dashboardFiles(structuredClone(whole), {}))
    expect(files.map(({ path }) => path)).toEqual([
      ...['overview', 'operations', 'queue', 'clients', 'runtime', 'lifecycle'].map(
        (kind) => `grafana/note-${kind}.json`,
      ),
      'prometheus/note.rules.yaml',
    ])
    expect(new Set(boardsOf(whole).map(({ board }) => board.uid)).size).toBe(6)
  })

  it.each([
    ['http', 'HTTP'],
    ['https', 'HTTP'],
    ['grpc', 'gRPC'],
    ['grpcs', 'gRPC'],
  ])('show rate, errors and duration of calls over %s', (protocol, title) => {
    const service = described({ transports: [listening('main', 3000, protocol)] })
    const operations = boardsOf(service).find(({ path }) => path === 'grafana/note-operations.json')
    const titles = ['calls', 'errors', 'duration'].map((what) => `${title}: ${what}`)
    expect(operations?.board.panels.map((panel) => panel.title)).toEqual(titles)
    expect(alertsOf(service)).toContain('TenonErrorBudgetBurnsFast')
  })

  it('show nothing that the service does not have', () => {
    const worker = described({ transports: [] })
    expect(boardsOf(worker).map(({ path }) => path)).toEqual(
      ['overview', 'runtime', 'lifecycle'].map((kind) => `grafana/note-${kind}.json`),
    )
    expect(alertsOf(worker)).toEqual(['TenonHeapNearlyFull', 'TenonEventLoopBusy', 'TenonPhaseFailed'])
    expect(alertsOf(whole)).toEqual([
      'TenonErrorBudgetBurnsFast',
      'TenonErrorBudgetBurnsSlowly',
      'TenonMessagesWait',
      'TenonDeadLetters',
      'TenonMessagesHalted',
      'TenonPartitionsStandStill',
      'TenonBreakerOpen',
      'TenonHeapNearlyFull',
      'TenonEventLoopBusy',
      'TenonPhaseFailed',
    ])
  })

  it('ask for labels that the metrics have', () => {
    const queries = [
      ...boardsOf(whole).flatMap(({ board }) => board.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))),
      ...rulesOf(whole).map(({ expr }) => expr),
    ]
    const strays = queries.flatMap((query) =>
      metricsIn(query).flatMap((labels) => labelsIn(query).filter((label) => !labels.has(label))),
    )
    expect(queries.length).toBeGreaterThan(50)
    expect(strays).toEqual([])
  })

  it('look at the series that they are told to, and promise what they are told to', () => {
    const rules = rulesOf(whole, { selector: 'namespace="shop"', percent: 99 })
    const ofSeries = rules.filter(({ expr }) => !expr.includes('tenon:call_error_ratio'))
    for (const { expr } of ofSeries) expect(expr).toContain('{namespace="shop"')
    const burn = rules.find(({ alert }) => alert === 'TenonErrorBudgetBurnsFast')?.expr
    expect(burn).toContain('rate1h{service="note"} > 0.144 and')
  })
})

it.each(['note', 'shop/note', 'note-metrics'])('by default the job %s is that of the service', (job) => {
  const [, pattern = ''] = /\{job=~"([^"]+)"/.exec(rulesOf(whole)[0]?.expr ?? '') ?? []
  const isOwn = (one: string) => new RegExp(`^(?:${pattern})$`).test(one)
  const others = [job.replace('note', 'my-note'), `${job}-other`]
  expect([job, ...others].map(isOwn)).toEqual([true, false, false])
})

describe('prometheusName', () => {
  it('ends with the unit, and a counter with _total', () => {
    expect(prometheusName('tenon.queue.lag')).toBe('tenon_queue_lag')
    expect(prometheusName('tenon.queue.dead_letters')).toBe('tenon_queue_dead_letters_total')
    expect(prometheusName('nodejs.eventloop.time')).toBe('nodejs_eventloop_time_seconds_total')
    expect(prometheusName('nodejs.eventloop.utilization')).toBe('nodejs_eventloop_utilization_ratio')
    expect(prometheusName('v8js.memory.heap.used')).toBe('v8js_memory_heap_used_bytes')
    expect(prometheusName('tenon.client.open_breakers')).toBe('tenon_client_open_breakers')
    expect(prometheusName('tenon.lifecycle.phase.duration')).toBe('tenon_lifecycle_phase_duration_seconds')
  })
})

/** The labels that each metric of a query may have. */
function metricsIn(query: string): readonly ReadonlySet<string>[] {
  return (Object.keys(metricTable) as (keyof typeof metricTable)[])
    .filter((name) => new RegExp(`\\b${prometheusName(name)}(?:_count|_sum|_bucket)?\\{`).test(query))
    .map(
      (name) =>
        new Set([
          'instance',
          'le',
          ...Object.keys(metricTable[name].attributes).map((one) => one.replaceAll('.', '_')),
        ]),
    )
}

/** Those that it groups by, and those that it compares. */
function labelsIn(query: string): readonly string[] {
  const grouped = Array.from(query.matchAll(/ by \(([^)]*)\)/g), ([, labels = '']) => labels.split(', '))
  const compared = Array.from(query.matchAll(/[{,](\w+)(?:=|!=)"/g), ([, label = '']) => [label])
  return [...grouped, ...compared].flat().filter((label) => label !== 'job' && label !== 'service')
}
