import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { clientOf, defineConsumer, defineHandler, fault, inject, remote } from '@tenon/core'
import { contract, event } from '@tenon/core/contract'
import { eventually } from '@tenon/testing'
import { httpClient } from '@tenon/transport-http'
import { Client, credentials } from '@grpc/grpc-js'
import Type from 'typebox'
import { describe, expect, onTestFinished, test } from 'vitest'
import { postRaw, startTarget } from './target.ts'

const Text = Type.Object({ text: Type.String() })
const echoes = contract('test.v1.EchoService', {
  setHeader: { input: Text, output: Text, http: 'POST /v1/header' },
  setTrailer: { input: Text, output: Text, http: 'POST /v1/trailer' },
  fail: { input: Text, output: Text, errors: ['not_found'], http: 'POST /v1/fail' },
  move: {
    input: Text,
    output: Type.Object({ url: Type.String() }),
    http: { route: 'POST /v1/move', status: 303, location: 'url' },
    grpc: false,
  },
})

/** A handler that puts what its caller says wherever it may stand in a reply. */
const careless = defineHandler(echoes, () => ({
  setHeader: async ({ text }, call) => {
    call.setHeader('x-said', text)
    return { text }
  },
  setTrailer: async ({ text }, call) => {
    call.setTrailer('x-said', text)
    return { text }
  },
  fail: async ({ text }) => {
    throw fault(echoes.fail, 'not_found', text)
  },
  move: async ({ text }) => ({ url: text }),
}))

const forgery = 'a\r\nx-forged: yes\r\n\r\nHTTP/1.1 200 OK\r\n'
const placed = event('test.placed.v1', { key: 'text', payload: Text })

describe('no text of a caller becomes a header of the reply', () => {
  test.each([
    ['header', 500],
    ['trailer', 500],
    ['fail', 404],
    ['move', 303],
  ])('over HTTP: /v1/%s', async (path, status) => {
    await using target = await startTarget([careless])
    const reply = await postRaw(target.httpPort, `/v1/${path}`, JSON.stringify({ text: forgery }))
    const [head = ''] = reply.split('\r\n\r\n')
    expect(head).toMatch(`HTTP/1.1 ${status}`)
    expect(reply).not.toMatch(/^x-forged/m)
    expect(reply.match(/^HTTP\/1\.1 /gm)).toHaveLength(1)
  })

  test.each(['SetHeader', 'SetTrailer', 'Fail'])('over gRPC: %s', async (method) => {
    await using target = await startTarget([careless])
    const told = await metadataOf(target.grpcPort, `/test.v1.EchoService/${method}`)
    expect(Object.keys(told)).not.toContain('x-forged')
    expect(JSON.stringify(Object.values(told))).not.toMatch(/[\r\n]/)
  })
})

test('no text of a message becomes a header of the calls that its handling makes', async () => {
  const received: IncomingHttpHeaders[] = []
  const server = createServer((request, reply) => {
    received.push(request.headers)
    reply.setHeader('content-type', 'application/json').end('{"text":"a"}')
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const outcomes: unknown[] = []
  const consumer = defineConsumer(placed, () => {
    const client = inject(clientOf(echoes))
    return async ({ text }) => {
      outcomes.push(await client.setHeader({ text }).catch((error: { readonly code: string }) => error.code))
    }
  })
  const remotes = () => [remote(echoes, { via: httpClient(), at: `http://127.0.0.1:${port}` })]
  await using target = await startTarget([consumer], { remotes })
  await target.produce(placed.topic, '{"text":"a"}', { 'x-tenant-id': 'shop' })
  await target.produce(placed.topic, '{"text":"a"}', { 'x-tenant-id': forgery })
  await eventually(() => expect(outcomes).toHaveLength(2))
  // What cannot be a header is not sent at all.
  expect(outcomes).toEqual([{ text: 'a' }, 'invalid_argument'])
  expect(received).toEqual([expect.objectContaining({ 'x-tenant-id': 'shop' })])
})

/** All metadata that is told with the reply to a call with the forgery. */
async function metadataOf(port: number, path: string): Promise<Record<string, unknown>> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  onTestFinished(() => client.close())
  const text = Buffer.from(forgery)
  const message = Buffer.concat([Buffer.from([0x0a, text.length]), text])
  const same = (bytes: Buffer) => bytes
  const call = client.makeUnaryRequest(path, same, same, message, () => undefined)
  const told: Record<string, unknown> = {}
  call.on('metadata', (metadata) => Object.assign(told, metadata.getMap()))
  const [status] = await once(call, 'status')
  return { ...told, ...status.metadata.getMap() }
}
