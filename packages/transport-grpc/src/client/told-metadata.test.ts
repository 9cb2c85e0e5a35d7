import {
  Metadata as GrpcMetadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import type { Call } from '@tenon/core'
import { type Metadata, ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { bytesMethod } from '../wire/service-definition.ts'
import { callOf, failureOf, kinds, type Note, one, open, serve } from './client.test-harness.ts'

/** Notes what it is told, in its order. */
function listening() {
  const told: [string, Metadata | string][] = []
  return {
    told,
    onHeaders: (headers: Metadata) => void told.push(['headers', headers]),
    onTrailers: (trailers: Metadata) => void told.push(['trailers', trailers]),
  }
}

function say({ text }: Note, call: Call): void {
  call.setTrailer('x-cost', '12')
  call.setTrailer('x-raw-bin', 'AP/+')
  // What gRPC cannot carry.
  call.setTrailer('x-note', 'gr\u00fcn')
  call.setTrailer('grpc-status', '0')
  if (text === 'fail') throw new ServiceError('aborted', 'enough', { reason: 'tired' })
}

const trailers = { 'x-cost': '12', 'x-raw-bin': 'AP/+' }

test.each(kinds)('trailers reach the caller behind the reply, and behind an error: %s', async (kind) => {
  await using server = await serve((note, call) => {
    if (kind === 'say') call.setHeader('x-from', 'a')
    say(note, call)
  })
  await using caller = open(server.port)
  const good = listening()
  expect(await callOf(caller.client, { kind, ...good })).toHaveLength(1)
  expect(good.told).toEqual([
    ['headers', kind === 'say' ? expect.objectContaining({ 'x-from': 'a' }) : expect.any(Object)],
    ['trailers', trailers],
  ])
  const bad = listening()
  const call = callOf(caller.client, { kind, text: 'fail', metadata: { 'x-request-id': 'req-1' }, ...bad })
  expect(await failureOf(call)).toMatchObject({ code: 'aborted', reason: 'tired' })
  // The callee's name for the call, from google.rpc.RequestInfo.
  expect(bad.told.at(-1)).toEqual(['trailers', expect.objectContaining({ ...trailers, 'x-request-id': 'req-1' })])
  expect(JSON.stringify(bad.told)).not.toContain('grpc-status-details-bin')
})

test('trailers of a stream are told behind its last item, however early they came', async () => {
  await using server = await serve(say)
  await using caller = open(server.port)
  for (const items of [caller.client.listen, caller.client.chat]) {
    const { told, onTrailers } = listening()
    const input = items === caller.client.listen ? { text: 'a' } : one('a')
    for await (const { text } of items(input as never, { onTrailers })) told.push(['item', text])
    expect(told).toEqual([
      ['item', 'a'],
      ['trailers', trailers],
    ])
  }
})

test('nothing is told of trailers where there are none, or where the caller leaves', async () => {
  await using server = await serve((_note, call) => call.setHeader('x-from', 'a'))
  await using caller = open(server.port)
  const none = listening()
  await callOf(caller.client, { kind: 'say', ...none })
  expect(none.told.map(([what]) => what)).toEqual(['headers'])
  const left = listening()
  for await (const _item of caller.client.chat(one('a'), left)) break
  expect(left.told.map(([what]) => what)).toEqual(['headers'])
  const late = listening()
  const gone = failureOf(callOf(caller.client, { kind: 'say', signal: AbortSignal.abort(), ...late }))
  expect((await gone).code).toBe('cancelled')
  expect(late.told).toEqual([])
})

test('trailers that would make the error larger than callers take are left out, and the error is whole', async () => {
  const violations = Array.from({ length: 100 }, (_, index) => ({
    field: `/items/${index}`,
    message: 'is required',
    rule: 'required',
  }))
  await using server = await serve((_note, call) => {
    call.setTrailer('x-small', 'a')
    call.setTrailer('x-large', 'a'.repeat(5_000))
    throw new ServiceError('aborted', 'enough', { reason: 'tired', details: { violations } })
  })
  await using caller = open(server.port)
  const { told, onTrailers } = listening()
  const { details } = await failureOf(callOf(caller.client, { kind: 'say', onTrailers }))
  expect(details?.violations?.length).toBeGreaterThan(20)
  expect(told).toEqual([['trailers', expect.objectContaining({ 'x-small': 'a' })]])
  expect(told[0]?.[1]).not.toHaveProperty('x-large')
})

test('trailing metadata of a foreign server is told, and details that are none hurt nobody', async () => {
  const server = new Server({ 'grpc.enable_channelz': 0 })
  const path = '/demo.talk.v1.TalkService/Say'
  const metadata = new GrpcMetadata()
  metadata.set('x-cost', '1')
  metadata.set('grpc-status-details-bin', Buffer.from([0x1a, 0xff, 0xff, 0xff]))
  const say = (_call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) =>
    answer({ code: status.NOT_FOUND, details: 'none', metadata })
  server.addService({ Say: bytesMethod(path, { requestStream: false, responseStream: false }) }, { Say: say })
  const port = await new Promise<number>((resolve) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, found) => resolve(found))
  })
  await using caller = open(port)
  const { told, onTrailers } = listening()
  expect(await failureOf(callOf(caller.client, { kind: 'say', onTrailers }))).toMatchObject({
    code: 'not_found',
    message: 'none',
    details: undefined,
  })
  expect(told).toEqual([['trailers', expect.objectContaining({ 'x-cost': '1' })]])
  server.forceShutdown()
})
