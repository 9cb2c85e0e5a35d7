import Type from 'typebox'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import type { Call } from '../call/call.ts'
import { type AmbientCall, runInCall } from '../call/context.ts'
import { forwardedByDefault } from '../call/propagation.ts'
import { contract, contractInfo } from '../contract/contract.ts'
import { stream } from '../contract/stream.ts'
import { ServiceError, toServiceError } from '../error/service-error.ts'
import { Container } from '../handler/container.ts'
import { inject } from '../handler/inject.ts'
import { indexProviders, planProviders } from '../handler/provider-graph.ts'
import type { ClientChannel, ClientTransport, OutgoingCall } from './client-transport.ts'
import type { ClientInterceptor } from './client-method.ts'
import { buildClient, clientOf, remote } from './remote.ts'

const Note = Type.Object({ id: Type.String(), size: Type.Integer() })
const notes = contract('shop.NoteService', {
  getNote: { input: Type.Object({ id: Type.String() }), output: Note, timeoutMs: 1_000 },
  freeNote: { input: Type.Object({ id: Type.String() }), output: Note },
  sizeNote: {
    input: Type.Object({ id: Type.String() }),
    output: z.object({ size: z.string().transform(Number), unit: z.string().default('kB') }),
  },
  sumNotes: { input: stream(Type.Object({ id: Type.String() })), output: Note },
  chatNotes: { input: stream(Type.Object({ id: Type.String() })), output: stream(Note) },
  watchNotes: { input: Type.Object({ id: Type.String() }), output: stream(Note) },
})

// What is left of a deadline is told to the millisecond.
beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

interface Sent {
  readonly operation: string
  readonly input: unknown
  readonly call: OutgoingCall
}

/** A channel that notes what is sent and answers with what it is given. */
function channelWith(answer: unknown = { id: 'a', size: 1 }) {
  const sent: Sent[] = []
  const closed = vi.fn(async () => undefined)
  const left = vi.fn()
  const channel: ClientChannel = {
    unary: async ({ name }, input, call) => {
      sent.push({ operation: name, input, call })
      if (answer instanceof Error) throw answer
      return answer
    },
    serverStream: async function* ({ name }, input, call) {
      sent.push({ operation: name, input, call })
      try {
        for (const item of Array.isArray(answer) ? answer : [answer]) {
          if (item instanceof Error) throw item
          yield item
        }
      } finally {
        left()
      }
    },
    clientStream: async ({ name }, inputs, call) => {
      sent.push({ operation: name, input: await all(inputs), call })
      return answer
    },
    bidiStream: async function* ({ name }, inputs, call) {
      const received: unknown[] = []
      sent.push({ operation: name, input: received, call })
      for await (const input of inputs) {
        received.push(input)
        yield answer
      }
    },
    close: closed,
  }
  return { client: buildClient<typeof notes>(notes, channel), channel, sent, closed, left }
}

/** Runs something inside a call that has this much time left. */
function inCall<Result>(run: () => Result, facts: Partial<Call> & { readonly leftMs?: number } = {}): Result {
  const { leftMs = Number.POSITIVE_INFINITY } = facts
  const call = {
    id: 'req-1',
    metadata: {},
    signal: new AbortController().signal,
    forwarded: forwardedByDefault,
    remainingMs: () => leftMs,
    ...facts,
  }
  return runInCall(call as unknown as AmbientCall, run, undefined)
}

async function all(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const list: unknown[] = []
  for await (const item of items) list.push(item)
  return list
}

/** A channel that says something before and behind what it answers. */
function talkingChannel(): ClientChannel {
  const { channel } = channelWith()
  return {
    ...channel,
    unary: async (_operation, _input, { onHeaders, onTrailers }) => {
      onHeaders?.({ 'x-from': 'a' })
      onTrailers?.({ 'x-cost': '1' })
      return { id: 'a', size: 1 }
    },
    serverStream: async function* (_operation, _input, { onHeaders, onTrailers }) {
      onHeaders?.({ 'x-from': 'a' })
      yield { id: 'a', size: 1 }
      onTrailers?.({ 'x-cost': '1' })
    },
  }
}

