import type { ServiceDescription } from '@tenon/core'
import { type CallKind, callKindsOf, failed } from './call-kind.ts'
import type { Board, Panel, Query } from './grafana.ts'
import type { ShownMetric } from './prometheus-name.ts'
import { type Labels, perSecond, quantile, series, sumPerSecond } from './promql.ts'

/** The dashboards of a service: those for which it has something to show. */
export function boardsOf(service: ServiceDescription, selector: string): readonly Board[] {
  const kinds = callKindsOf(service)
  const of = new Panels(selector)
  const all: readonly Board[] = [
    { kind: 'overview', title: 'overview', panels: overview(kinds, of) },
    { kind: 'operations', title: 'operations', panels: kinds.flatMap((kind) => operations(kind, of)) },
    { kind: 'queue', title: 'queue', panels: queue(service, kinds, of) },
    { kind: 'clients', title: 'clients', panels: clients(service, of) },
    { kind: 'runtime', title: 'runtime', panels: runtime(of) },
    { kind: 'lifecycle', title: 'lifecycle', panels: lifecycle(service, of) },
  ]
  return all.filter(({ panels }) => panels.length > 0)
}

function overview(kinds: readonly CallKind[], of: Panels): readonly Panel[] {
  const each = (query: (kind: CallKind) => string) =>
    kinds.map((kind): Query => ({ expr: query(kind), legend: kind.title }))
  const calls: readonly Panel[] = [
    { title: 'Calls', unit: 'ops', queries: each(({ duration }) => of.rate(duration)) },
    {
      title: 'Part of the calls that fails',
      unit: 'percentunit',
      queries: each(({ duration }) => of.errorRatio(duration)),
    },
    { title: '99 of 100 calls take at most', unit: 's', queries: each(({ duration }) => of.quantile(0.99, duration)) },
  ]
  return [...(kinds.length > 0 ? calls : []), of.utilization, of.heap, of.refused]
}

/** Rate, errors and duration. */
function operations({ title, duration, labels }: CallKind, of: Panels): readonly Panel[] {
  const legend = labels.map((label) => `{{${label}}}`).join(' ')
  return [
    { title: `${title}: calls`, unit: 'ops', queries: [{ expr: of.rate(duration, labels), legend }] },
    {
      title: `${title}: errors`,
      unit: 'ops',
      queries: [{ expr: of.rate(duration, [...labels, 'error_type'], failed), legend: `${legend} {{error_type}}` }],
    },
    {
      title: `${title}: duration`,
      unit: 's',
      queries: [0.5, 0.95, 0.99].map((share) => ({
        expr: of.quantile(share, duration, labels),
        legend: `${legend} ${share * 100} %`,
      })),
    },
  ]
}

function queue({ transports }: ServiceDescription, kinds: readonly CallKind[], of: Panels): readonly Panel[] {
  const topic = ['messaging_destination_name']
  const group = [...topic, 'messaging_consumer_group_name']
  const byCode = [...group, 'error_type']
  const published: readonly Panel[] = transports.some(({ carriesEvents }) => carriesEvents)
    ? [of.rates('Published messages', 'messaging.client.sent.messages', { by: [...topic, 'error_type'] })]
    : []
  if (kinds.every(({ isAnswered }) => isAnswered)) return published
  return [
    of.largest('Messages that wait', 'tenon.queue.lag', { by: group }),
    of.largest('Age of the oldest message', 'tenon.queue.oldest_message.age', { by: group, unit: 's' }),
    of.rates('Retries', 'tenon.queue.retries', { by: byCode }),
    of.rates('Dead letters', 'tenon.queue.dead_letters', { by: byCode }),
    of.rates('Skipped messages', 'tenon.queue.skipped_messages', { by: byCode }),
    of.sums('Halted messages', 'tenon.queue.halted_messages', group),
    of.sums('Messages that were set aside', 'tenon.queue.parked_messages', group),
    of.sums('Partitions that stand still', 'tenon.queue.stalled_partitions', group),
    ...published,
  ]
}

function clients({ remotes }: ServiceDescription, of: Panels): readonly Panel[] {
  if (remotes.length === 0) return []
  const contract = ['tenon_client_contract']
  return [
    of.sums('Channels', 'tenon.client.channels', [...contract, 'tenon_client_channel_state']),
    of.sums('Connections', 'tenon.client.connections', [...contract, 'tenon_client_connection_state']),
    of.sums('Calls that wait for a connection', 'tenon.client.waiting_calls', contract),
    of.rates('Decisions of policies', 'tenon.client.decisions', { by: [...contract, 'tenon_client_decision'] }),
    of.sums('Open breakers', 'tenon.client.open_breakers', contract),
    of.rates('Ejections', 'tenon.client.ejections', { by: [...contract, 'tenon_client_reason'] }),
  ]
}

