import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { type Contract, contract, contractInfo, stream } from '@tenon/core/contract'
import { type Arrival, ServiceError, type TransportHost } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { httpTransport } from '../index.ts'

const watcher = contract('demo.v1.Watcher', {
  watch: { input: Type.Object({}), output: stream(Type.Unknown()), http: 'GET /watch' },
})

/** Serves one stream and keeps what the transport told about it. */
async function serve(open: (arrival: Arrival) => AsyncIterable<unknown>) {
  const logged: object[] = []
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: (fields: object) => void logged.push(fields),
    child: () => log,
  }
  const host: TransportHost = {
    service: { name: 'demo', version: '1', instanceId: 'demo-1' },
    operations: contractInfo(watcher as Contract).operations.map((operation) => ({
      operation,
      dispatch: async (arrival) => ({ ok: true, value: open(arrival), callId: 'call-1', headers: { 'x-one': '1' } }),
    })),
    events: [],
    defaultHost: '127.0.0.1',
    log,
    fail: () => undefined,
  }
  const server = httpTransport({ port: 0 }).bind(host)
  const [address] = await server.listen()
  const port = address?.port ?? 0
  return { server, port, url: `http://127.0.0.1:${port}/watch`, logged, [Symbol.asyncDispose]: () => server.close() }
}

/** A stream whose items the test hands out; knows when it was let go. */
function controlled() {
  const steps: PromiseWithResolvers<IteratorResult<unknown>>[] = []
  const next = () => (steps.at(-1) ?? Promise.withResolvers()) as PromiseWithResolvers<IteratorResult<unknown>>
  const asked: (() => void)[] = []
  const returned = Promise.withResolvers<void>()
  const items: AsyncIterableIterator<unknown> = {
    [Symbol.asyncIterator]: () => items,
    next: () => {
      const step = Promise.withResolvers<IteratorResult<unknown>>()
      steps.push(step)
      asked.shift()?.()
      return step.promise
    },
    return: () => {
      returned.resolve()
      next().resolve({ done: true, value: undefined })
      return Promise.resolve({ done: true, value: undefined })
    },
  }
  /** Waits until the transport wants an item, then gives it. */
  const give = async (value: unknown) => {
    if (steps.length === 0) await new Promise<void>((resolve) => asked.push(resolve))
    const step = steps.shift()
    step?.resolve({ done: false, value })
  }
  return { items, give, returned: returned.promise }
}

async function* of(...items: readonly unknown[]) {
  yield* items
}

const sse = { headers: { accept: 'text/event-stream, */*;q=0.1' } }