describe('what a reply says beside its output', () => {
  it('is told before the output, and behind the last item', async () => {
    const client = buildClient<typeof notes>(notes, talkingChannel())
    const told: unknown[] = []
    const listening = {
      onHeaders: (headers: unknown) => void told.push(headers),
      onTrailers: (trailers: unknown) => void told.push(trailers),
    }
    told.push(await client.getNote({ id: 'a' }, listening))
    for await (const item of client.watchNotes({ id: 'a' }, listening)) told.push(item)
    const [note, headers, trailers] = [{ id: 'a', size: 1 }, { 'x-from': 'a' }, { 'x-cost': '1' }]
    expect(told).toEqual([headers, trailers, note, headers, note, trailers])
  })

  it.each(['onHeaders', 'onTrailers'])('fails the call with what %s throws', async (name) => {
    const client = buildClient<typeof notes>(notes, talkingChannel())
    const broken = new Error('broken')
    const listening = {
      [name]: () => {
        throw broken
      },
    }
    await expect(client.getNote({ id: 'a' }, listening)).rejects.toBe(broken)
    await expect(all(client.watchNotes({ id: 'a' }, listening))).rejects.toBe(broken)
  })
})

describe('a unary method', () => {
  it('sends the input as the schema writes it and reads the output as the schema says', async () => {
    const { client, sent } = channelWith({ id: 'a', size: 1, secret: 'x' })
    expect(await client.getNote({ id: 'a', extra: 1 } as { id: string })).toEqual({ id: 'a', size: 1 })
    expect(sent).toMatchObject([{ operation: 'getNote', input: { id: 'a' } }])
    const sizes = channelWith({ size: '12' })
    expect(await sizes.client.sizeNote({ id: 'a' })).toEqual({ size: 12, unit: 'kB' })
  })

  it('refuses an input that does not fit, and sends nothing', async () => {
    const { client, sent } = channelWith()
    await expect(client.getNote({} as { id: string })).rejects.toMatchObject({
      code: 'invalid_argument',
      details: { violations: [{ field: '/id', message: 'is required', rule: 'required' }] },
    })
    expect(sent).toEqual([])
  })

  it("throws the remote's error to the handler, but does not let it pass for the handler's own", async () => {
    const answer = new ServiceError('not_found', 'no such note', { reason: 'gone' })
    const thrown = await channelWith(answer)
      .client.getNote({ id: 'a' })
      .catch((error: unknown) => error)
    expect(thrown).toBe(answer)
    expect(toServiceError(thrown).code).toBe('internal')
  })

  it('throws an output that does not fit as an error of ours, which names no value', async () => {
    const wrong = channelWith({ id: 'a', size: 'hunter2' }).client.getNote({ id: 'a' })
    await expect(wrong).rejects.toMatchObject({
      code: 'internal',
      message: "the remote's output does not fit its schema: /size must be integer",
    })
    await expect(channelWith(7).client.getNote({ id: 'a' })).rejects.toThrow('(output) must be object')
  })

  it('passes on what is no ServiceError as it is', async () => {
    const failure = new TypeError('a bug in the channel')
    await expect(channelWith(failure).client.getNote({ id: 'a' })).rejects.toBe(failure)
  })
})

