import { join } from 'node:path'
import { eventually } from '@tenon/testing'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { collectedOf } from './collected.ts'
import { type Form, programOf, startTraced } from './traced-process.ts'

const {
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint = '',
  OTEL_GRPC_ENDPOINT: grpcEndpoint = '',
  OTEL_FILE: file = '',
} = process.env
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

const server = 'SERVER shop POST /v1/orders/:orderId'
const call = 'INTERNAL shop trace.Orders/place'
const attempt = 'CLIENT shop trace.Orders/Place'
const served = 'SERVER order trace.Orders/Place'
const sent = 'PRODUCER order send trace.order.placed.v1'
const handled = 'CONSUMER mail process trace.order.placed.v1'

it.skipIf(absence).each(ways)(
  '%s: a request over REST, gRPC and a queue is one trace for a Collector that is told over %s, with metrics and logs',
  async (form, protocol, at) => {
    const titles = await buyOnce(form, { OTEL_EXPORTER_OTLP_ENDPOINT: at, OTEL_EXPORTER_OTLP_PROTOCOL: protocol })
    // The services keep nothing back; the Collector writes when it likes.
    await eventually(async () => {
      const { spans, lines, valueCounts } = await collectedOf(titles, file)
      const titleOf = new Map(spans.map(({ spanId, title }) => [spanId, title]))
      const titled = (spanId = '') => (spanId === '' ? 'nothing' : (titleOf.get(spanId) ?? 'an orphan'))
      expect(spans.map(({ title, parentSpanId }) => `${title} < ${titled(parentSpanId)}`).toSorted()).toEqual([
        `${attempt} < ${call}`,
        `${attempt}, unavailable < ${call}`,
        `${handled} < ${sent}`,
        `${call} < ${server}`,
        `${sent} < ${served}`,
        `${served} < ${attempt}`,
        `${served}, unavailable < ${attempt}, unavailable`,
        `${server} < nothing`,
      ])
      const written = lines.filter(({ traceId = '' }) => traceId !== '')
      expect(written.map(({ title, spanId }) => `${title} in ${titled(spanId)}`).toSorted()).toEqual([
        `mail mails in ${handled}`,
        `order places in ${served}`,
        `order trace.Orders/place failed: not yet in ${served}, unavailable`,
        `shop buys in ${server}`,
      ])
      expect(new Set([...spans, ...written].map(({ traceId }) => traceId)).size).toBe(1)
      expect(valueCounts).toMatchObject({
        'shop http.server.request.duration': 1,
        'shop rpc.client.call.duration': 2,
        'order rpc.server.call.duration': 2,
        'order messaging.client.operation.duration': 1,
        'mail messaging.process.duration': 1,
      })
    })
  },
)

/** Has three services, a process each, serve a request, and ends them. Gives what they are called by their names. */
async function buyOnce(form: Form, environment: Readonly<Record<string, string>>) {
  const own = { ...environment, QUEUE_FILE: join(await temporaryFolder(), 'queue.db') }
  const program = await programOf(form)
  await using order = await startTraced(program, { service: 'order', environment: own })
  await using mail = await startTraced(program, { service: 'mail', environment: own })
  await using shop = await startTraced(program, { service: 'shop', environment: { ...own, ORDER_ADDRESS: order.grpc } })
  const response = await fetch(`http://${shop.http}/v1/orders/o1`, { method: 'POST' })
  expect(await response.json()).toEqual({ orderId: 'o1' })
  await mail.printed('"mails"')
  for (const { child } of [shop, order, mail]) child.kill('SIGTERM')
  expect(await Promise.all([shop.ended, order.ended, mail.ended])).toEqual([0, 0, 0])
  return { [shop.name]: 'shop', [order.name]: 'order', [mail.name]: 'mail' }
}