function runtime(of: Panels): readonly Panel[] {
  return [
    of.utilization,
    of.largest('Delay of the event loop, 99 of 100 samples', 'nodejs.eventloop.delay.p99', {
      by: ['instance'],
      unit: 's',
    }),
    of.largest('Longest delay of the event loop', 'nodejs.eventloop.delay.max', { by: ['instance'], unit: 's' }),
    of.heap,
    {
      title: 'Part of the time in garbage collection',
      unit: 'percentunit',
      queries: [
        { expr: of.sumRate('v8js.gc.duration', ['instance', 'v8js_gc_type']), legend: '{{instance}} {{v8js_gc_type}}' },
      ],
    },
  ]
}

function lifecycle({ schedules, tasks }: ServiceDescription, of: Panels): readonly Panel[] {
  const phase = ['tenon_lifecycle_stage', 'tenon_lifecycle_phase']
  const schedule = ['tenon_schedule_name']
  return [
    of.mean('Phases of starts and stops', 'tenon.lifecycle.phase.duration', phase),
    of.rates('Phases that failed', 'tenon.lifecycle.phase.duration', { by: [...phase, 'error_type'], where: failed }),
    of.rates('Refused values of settings', 'tenon.config.refused_values', { by: ['tenon_config_variable'] }),
    ...(schedules.length === 0
      ? []
      : [
          of.mean('Runs of schedules', 'tenon.schedule.run.duration', schedule),
          of.rates('Runs that failed', 'tenon.schedule.run.duration', {
            by: [...schedule, 'error_type'],
            where: failed,
          }),
          of.rates('Runs that were left out', 'tenon.schedule.omitted_runs', {
            by: [...schedule, 'tenon_schedule_reason'],
          }),
        ]),
    ...(tasks.length === 0 ? [] : [of.rates('Restarts of tasks', 'tenon.task.restarts', { by: ['tenon_task_name'] })]),
  ]
}

/** What a panel shows of a metric. */
interface Shown {
  /** What is told apart. */
  readonly by: Labels
  readonly where?: string
  readonly unit?: Panel['unit']
}

/** Panels and queries over the series of one service. */
class Panels {
  readonly #selector: string

  constructor(selector: string) {
    this.#selector = selector
  }

  readonly rate = (name: ShownMetric, by: Labels = [], where?: string): string =>
    perSecond(name, this.#select(where), { by, window })

  readonly sumRate = (name: ShownMetric, by: Labels): string => sumPerSecond(name, this.#select(), { by, window })

  readonly quantile = (share: number, name: ShownMetric, by: Labels = []): string =>
    quantile(name, this.#select(), { share, by, window })

  /** 0 where nothing fails, which has no series. */
  readonly errorRatio = (name: ShownMetric): string =>
    `(${this.rate(name, [], failed)} or vector(0)) / ${this.rate(name)}`

  readonly rates = (title: string, name: ShownMetric, { by, where }: Shown): Panel => ({
    title,
    unit: 'ops',
    queries: [{ expr: this.rate(name, by, where), legend: legendOf(by) }],
  })

  readonly sums = (title: string, name: ShownMetric, by: Labels): Panel => ({
    title,
    unit: 'short',
    queries: [{ expr: `sum by (${by.join(', ')}) (${this.#now(name)})`, legend: legendOf(by) }],
  })

  readonly largest = (title: string, name: ShownMetric, { by, unit = 'short' }: Shown): Panel => ({
    title,
    unit,
    queries: [{ expr: `max by (${by.join(', ')}) (${this.#now(name)})`, legend: legendOf(by) }],
  })

  readonly mean = (title: string, name: ShownMetric, by: Labels): Panel => ({
    title,
    unit: 's',
    queries: [{ expr: `${this.sumRate(name, by)} / ${this.rate(name, by)}`, legend: legendOf(by) }],
  })

  get utilization(): Panel {
    return this.largest('Event loop in use', 'nodejs.eventloop.utilization', { by: ['instance'], unit: 'percentunit' })
  }

  get heap(): Panel {
    const used = `sum by (instance) (${this.#now('v8js.memory.heap.used')})`
    return {
      title: 'Heap',
      unit: 'bytes',
      queries: [
        { expr: used, legend: '{{instance}}' },
        { expr: `min (${this.#now('tenon.runtime.heap_limit')})`, legend: 'limit' },
      ],
    }
  }

  get refused(): Panel {
    const criticality = ['tenon_call_criticality']
    return this.rates('Calls refused because of an overload', 'tenon.overload.refused_calls', { by: criticality })
  }

  #now(name: ShownMetric): string {
    return series(name, this.#select())
  }

  #select(where?: string) {
    return { selector: this.#selector, ...(where !== undefined && { where }) }
  }
}

function legendOf(by: Labels): string {
  return by.map((label) => `{{${label}}}`).join(' ')
}

/** @see Grafana: as long as a rate needs */
const window = '$__rate_interval'
