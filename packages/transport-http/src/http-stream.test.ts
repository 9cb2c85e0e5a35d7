import { once } from 'node:events'
import { defineHandler, defineService, ServiceError } from '@tenon/core'
import { bytes, contract, int64, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { httpTransport } from './index.ts'
import { optionsFor, type Protocol, protocols, StreamCaller } from './stream-caller.test-harness.ts'

const Change = Type.Object({ id: Type.Optional(int64()), kind: Type.Optional(Type.String()), text: Type.String() })
const chunk = bytes({ mediaType: 'text/plain' })

const changes = contract('demo.change.v1.ChangeService', {
  watch: {
    input: Type.Object({ after: Type.Optional(int64()) }),
    output: stream(Change),
    http: {
      route: 'GET /v1/changes',
      headers: { after: 'last-event-id' },
      sse: { id: 'id', event: 'kind', retryMs: 1500 },
    },
  },
  quiet: {
    input: Type.Object({}),
    output: stream(Change),
    http: { route: 'GET /v1/quiet', heartbeatMs: 1 },
  },
  download: { input: Type.Object({}), output: stream(Type.Object({ chunk })), http: 'GET /v1/download' },
})

interface Given {
  readonly id?: bigint
  readonly kind?: string
  readonly text: string
}

async function start(protocol: Protocol, items: readonly Given[] = [], shutdownTimeoutMs = 25_000) {
  const began = Promise.withResolvers<AbortSignal>()
  const closed = Promise.withResolvers<void>()
  /** Goes on until the call is cut. */
  const wait = (signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  const watch = async function* (signal: AbortSignal) {
    began.resolve(signal)
    try {
      yield* items
      if (items.some(({ text }) => text === 'fail')) throw new ServiceError('aborted', 'it was changed meanwhile')
      if (items.length === 0 || items.some(({ text }) => text === 'wait')) await wait(signal)
    } finally {
      closed.resolve()
    }
  }
  const handler = defineHandler(changes, () => ({
    watch: ({ after }, call) =>
      after === undefined
        ? watch(call.signal)
        : (async function* () {
            yield { id: after + 1n, text: 'next' }
          })(),
    quiet: (_input, call) => watch(call.signal),
    download: async function* (_input, call) {
      yield { chunk: Buffer.from('begun') }
      await wait(call.signal)
    },
  }))
  const service = defineService({
    name: 'change',
    version: '1.0.0',
    admin: false,
    shutdownTimeoutMs,
    handlers: [handler],
    transports: () => [httpTransport(optionsFor[protocol])],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const caller = new StreamCaller(protocol, started.addresses[0]?.port ?? 0)
  return {
    caller,
    started,
    began: began.promise,
    closed: closed.promise,
    [Symbol.asyncDispose]: async () => {
      caller[Symbol.dispose]()
      await started.stop()
    },
  }
}

const events = { accept: 'text/event-stream' }
const lines = { accept: 'application/x-ndjson' }
const forms = [
  ['events', events],
  ['lines', lines],
] as const

describe.each(protocols)('over %s', (protocol) => {
  test('events have their id and name, and say when to come back', async () => {
    await using demo = await start(protocol, [
      { id: 9_007_199_254_740_993n, kind: 'added', text: 'a' },
      { text: 'b' },
      { id: -1n, text: 'c' },
    ])
    const { headers, body } = await demo.caller.ask('/v1/changes', { headers: events })
    expect(headers['content-type']).toBe('text/event-stream; charset=utf-8')
    expect(body.toString()).toBe(
      [
        'retry: 1500\n\n',
        'event: added\nid: 9007199254740993\ndata: {"id":"9007199254740993","kind":"added","text":"a"}\n\n',
        'data: {"text":"b"}\n\n',
        'id: -1\ndata: {"id":"-1","text":"c"}\n\n',
      ].join(''),
    )
    const plain = await demo.caller.ask('/v1/changes', { headers: lines })
    expect(plain.body.toString().split('\n')[1]).toBe('{"text":"b"}')
  })

  test('a caller that comes back says what it saw last', async () => {
    await using demo = await start(protocol)
    const headers = { ...events, 'last-event-id': '41' }
    const { body } = await demo.caller.ask('/v1/changes?after=41', { headers })
    expect(body.toString()).toBe('retry: 1500\n\nid: 42\ndata: {"id":"42","text":"next"}\n\n')
    expect((await demo.caller.ask('/v1/changes', { headers: { ...events, 'last-event-id': 'x' } })).status).toBe(400)
  })

  test.each(['a\nb', 'a\rb', 'a\0b'])('a name that is not one line ends the stream: %j', async (kind) => {
    await using demo = await start(protocol, [{ text: 'a' }, { kind, text: 'b' }])
    const { body } = await demo.caller.ask('/v1/changes', { headers: events })
    const [, first, last = ''] = body.toString().split('\n\n')
    expect([first, last.split('\n')[0]]).toEqual(['data: {"text":"a"}', 'event: error'])
    expect(JSON.parse(last.replace(/^.*\ndata: /, ''))).toMatchObject({ code: 'internal' })
  })

  test.each([
    ['comments', events, /^(?::\n\n){3}/],
    ['empty lines', lines, /^\n{3}/],
  ])('a silent stream gives %s as a sign of life', async (_what, headers, expected) => {
    await using demo = await start(protocol)
    const { body, leave } = await demo.caller.open('/v1/quiet', { headers })
    let text = ''
    while (!expected.test(text)) text += String((await once(body, 'data'))[0])
    leave()
    await demo.closed
  })

  test.each(forms)('a caller of %s that leaves ends the call at once', async (_what, headers) => {
    await using demo = await start(protocol)
    const { body, leave } = await demo.caller.open('/v1/changes', { headers })
    body.resume()
    const signal = await demo.began
    leave()
    await demo.closed
    expect(signal.aborted).toBe(true)
  })

  test.each(forms)('what fails behind the first of %s is told in the last', async (_what, headers) => {
    await using demo = await start(protocol, [{ text: 'fail' }])
    const { status, body } = await demo.caller.ask('/v1/changes', { headers })
    expect(status).toBe(200)
    expect(lastOf(body, headers)).toMatchObject({ code: 'aborted', status: 409, detail: 'it was changed meanwhile' })
  })

  test.each(forms)('the deadline of a drain ends %s with unavailable', async (_what, headers) => {
    await using demo = await start(protocol, [{ text: 'wait' }], 50)
    const { body } = await demo.caller.open('/v1/changes', { headers })
    const chunks: Buffer[] = []
    body.on('data', (data: Buffer) => void chunks.push(data))
    const ended = once(body, 'end')
    await demo.began
    const stopped = demo.started.stop()
    await ended
    expect(lastOf(Buffer.concat(chunks), headers)).toMatchObject({ code: 'unavailable', status: 503 })
    expect((await stopped).exitCode).toBe(1)
  })

  test('the deadline of a drain cuts a download, which cannot tell', async () => {
    await using demo = await start(protocol, [], 50)
    const { body } = await demo.caller.open('/v1/download')
    const closed = new Promise((resolve) => body.once('close', resolve))
    body.on('error', () => undefined).resume()
    const stopped = demo.started.stop()
    await closed
    expect([body.errored, body.readableEnded]).toEqual([expect.any(Error), false])
    expect((await stopped).exitCode).toBe(1)
  })
})

/** The problem at the end of a stream. */
function lastOf(body: Buffer, headers: { readonly accept: string }): unknown {
  const text = body.toString().trimEnd()
  if (headers === lines) return (JSON.parse(text.slice(text.lastIndexOf('\n') + 1)) as { error: unknown }).error
  return JSON.parse(text.slice(text.lastIndexOf('event: error\ndata: ') + 'event: error\ndata: '.length))
}
