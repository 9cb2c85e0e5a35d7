import { eventually } from '@tenon/testing'
import { expect, it } from 'vitest'
import { receivedOf, startTraced } from './traced-process.ts'

const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_GRPC_ENDPOINT: grpcEndpoint, OTEL_FILE: file } = process.env
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const absence =
  file || isRequired
    ? undefined
    : 'OTEL_FILE is not set: what a Collector writes that takes OTLP at OTEL_EXPORTER_OTLP_ENDPOINT'

const ways = [
  ['ES modules', 'http/protobuf', endpoint],
  ['require() of ES modules', 'grpc', grpcEndpoint],
  ['a bundle of esbuild', 'http/protobuf', endpoint],
] as const

it.skipIf(absence).each(ways)(
  '%s: spans, metrics and logs reach a Collector over %s',
  async (form, protocol, at = '') => {
    await using service = await startTraced(form, {
      OTEL_EXPORTER_OTLP_ENDPOINT: at,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    })
    const { traceId } = (await (await fetch(`http://${service.http}/note`)).json()) as { traceId: string }
    expect(traceId).toMatch(/^[0-9a-f]{32}$/)
    service.child.kill('SIGTERM')
    expect(await service.ended).toBe(0)
    // It keeps nothing back; the Collector writes when it likes.
    await eventually(async () => {
      const { traces, metrics, logs } = await receivedOf(service.name, file ?? '')
      expect(traces).toContain(traceId)
      expect(traces).toContain('read a note')
      expect(metrics).toContain('note.duration')
      expect(logs).toContain('reads a note')
      expect(logs).toContain(`"traceId":"${traceId}"`)
      expect(logs).toContain('has stopped')
    })
  },
)