describe('a stream method', () => {
  it('reads item after item', async () => {
    const { client, sent, left } = channelWith([
      { id: 'a', size: 1, secret: 'x' },
      { id: 'b', size: 2 },
    ])
    expect(await all(client.watchNotes({ id: 'a' }))).toEqual([
      { id: 'a', size: 1 },
      { id: 'b', size: 2 },
    ])
    expect(sent).toHaveLength(1)
    expect(left).toHaveBeenCalledTimes(1)
  })

  it('refuses an input that does not fit, and sends nothing', () => {
    const { client, sent } = channelWith()
    expect(() => client.watchNotes({} as { id: string })).toThrow('/id is required')
    expect(sent).toEqual([])
  })

  it('leaves the remote when the reader leaves, and after an error', async () => {
    const { client, left } = channelWith([
      { id: 'a', size: 1 },
      { id: 'b', size: 2 },
    ])
    for await (const _item of client.watchNotes({ id: 'a' })) break
    expect(left).toHaveBeenCalledTimes(1)
    const failing = channelWith([{ id: 'a', size: 1 }, new ServiceError('permission_denied', 'no more')])
    const error = await all(failing.client.watchNotes({ id: 'a' })).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'permission_denied' })
    expect(toServiceError(error).code).toBe('internal')
    expect(failing.left).toHaveBeenCalledTimes(1)
    const wrong = channelWith([{ id: 'a', size: 'x' }])
    await expect(all(wrong.client.watchNotes({ id: 'a' }))).rejects.toThrow('/size must be integer')
    expect(wrong.left).toHaveBeenCalledTimes(1)
  })

  it('inherits from the call in which it was asked for, not from the one that reads it', async () => {
    const { client, sent } = channelWith([])
    const items = inCall(() => client.watchNotes({ id: 'a' }), { leftMs: 50 })
    await all(items)
    expect(sent[0]?.call).toMatchObject({ timeoutMs: 50, metadata: { 'x-request-id': 'req-1' } })
  })
})

describe('an input stream', () => {
  async function* ids(...given: readonly unknown[]) {
    for (const id of given) yield { id, extra: true } as { id: string }
  }

  it('sends each item as the schema writes it, from any iterable', async () => {
    for (const inputs of [ids('a', 'b'), [{ id: 'a' }, { id: 'b' }]]) {
      const { client, sent } = channelWith()
      expect(await client.sumNotes(inputs)).toEqual({ id: 'a', size: 1 })
      expect(sent).toMatchObject([{ operation: 'sumNotes', input: [{ id: 'a' }, { id: 'b' }] }])
    }
  })

  it('goes both ways at once, and closes its source when the reader leaves', async () => {
    const closed = vi.fn()
    async function* endless() {
      try {
        for (;;) yield { id: 'a' }
      } finally {
        closed()
      }
    }
    const { client } = channelWith()
    for await (const note of client.chatNotes(endless())) {
      expect(note).toEqual({ id: 'a', size: 1 })
      break
    }
    expect(closed).toHaveBeenCalledTimes(1)
  })

  it('ends with an item that does not fit, which our own caller is told as internal', async () => {
    const { client } = channelWith()
    const error = await client.sumNotes(ids('a', 1)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'invalid_argument', details: { violations: [{ field: '/id' }] } })
    expect(toServiceError(error).code).toBe('internal')
  })
})

describe('an interceptor', () => {
  it('runs around every call, the first outermost, may add metadata and answer itself', async () => {
    const log: string[] = []
    const noting =
      (name: string): ClientInterceptor =>
      async (call, next) => {
        log.push(`${name} ${call.operation}`)
        call.metadata['x-by'] = `${call.metadata['x-by'] ?? ''}${name}`
        return await next()
      }
    const { channel, sent } = channelWith()
    const client = buildClient<typeof notes>(notes, channel, [noting('a'), noting('b')])
    await client.getNote({ id: 'n' })
    expect(await all(client.watchNotes({ id: 'n' }))).toEqual([{ id: 'a', size: 1 }])
    expect(log).toEqual(
      ['getNote', 'watchNotes'].flatMap((name) => ['a', 'b'].map((by) => `${by} shop.NoteService/${name}`)),
    )
    expect(sent.map(({ call }) => call.metadata['x-by'])).toEqual(['ab', 'ab'])
    const cached = buildClient<typeof notes>(notes, channel, [async () => ({ id: 'cached', size: 0 })])
    expect(await cached.getNote({ id: 'n' })).toEqual({ id: 'cached', size: 0 })
    expect(sent).toHaveLength(2)
  })

  it('that throws, or calls next() twice, fails the call', async () => {
    const { channel, sent } = channelWith()
    const failing = buildClient<typeof notes>(notes, channel, [() => Promise.reject(new Error('no token'))])
    await expect(failing.getNote({ id: 'n' })).rejects.toThrow('no token')
    await expect(all(failing.watchNotes({ id: 'n' }))).rejects.toThrow('no token')
    expect(sent).toEqual([])
    const twice: ClientInterceptor = async (_call, next) => (await next(), await next())
    await expect(buildClient<typeof notes>(notes, channel, [twice]).getNote({ id: 'n' })).rejects.toThrow(
      'called next() twice',
    )
  })
})

