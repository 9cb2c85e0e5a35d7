import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { defineConsumer, defineService } from '@tenon/core'
import { event } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { memoryDriver, queueTransport } from '@tenon/transport-queue'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { dashboardFiles } from '../../packages/cli/src/generate/dashboards/dashboard-files.ts'
import { temporaryFolder } from '../support/own-process.ts'
import { runTool, toolAbsence } from '../support/tool.ts'

const absence = toolAbsence('promtool')

const parcelSent = event('test.cli.parcel.sent.v1', { key: 'id', payload: Type.Object({ id: Type.String() }) })
const service = defineService({
  name: 'parcel',
  version: '1.0.0',
  overload: {},
  handlers: [defineConsumer(parcelSent, () => () => undefined)],
  transports: () => [
    httpTransport({ port: 3000 }),
    grpcTransport({ port: 50_051 }),
    queueTransport({ driver: memoryDriver() }),
  ],
}).describe()

const rulesFile = 'prometheus/parcel.rules.yaml'

/** Writes what is generated, and runs promtool there. */
async function promtool(args: readonly string[], others: Readonly<Record<string, string>>, signal: AbortSignal) {
  const folder = await temporaryFolder()
  const files = [...dashboardFiles(service, {}), ...Object.entries(others).map(([path, text]) => ({ path, text }))]
  for (const { path, text } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  return runTool(['promtool', ...args], { folder, signal })
}

/** A series of a test: what it begins with, and what comes with every minute. */
interface Series {
  readonly series: string
  readonly values: string
}

interface Case {
  readonly name: string
  readonly series: readonly Series[]
  /** When it is asked. */
  readonly at: string
  /** Names of the alerts of which those that fire are compared. */
  readonly fires: Readonly<Record<string, number>>
}

const calls = 'rpc_server_call_duration_seconds_count{job="parcel",rpc_method="ParcelService/Find"'
const requests =
  'http_server_request_duration_seconds_count{job="parcel",http_request_method="GET",http_route="/parcels/:id"'
const topic = 'messaging_destination_name="test.cli.parcel.sent.v1",messaging_consumer_group_name="parcel"'
const burns = (fast: number, slow: number) => ({ TenonErrorBudgetBurnsFast: fast, TenonErrorBudgetBurnsSlowly: slow })

const cases: readonly Case[] = [
  {
    name: 'two calls of 100 fail for two hours',
    series: [
      { series: `${calls}}`, values: '0+980x180' },
      { series: `${calls},error_type="internal"}`, values: '0+20x180' },
    ],
    at: '2h',
    fires: burns(1, 1),
  },
  {
    name: 'two requests of 100 fail for two hours, and nobody calls over gRPC',
    series: [
      { series: `${requests},http_response_status_code="200"}`, values: '0+980x180' },
      { series: `${requests},http_response_status_code="500",error_type="internal"}`, values: '0+20x180' },
    ],
    at: '2h',
    fires: burns(1, 1),
  },
  {
    name: 'ten calls of 100 failed for two hours, and none since 40 minutes',
    series: [
      { series: `${calls}}`, values: '0+900x120 109000+1000x60' },
      { series: `${calls},error_type="internal"}`, values: '0+100x120 12000x60' },
    ],
    at: '2h40m',
    fires: burns(0, 1),
  },
  {
    name: 'one call of 5,000 fails',
    series: [
      { series: `${calls}}`, values: '0+4999x180' },
      { series: `${calls},error_type="internal"}`, values: '0+1x180' },
    ],
    at: '3h',
    fires: burns(0, 0),
  },
  { name: 'nobody calls', series: [], at: '3h', fires: burns(0, 0) },
  {
    name: 'a message waits for ever longer',
    series: [{ series: `tenon_queue_oldest_message_age_seconds{job="parcel",${topic}}`, values: '0+60x30' }],
    at: '20m',
    fires: { TenonMessagesWait: 1 },
  },
  {
    name: 'the first dead letter of a process',
    series: [
      { series: `tenon_queue_dead_letters_total{job="parcel",${topic},error_type="internal"}`, values: '_x10 1x20' },
    ],
    at: '12m',
    fires: { TenonDeadLetters: 1 },
  },
  {
    name: 'a dead letter of an hour ago',
    series: [
      { series: `tenon_queue_dead_letters_total{job="parcel",${topic},error_type="internal"}`, values: '_x10 1x80' },
    ],
    at: '80m',
    fires: { TenonDeadLetters: 0 },
  },
  {
    name: 'the heap of one of two processes is nearly full',
    series: ['a', 'b'].flatMap((instance) => [
      {
        series: `v8js_memory_heap_used_bytes{job="parcel",instance="${instance}",v8js_heap_space_name="old_space"}`,
        values: instance === 'a' ? '950x30' : '500x30',
      },
      { series: `tenon_runtime_heap_limit_bytes{job="parcel",instance="${instance}"}`, values: '1000x30' },
    ]),
    at: '20m',
    fires: { TenonHeapNearlyFull: 1 },
  },
  {
    name: 'calls of another service fail',
    series: [{ series: `${calls.replace('parcel', 'other')},error_type="internal"}`, values: '0+20x180' }],
    at: '3h',
    fires: burns(0, 0),
  },
]

function testFile(): string {
  return stringify({
    rule_files: [rulesFile],
    evaluation_interval: '1m',
    tests: cases.map(({ name, series, at, fires }) => ({
      name,
      interval: '1m',
      input_series: series,
      promql_expr_test: Object.entries(fires).map(([alert, count]) => ({
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing",service="parcel"}) or vector(0)`,
        eval_time: at,
        exp_samples: [{ value: count }],
      })),
    })),
  })
}

describe.skipIf(absence)('the generated rules', () => {
  test('are rules of Prometheus, and so are the queries of all dashboards', async ({ signal }) => {
    const queries = dashboardFiles(service, {})
      .filter(({ path }) => path.endsWith('.json'))
      .flatMap(({ text }) => (JSON.parse(text) as Board).panels.flatMap(({ targets }) => targets))
      .map(({ expr }) => expr.replaceAll('$__rate_interval', '5m'))
    const rules = queries.map((expr, index) => ({ record: `query:${index}`, expr }))
    const asRules = stringify({ groups: [{ name: 'queries', rules }] })
    const checked = await promtool(['check', 'rules', rulesFile, 'queries.yaml'], { 'queries.yaml': asRules }, signal)
    expect(checked.code, checked.output).toBe(0)
    expect(checked.output).toContain(`SUCCESS: ${rules.length} rules found`)
  })

  test('fire when they should, and do not when they should not', async ({ signal }) => {
    const tested = await promtool(['test', 'rules', 'rules.test.yaml'], { 'rules.test.yaml': testFile() }, signal)
    expect(tested.code, tested.output).toBe(0)
  })
})

interface Board {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
}
