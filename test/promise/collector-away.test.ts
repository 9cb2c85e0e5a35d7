import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { contract, defineHandler, defineService, type Logger } from '@tenon/core'
import { observability } from '@tenon/observability'
import { httpTransport } from '@tenon/transport-http'
import { Type } from 'typebox'
import { expect, it } from 'vitest'
import { programOf, startTraced } from '../telemetry/traced-process.ts'

const Note = contract('test.Note', {
  read: { input: Type.Object({}), output: Type.Object({ n: Type.Number() }), http: { route: 'GET /note' } },
})

/** Takes connections, and never answers. */
async function hangingCollector() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)))
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { endpoint: `http://127.0.0.1:${port}`, isAsked: () => sockets.size > 0, [Symbol.dispose]: close }
}

const nothing = () => undefined
const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silent }

it('loses no call while the Collector hangs, and stops in time without its answer', async () => {
  using collector = await hangingCollector()
  let answered = 0
  const service = defineService({
    name: 'note',
    version: '1.2.3',
    handlers: [defineHandler(Note, () => ({ read: () => ({ n: ++answered }) }))],
    transports: () => [httpTransport({ port: 0 })],
    admin: { port: 0 },
    shutdownTimeoutMs: 2_000,
    telemetry: () => observability({ endpoint: collector.endpoint, metricIntervalMs: 10 }),
  })
  const started = await service.start({ environment: {}, log: silent })
  const { host, port } = started.addresses.find(({ protocol }) => protocol === 'http') ?? {}
  const statuses = new Set<number>()
  while (answered < 200 || !collector.isAsked()) {
    const response = await fetch(`http://${host}:${port}/note`)
    statuses.add(response.status)
    await response.text()
  }
  expect(statuses).toEqual(new Set([200]))
  const { exitCode, phases } = await started.stop()
  expect(exitCode).toBe(0)
  const flush = phases.find(({ phase }) => phase === 'flush telemetry')
  expect(flush?.error).toMatchObject({
    errors: expect.arrayContaining([
      expect.objectContaining({ message: expect.stringMatching(/^metrics: not written within \d+ ms$/) as string }),
    ]) as Error[],
  })
  expect(phases.at(-1)).toMatchObject({ phase: 'close admin server', error: undefined })
})

it('says once that the Collector is away, and ends the process without a word of what still asks for it', async () => {
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_BLRP_SCHEDULE_DELAY: '1',
    OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '60000',
  }
  await using service = await startTraced(await programOf('ES modules'), { environment })
  await service.printed('the Collector does not take telemetry')
  service.child.kill('SIGTERM')
  expect(await service.ended).toBe(0)
  const lines = service.output().split('\n')
  expect(lines.filter((line) => line.includes('"level":40'))).toHaveLength(1)
})