describe('an output that does not fit', () => {
  const theRemotes = { code: 'internal', message: "the remote's output does not fit its schema: /size must be integer" }
  const pass: ClientInterceptor = (_call, next) => next()
  const cached: ClientInterceptor = async () => ({ id: 'cached', size: 'x' })
  const copying: ClientInterceptor = async (_call, next) => ({ ...Object(await next()) })
  const spoiling: ClientInterceptor = async (_call, next) => Object.assign(Object(await next()), { size: 'x' })
  const wrapping = (change: (items: AsyncIterable<unknown>) => AsyncIterable<unknown>): ClientInterceptor =>
    async function wrapping(_call, next) {
      return change((await next()) as AsyncIterable<unknown>)
    }
  const logging = wrapping(async function* (items) {
    yield* items
  })
  const clientWith = (interceptors: readonly ClientInterceptor[], answer?: unknown) =>
    buildClient<typeof notes>(notes, channelWith(answer).channel, interceptors)

  it.each<readonly [what: string, interceptors: readonly ClientInterceptor[], names: string]>([
    ['one never asks the remote', [cached], 'cached'],
    ['one lies further in', [pass, cached], 'pass, cached'],
    ['one changes what came in place', [spoiling, pass], 'spoiling, pass'],
    ['one does not wait for the remote', [async (_call, next) => (void next(), { id: 'a' })], '(anonymous)'],
  ])("is told as that of the client's interceptors when %s", async (_what, interceptors, names) => {
    const error = await clientWith(interceptors)
      .getNote({ id: 'a' })
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'WiringError', problems: [{ code: 'wiring.interceptor' }] })
    const by = `the output for shop.NoteService/getNote that the client's interceptors (${names}) gave`
    expect(String(error)).toContain(`${by} does not fit its schema: `)
    expect(toServiceError(error).code).toBe('internal')
  })

  it("is told as the remote's whatever the interceptors would make of it", async () => {
    for (const interceptor of [pass, copying, spoiling]) {
      const wrong = clientWith([interceptor], { id: 'a', size: 'y' }).getNote({ id: 'a' })
      await expect(wrong).rejects.toMatchObject(theRemotes)
    }
  })

  it('is told item by item where interceptors wrap a stream', async () => {
    const fits = { id: 'a', size: 1 }
    const wrong = { id: 'b', size: 'x' }
    const adding = wrapping(async function* (items) {
      yield* items
      yield wrong
    })
    const spoilingItems = wrapping(async function* (items) {
      for await (const item of items) yield Object.assign(Object(item), { size: 'x' })
    })
    for (const inner of [adding, spoilingItems]) {
      const own = all(clientWith([logging, inner], [{ ...fits }]).watchNotes({ id: 'a' }))
      await expect(own).rejects.toThrow("watchNotes that the client's interceptors (wrapping, wrapping) gave")
      const remotes = all(clientWith([logging, inner], [wrong]).watchNotes({ id: 'a' }))
      await expect(remotes).rejects.toMatchObject(theRemotes)
    }
    expect(await all(clientWith([logging], [fits, fits]).watchNotes({ id: 'a' }))).toEqual([fits, fits])
  })

  it('is told where an interceptor gives no stream at all', async () => {
    await expect(all(clientWith([cached]).watchNotes({ id: 'a' }))).rejects.toThrow(
      "watchNotes that the client's interceptors (cached) gave is no async iterable",
    )
  })

  it('is not what a transform makes of the output, which runs on what came', async () => {
    const client = clientWith([pass], { size: '12' })
    expect(await client.sizeNote({ id: 'a' })).toEqual({ size: 12, unit: 'kB' })
  })
})