test('items are JSON lines, or events for those who accept them', async () => {
  await using demo = await serve(() => of({ a: 1 }, 'two\nlines'))
  const lines = await fetch(demo.url)
  expect(lines.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
  expect([lines.headers.get('x-one'), lines.headers.get('cache-control')]).toEqual(['1', 'no-store'])
  expect(await lines.text()).toBe('{"a":1}\n"two\\nlines"\n')
  const events = await fetch(demo.url, sse)
  expect(events.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(await events.text()).toBe('data: {"a":1}\n\ndata: "two\\nlines"\n\n')
})

test.each([
  ['TEXT/EVENT-STREAM', 'text/event-stream'],
  ['text/event-stream, */*', 'text/event-stream'],
  ['text/event-stream;q=0.5, application/x-ndjson;q=0.4', 'text/event-stream'],
  ['text/event-stream;q=0.5, application/x-ndjson', 'application/x-ndjson'],
  ['text/event-stream;q=0, */*', 'application/x-ndjson'],
  ['text/event-stream;q=0', 'application/x-ndjson'],
  ['text/*', 'application/x-ndjson'],
  ['*/*', 'application/x-ndjson'],
])('Accept: %s is answered with %s', async (accept, type) => {
  await using demo = await serve(() => of(1))
  const reply = await fetch(demo.url, { headers: { accept } })
  expect(reply.headers.get('content-type')).toBe(`${type}; charset=utf-8`)
})

test('the head is sent before the first item, and every item as it comes', async () => {
  const source = controlled()
  await using demo = await serve(() => source.items)
  const [reply] = (await once(get(demo.url), 'response')) as [IncomingMessage]
  reply.setEncoding('utf8')
  for (const number of [1, 2]) {
    const line = once(reply, 'data')
    await source.give({ number })
    expect(await line).toEqual([`{"number":${number}}\n`])
  }
  reply.destroy()
  await source.returned
})

test('a proxy is told not to keep items back', async () => {
  await using demo = await serve(async function* () {
    yield 1
  })
  const { headers } = await fetch(demo.url)
  expect([headers.get('x-accel-buffering'), headers.get('cache-control')]).toEqual(['no', 'no-store'])
})

test('a stream that fails after its head ends with the problem', async () => {
  const failing = async function* () {
    yield 1
    throw new ServiceError('unavailable', 'the source is gone', { reason: 'source', cause: new Error('secret') })
  }
  await using demo = await serve(failing)
  const problem = {
    type: 'about:blank',
    title: 'Service Unavailable',
    status: 503,
    detail: 'the source is gone',
    instance: '/watch',
    code: 'unavailable',
    reason: 'source',
    callId: 'call-1',
  }
  const [first, last] = (await (await fetch(demo.url)).text()).split('\n')
  expect([first, JSON.parse(last ?? '')]).toEqual(['1', { error: problem }])
  const [item, error] = (await (await fetch(demo.url, sse)).text()).split('\n\n')
  expect([item, error?.split('\ndata: ')[0], JSON.parse(error?.split('\ndata: ')[1] ?? '')]).toEqual([
    'data: 1',
    'event: error',
    problem,
  ])
})

test('an item that cannot be written ends the stream as an internal error, and is logged', async () => {
  const source = controlled()
  await using demo = await serve(() => source.items)
  const [reply] = await Promise.all([fetch(demo.url), source.give(1n)])
  expect(JSON.parse(await reply.text())).toMatchObject({ error: { code: 'internal' } })
  await source.returned
  expect(demo.logged).toHaveLength(1)
})

test('a caller that leaves lets the stream go at once, while it waits for an item', async () => {
  const source = controlled()
  let signal: AbortSignal | undefined
  await using demo = await serve((arrival) => {
    signal = arrival.signal
    return source.items
  })
  const [reply] = (await once(get(demo.url), 'response')) as [IncomingMessage]
  reply.destroy()
  await source.returned
  expect(signal?.aborted).toBe(true)
})

test('items are asked for no faster than the caller reads', async () => {
  const item = 'x'.repeat(65_536)
  let asked = 0
  const endless = async function* () {
    for (;;) {
      asked += 1
      yield item
    }
  }
  await using demo = await serve(endless)
  const [reply] = (await once(get(demo.url), 'response')) as [IncomingMessage]
  await once(reply, 'readable')
  // A second request is answered after the first stream has filled every buffer on its way.
  for (let before = -1; asked !== before; ) {
    before = asked
    await (await fetch(demo.url, { method: 'HEAD' })).text()
  }
  expect(asked).toBeLessThan(1000)
  const before = asked
  for (let read = 0; read < 200; read += 1) if (reply.read() === null) await once(reply, 'readable')
  expect(asked).toBeGreaterThan(before)
  reply.destroy()
})

test('HEAD of a stream has its head and lets it go', async () => {
  const source = controlled()
  await using demo = await serve(() => source.items)
  const reply = await fetch(demo.url, { method: 'HEAD' })
  expect([reply.status, await reply.text()]).toEqual([200, ''])
  await source.returned
})

test('drain waits for a stream; one that is ended for it tells so in its last record', async () => {
  const ended = Promise.withResolvers<never>()
  const waiting = async function* () {
    yield 1
    await ended.promise
  }
  await using demo = await serve(waiting)
  const reply = await fetch(demo.url)
  const deadline = new AbortController()
  const drained = demo.server.drain(deadline.signal)
  // What the dispatcher does when the deadline of a drain has come.
  deadline.signal.addEventListener('abort', () => ended.reject(new ServiceError('unavailable', 'shutting down')))
  deadline.abort()
  expect(await reply.text()).toMatch(/^1\n\{"error":.*"code":"unavailable".*\}\n$/)
  await drained
})

test('drain does not wait for a caller that does not read', async () => {
  const cut = Promise.withResolvers<void>()
  const endless = async function* () {
    for (;;) yield 'x'.repeat(1_000_000)
  }
  await using demo = await serve(endless)
  const [reply] = (await once(get(demo.url), 'response')) as [IncomingMessage]
  await once(reply, 'readable')
  const deadline = new AbortController()
  deadline.abort()
  await demo.server.drain(deadline.signal)
  reply.once('error', () => cut.resolve())
  await demo.server.close()
  reply.resume()
  await cut.promise
})
