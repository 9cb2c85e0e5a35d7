import { trace } from '@opentelemetry/api'
import { currentCall, defineHandler, defineService } from '@tenon/core'
import { contract, stream } from '@tenon/core/contract'
import { type Logger, ServiceError } from '@tenon/core/transport'
import { eventually } from '@tenon/testing'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import Type from 'typebox'
import { describe, expect, onTestFinished, test } from 'vitest'
import { recordTelemetry } from '../../packages/core/src/telemetry/recorded.test-harness.ts'
import { environment, startCaller } from './local-pair.ts'

// What OpenTelemetry is told of calls within a process, as of those over gRPC.

const Word = Type.Object({ word: Type.String() })
const words = contract('trace.word.v1.WordService', {
  say: { input: Word, output: Word, errors: ['not_found'] },
  list: { input: Word, output: stream(Word) },
})

/** A service whose handler writes a line, and those lines. */
async function startWords() {
  const lines: object[] = []
  const service = await defineService({
    name: 'word',
    version: '1.0.0',
    admin: false,
    handlers: [
      defineHandler(words, () => ({
        say: async (input) => {
          currentCall()?.log.info({ isSaid: true })
          if (input.word === 'no') throw new ServiceError('not_found', 'no such word')
          return input
        },
        list: async function* (input) {
          currentCall()?.log.info({ isSaid: true })
          yield input
        },
      })),
    ],
    transports: () => [grpcTransport({ port: 0 })],
  }).start({
    environment,
    log: noting(lines),
  })
  onTestFinished(async () => void (await service.stop()))
  return { lines, port: service.addresses[0]?.port }
}

/** A log that keeps its lines, each with all that it says. */
function noting(lines: object[], bound: object = {}): Logger {
  const note = (fields: object) => void lines.push({ ...bound, ...fields })
  const child = (fields: object) => noting(lines, { ...bound, ...fields })
  return { debug: note, info: note, warn: note, error: note, child }
}

/** Makes calls as a part of a span, and tells what came of that. */
async function callWithin(places: 'local' | 'grpc') {
  const { spans, points } = recordTelemetry()
  const { lines, port } = await startWords()
  const overGrpc = { via: grpcClient(), at: `static:///127.0.0.1:${port}` } as const
  const { client } = await startCaller(words, places === 'grpc' ? overGrpc : { at: 'local' })
  const outer = trace.getTracer('test')
  await outer.startActiveSpan('outer', async (span) => {
    await client.say({ word: 'a' })
    await client.say({ word: 'no' }).catch(() => undefined)
    for await (const _item of client.list({ word: 'b' }));
    span.end()
  })
  await eventually(() => expect(spans()).toHaveLength(7))
  return { spans: spans(), points, said: lines.filter((line) => 'isSaid' in line) }
}

const say = 'trace.word.v1.WordService/say'
const list = 'trace.word.v1.WordService/list'

test.each(['local', 'grpc'] as const)('calls by %s have the same spans, with the same outcomes', async (place) => {
  const { spans } = await callWithin(place)
  const found = spans.map(({ kind, status, attributes }) => `${kind} ${status} ${String(attributes['error.type'])}`)
  expect(found.toSorted()).toEqual([
    'CLIENT ERROR not_found',
    'CLIENT UNSET undefined',
    'CLIENT UNSET undefined',
    'INTERNAL UNSET undefined',
    'SERVER UNSET undefined',
    'SERVER UNSET undefined',
    'SERVER UNSET undefined',
  ])
})

describe('a call within the process', () => {
  test('has a span of its client and one of its server below, in the same trace, with its lines', async () => {
    const { spans, said } = await callWithin('local')
    expect(spans.map(({ kind, name, parent, status }) => [kind, name, '<', parent, status].join(' '))).toEqual([
      `SERVER ${say} < ${say} UNSET`,
      `CLIENT ${say} < outer UNSET`,
      `SERVER ${say} < ${say} UNSET`,
      `CLIENT ${say} < outer ERROR`,
      `SERVER ${list} < ${list} UNSET`,
      `CLIENT ${list} < outer UNSET`,
      'INTERNAL outer <  UNSET',
    ])
    const [traceId] = spans.map((span) => span.traceId)
    expect(new Set(spans.map((span) => span.traceId)).size).toBe(1)
    expect(said).toMatchObject([{ traceId }, { traceId }, { traceId }])
  })

  test('says that it is local, and has no duration of a wire', async () => {
    const { spans, points } = await callWithin('local')
    const told = { 'tenon.call.transport': 'local', 'tenon.call.operation': say }
    expect(spans[0]?.attributes).toEqual(told)
    expect(spans[1]?.attributes).toMatchObject(told)
    expect(await points('tenon.server.active_calls')).toContainEqual({ value: 0, attributes: told })
    expect(await points('rpc.client.call.duration')).toEqual([])
  })
})