describe('what goes along', () => {
  it.each<
    [
      own: number | undefined,
      leftMs: number | undefined,
      operation: 'getNote' | 'freeNote',
      expected: number | undefined,
    ]
  >([
    [undefined, undefined, 'freeNote', undefined],
    [undefined, undefined, 'getNote', 1_000],
    [300, undefined, 'getNote', 300],
    [3_000, undefined, 'getNote', 3_000],
    [undefined, 200, 'freeNote', 200],
    [undefined, 200, 'getNote', 200],
    [undefined, 5_000, 'getNote', 1_000],
    [300, 200, 'getNote', 200],
    [100, 200, 'getNote', 100],
  ])('with timeoutMs %j and %j ms left, %s waits %j ms', async (timeoutMs, leftMs, operation, expected) => {
    const { client, sent } = channelWith()
    const call = () => client[operation]({ id: 'a' }, timeoutMs === undefined ? {} : { timeoutMs })
    await (leftMs === undefined ? call() : inCall(call, { leftMs }))
    expect(sent[0]?.call.timeoutMs).toBe(expected)
  })

  it('sends what is left when it goes out, and nothing when that is nothing', async () => {
    const { channel, sent } = channelWith()
    const slow: ClientInterceptor = async (_call, next) => {
      await vi.advanceTimersByTimeAsync(80)
      return await next()
    }
    const client = buildClient<typeof notes>(notes, channel, [slow])
    await inCall(() => client.getNote({ id: 'a' }), { leftMs: 100 })
    expect(sent[0]?.call.timeoutMs).toBe(20)
    await expect(inCall(() => client.getNote({ id: 'a' }), { leftMs: 50 })).rejects.toMatchObject({
      code: 'deadline_exceeded',
    })
    expect(sent).toHaveLength(1)
  })

  it('writes the names of metadata in lower case', async () => {
    const { client, sent } = channelWith()
    await client.getNote({ id: 'a' }, { metadata: { 'X-Tenant-Id': 't1' } })
    expect(sent[0]?.call.metadata).toEqual({ 'x-tenant-id': 't1' })
  })

  it('sends nothing when the running call has no time left', async () => {
    const { client, sent } = channelWith()
    await expect(inCall(() => client.getNote({ id: 'a' }), { leftMs: 0 })).rejects.toMatchObject({
      code: 'deadline_exceeded',
    })
    expect(sent).toEqual([])
  })

  it.each([0, -5, Number.NaN])('refuses timeoutMs %j', async (timeoutMs) => {
    const { client } = channelWith()
    await expect(inCall(() => client.getNote({ id: 'a' }, { timeoutMs }), { leftMs: 100 })).rejects.toThrow(
      `shop.NoteService/getNote: timeoutMs must be above 0, found ${timeoutMs}`,
    )
  })

  it("carries the running call's trace and request id, and what the caller adds", async () => {
    const { client, sent } = channelWith()
    const metadata = { traceparent: '00-a-b-01', authorization: 'Bearer x' }
    await inCall(() => client.getNote({ id: 'a' }, { metadata: { 'x-tenant': 't1' } }), { metadata })
    expect(sent[0]?.call.metadata).toEqual({
      'x-request-id': 'req-1',
      traceparent: '00-a-b-01',
      'x-tenant': 't1',
    })
    await client.getNote({ id: 'a' })
    expect(sent[1]?.call.metadata).toEqual({})
  })

  it('ends with the running call or with its own signal, whichever fires first', async () => {
    const { client, sent } = channelWith()
    const [ambient, own] = [new AbortController(), new AbortController()]
    const facts = { signal: ambient.signal }
    await inCall(() => client.getNote({ id: 'a' }), facts)
    await inCall(() => client.getNote({ id: 'a' }, { signal: own.signal }), facts)
    await client.getNote({ id: 'a' }, { signal: own.signal })
    await client.getNote({ id: 'a' })
    const signals = sent.map(({ call }) => call.signal)
    expect(signals[0]).toBe(ambient.signal)
    expect(signals[2]).toBe(own.signal)
    expect(signals[3]).toBeUndefined()
    expect(signals[1]?.aborted).toBe(false)
    own.abort('enough')
    expect(signals[1]).toMatchObject({ aborted: true, reason: 'enough' })
  })
})

