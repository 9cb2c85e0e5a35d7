import { spawnSync } from 'node:child_process'
import { eventually } from '@tenon/testing'
import { expect, it } from 'vitest'
import { toolAbsence } from '../support/tool.ts'
import { startPrometheus } from './own-prometheus.ts'
import { programOf, startTraced } from './traced-process.ts'

const nothingSent = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' }

it.skipIf(toolAbsence('promtool'))('promtool finds nothing wrong with /metrics', async () => {
  await using service = await startTraced(await programOf('ES modules'), { environment: nothingSent })
  await fetch(`http://${service.http}/note`)
  const input = await (await fetch(`http://${service.admin}/metrics`)).text()
  expect(input).toContain('note_duration_seconds_bucket')
  expect(input).toContain('http_server_request_duration_seconds_bucket')
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
})

it.skipIf(toolAbsence('prometheus'))(
  'Prometheus scrapes a service, with the trace that a value was measured in',
  async () => {
    await using service = await startTraced(await programOf('ES modules'), { environment: nothingSent })
    const { traceId } = (await (await fetch(`http://${service.http}/note`)).json()) as { traceId: string }
    await using prometheus = await startPrometheus(service.admin)
    const seconds = Date.now() / 1_000
    const window = { start: String(seconds - 60), end: String(seconds + 60) }
    await eventually(
      async () => {
        const sum = await prometheus.ask('query', { query: 'note_duration_seconds_sum' })
        expect(sum).toMatchObject({ result: [{ value: [expect.any(Number), '0.3'] }] })
        const calls = await prometheus.ask('query', {
          query: 'http_server_request_duration_seconds_count{http_route="/note"}',
        })
        expect(calls).toMatchObject({ result: [{ value: [expect.any(Number), '1'] }] })
        const query = 'note_duration_seconds_bucket'
        const exemplars = await prometheus.ask('query_exemplars', { query, ...window })
        expect(exemplars).toMatchObject([{ exemplars: [{ labels: { trace_id: traceId }, value: '0.3' }] }])
        const info = await prometheus.ask('query', { query: `target_info{service_name="${service.name}"}` })
        expect(info).toMatchObject({ result: [{ metric: { service_version: '1.2.3' } }] })
      },
      { timeoutMs: 20_000 },
    )
  },
)
