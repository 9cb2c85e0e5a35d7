import { service as userService } from '@shop/user-service'
import { expect, test } from 'vitest'
import { FakeCollector } from '../../packages/observability/src/collector.test-harness.ts'
import { embedded, freePorts } from './shop.ts'

const environment = { ...embedded, ...freePorts, DATA_DIR: ':memory:', LOG_LEVEL: 'silent' }

async function startUser(collector: Readonly<Record<string, string>>) {
  const service = await userService.start({ environment: { ...environment, ...collector } })
  const url = (protocol: string) => {
    const { host, port } = service.addresses.find((address) => address.protocol === protocol) ?? {}
    return `http://${host}:${port}`
  }
  return { service, http: url('http'), metrics: `${url('admin')}/metrics` }
}

test('a service of the shop tells a Collector of its calls where one is named, and shows its metrics', async () => {
  await using collector = new FakeCollector()
  const OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${await collector.listen()}`
  const { service, http, metrics } = await startUser({ OTEL_EXPORTER_OTLP_ENDPOINT })
  await fetch(`${http}/v1/users`)
  expect(await (await fetch(metrics)).text()).toContain('http_server_request_duration_seconds_count')
  await service.stop()
  expect(collector.count('traces', 'GET /v1/users')).toBe(1)
  expect(collector.count('metrics', 'http.server.request.duration')).toBe(1)
})

test('a service of the shop collects nothing where no Collector is named', async () => {
  const { service, metrics } = await startUser({})
  expect((await fetch(metrics)).status).toBe(404)
  await service.stop()
})