describe('remote', () => {
  afterEach(() => vi.restoreAllMocks())

  const transportOver = (channel: ClientChannel): ClientTransport => ({ name: 'fake', open: vi.fn(() => channel) })

  it('provides the client of a contract and closes its channel in the end', async () => {
    const { channel, closed } = channelWith()
    const via = transportOver(channel)
    const provider = remote(notes, { via, at: 'static:///127.0.0.1:50051' })
    expect(via.open).not.toHaveBeenCalled()
    const root = { name: 'Handler', construct: () => inject(clientOf(notes)) }
    const container = new Container(planProviders([root], indexProviders([provider], []).byToken), {
      onLateFailure: vi.fn(),
    })
    await container.create(new AbortController().signal)
    expect(via.open).toHaveBeenCalledExactlyOnceWith({ contract: contractInfo(notes), address: '127.0.0.1:50051' })
    const client = container.construct('Handler', root.construct)
    expect(await client.getNote({ id: 'a' })).toEqual({ id: 'a', size: 1 })
    expect(await container.dispose(1_000)).toEqual([])
    expect(closed).toHaveBeenCalledTimes(1)
  })

  it('refuses an interceptor that is no function, as the client itself does', () => {
    const { channel } = channelWith()
    const interceptors: readonly never[] = [(() => undefined) as never, 'nope' as never]
    const at = 'static:///127.0.0.1:50051'
    const said = 'interceptors[1] of remote(shop.NoteService) is no function but string [wiring.undefined]'
    expect(() => remote(notes, { via: transportOver(channel), at, interceptors })).toThrow(said)
    expect(() => buildClient(notes, channel, interceptors)).toThrow(said)
  })

  it('has one token for each contract', () => {
    expect(clientOf(notes)).toBe(clientOf(notes))
    expect(clientOf(notes)).not.toBe(clientOf(contract('shop.Other', {})))
    expect(clientOf(notes).description).toBe('clientOf(shop.NoteService)')
  })

  it.each([
    'static:///[::1]:50051',
    'static:///user.shop.svc:1',
    'static:///unix:/run/user.sock,a:1',
    'registry:///note',
    'registry:///note.shop',
  ])('takes the address %s', (at) => {
    expect(() => remote(notes, { via: transportOver(channelWith().channel), at })).not.toThrow()
  })

  it.each([
    '',
    '127.0.0.1:50051',
    'static://127.0.0.1:50051',
    'static:///',
    'static:///127.0.0.1',
    'static:///127.0.0.1:',
    'static:///127.0.0.1:70000',
    'static:///127.0.0.1:123456',
    'static:///a:1,',
    'static:///a:1,b',
    'static:///a:1, b:2',
    'static:///a:1/x',
    'static:///unix:/',
    'static:///unix:run/user.sock',
    'registry:///',
    'registry:///a b',
    'registry:///note/',
    'registry://note',
  ])('refuses the address %j', (at) => {
    expect(() => remote(notes, { via: transportOver(channelWith().channel), at })).toThrow(
      `remote(shop.NoteService): at must be static:///host:port, or several host:port with commas between, or unix:/path in their place, or registry:///name, or dns:///name:port, or local, found "${at}" [config.malformed]`,
    )
  })
})
