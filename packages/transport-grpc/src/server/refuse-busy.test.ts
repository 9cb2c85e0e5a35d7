import { constants } from 'node:http2'
import { Client, credentials, Metadata, type ServiceError as ServiceErrorOfGrpc } from '@grpc/grpc-js'
import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { call, open, pathOf, serve } from '../listen/server.test-harness.ts'
import { fromStatus } from '../wire/grpc-status.ts'

const busy = new ServiceError('resource_exhausted', 'zu viel', {
  reason: 'overloaded',
  details: { retryDelayMs: 1_000 },
})

/** A server that refuses whom the mark says, and keeps what it was asked and what it served. */
async function serveBusy() {
  const asked: (string | undefined)[][] = []
  let servedCount = 0
  const answer = () => {
    servedCount += 1
    return { text: 'hello' }
  }
  const demo = await serve({}, answer, {
    refuse: (head) => {
      asked.push([head.transport, head.metadata('x-criticality'), head.metadata('x-tenant-id')])
      return head.metadata('x-criticality') === 'sheddable' ? busy : undefined
    },
  })
  return Object.assign(demo, { asked, servedCount: () => servedCount })
}

test.each(['Say', 'Watch', 'Gather'])(
  'a call of %s that is refused by its head has its whole answer in one frame, whether its request ends or not',
  async (method) => {
    await using demo = await serveBusy()
    using session = open(demo.port)
    const request = { path: pathOf(method), headers: { 'x-criticality': 'sheddable', 'x-tenant-id': 'loud' } }
    for (const isLeftOpen of [false, true]) {
      const reply = await call(session, { ...request, isLeftOpen })
      expect(reply.headers).toMatchObject({ ':status': 200, 'grpc-status': '8', 'grpc-message': 'zu%20viel' })
      expect([reply.trailers, reply.body.length, reply.resetCode]).toEqual([{}, 0, constants.NGHTTP2_NO_ERROR])
    }
    expect(demo.asked).toEqual([
      ['grpc', 'sheddable', 'loud'],
      ['grpc', 'sheddable', 'loud'],
    ])
    expect(demo.servedCount()).toBe(0)
  },
)

test('calls that are not refused are served, on the same connection, and so are those that are no operation of it', async () => {
  await using demo = await serveBusy()
  using session = open(demo.port)
  await call(session, { headers: { 'x-criticality': 'sheddable' } })
  expect((await call(session)).trailers['grpc-status']).toBe('0')
  const health = {
    path: '/grpc.health.v1.Health/Check',
    headers: { 'x-criticality': 'sheddable' },
    body: Buffer.alloc(5),
  }
  expect((await call(session, health)).trailers['grpc-status']).toBe('0')
  expect([demo.asked.length, demo.servedCount()]).toEqual([2, 1])
})

test('its error is whole for a client of grpc-js, whatever that reads of an answer without messages', async () => {
  await using demo = await serveBusy()
  const client = new Client(`127.0.0.1:${demo.port}`, credentials.createInsecure())
  const metadata = new Metadata()
  metadata.set('x-criticality', 'sheddable')
  const same = (bytes: Buffer) => bytes
  const refused = new Promise<ServiceErrorOfGrpc | null>((resolve) => {
    client.makeUnaryRequest(pathOf('Say'), same, same, Buffer.alloc(0), metadata, resolve)
  })
  expect(fromStatus((await refused) ?? { code: 0, details: '' })).toMatchObject({
    code: 'resource_exhausted',
    message: 'zu viel',
    reason: 'overloaded',
    details: { retryDelayMs: 1_000 },
  })
  client.close()
})
