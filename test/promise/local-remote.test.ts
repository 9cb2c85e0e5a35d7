import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Client,
  clientOf,
  currentCall,
  defineHandler,
  defineService,
  hook,
  inject,
  remote,
  ServiceError,
} from '@tenon/core'
import { contract, int64, stream, timestamp } from '@tenon/core/contract'
import { eventually } from '@tenon/testing'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpClient, httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { describe, expect, onTestFinished, test } from 'vitest'
import { environment, startCaller } from './local-pair.ts'

const Note = Type.Object({ text: Type.String() })
const Tagged = Type.Object({ text: Type.String(), tags: Type.Array(Type.String(), { default: [] }) })
const Big = Type.Object({ size: int64(), at: timestamp() })
const notes = contract('shop.note.v1.NoteService', {
  echo: { input: Tagged, output: Tagged, http: 'POST /v1/notes:echo' },
  big: { input: Big, output: Big, http: 'POST /v1/notes:big' },
  fail: { input: Note, output: Note, errors: ['not_found', 'aborted'], http: 'POST /v1/notes:fail' },
  wait: { input: Note, output: Note, http: 'POST /v1/notes:wait' },
  guarded: { input: Note, output: Note, access: { roles: ['admin'] }, http: 'POST /v1/notes:guarded' },
  count: { input: Note, output: stream(Note), http: 'POST /v1/notes:count' },
  join: { input: stream(Note), output: Note, http: 'POST /v1/notes:join' },
  talk: { input: stream(Note), output: stream(Note), http: 'POST /v1/notes:talk' },
})
type Notes = Client<typeof notes>

const kept = { tags: ['kept'] }
const seen: {
  names: string[]
  left: number
  metadata: unknown
  store: unknown
  remainingMs: number
  produced: number
} = {
  names: [],
  left: 0,
  metadata: undefined,
  store: undefined,
  remainingMs: 0,
  produced: 0,
}
const storage = new AsyncLocalStorage<string>()

const handler = (name: string) =>
  defineHandler(notes, () => ({
    echo: (input, call) => {
      seen.names.push(name)
      call.setHeader('x-said', 'before')
      call.setTrailer('x-told', 'behind')
      seen.metadata = { id: call.id, tenant: call.metadata['x-tenant'] }
      seen.store = storage.getStore()
      seen.remainingMs = call.remainingMs()
      input.tags.push('callee')
      return { ...input, ...kept, secret: 'unknown field', nothing: undefined }
    },
    big: (input) => input,
    fail: ({ text }) => {
      if (text === 'foreign') throw new Error('a secret of the callee')
      throw new ServiceError('not_found', 'no such note', {
        reason: 'gone',
        details: { note: { id: text }, retryDelayMs: 5 },
        cause: new Error('hidden'),
      })
    },
    wait: (_input, { signal }) =>
      new Promise((_resolve, reject) => {
        const leave = () => {
          seen.left += 1
          reject(signal.reason as Error)
        }
        if (signal.aborted) leave()
        else signal.addEventListener('abort', leave, { once: true })
      }),
    guarded: (input) => input,
    async *count({ text }, call) {
      call.setHeader('x-said', 'before')
      seen.produced = 0
      try {
        for (let index = 0; index < 1_000; index += 1) {
          if (text === 'broken' && index === 2) throw new ServiceError('aborted', 'broke', { reason: 'third' })
          if (text === 'few' && index === 3) break
          seen.produced += 1
          yield { text: `${text} ${index}` }
        }
        call.setTrailer('x-told', 'behind')
      } finally {
        seen.left += 1
      }
    },
    async join(inputs) {
      const texts: string[] = []
      for await (const { text } of inputs) texts.push(text)
      return { text: texts.join('+') }
    },
    async *talk(inputs) {
      for await (const { text } of inputs) yield { text: text.toUpperCase() }
    },
  }))

const callee = (name = 'note') =>
  defineService({
    name,
    version: '1.0.0',
    admin: false,
    handlers: [handler(name)],
    authenticate: () => ({ id: 'caller', roles: [] }),
    transports: () => [httpTransport({ port: 0 }), grpcTransport({ port: 0 })],
  })

type Wire = 'http' | 'grpc' | 'local'

/** The client of a service that knows nothing of how its remote is called. */
async function calling(wire: Wire): Promise<Notes> {
  const started = wire === 'local' ? undefined : await callee().start({ environment })
  const local = wire === 'local' ? await callee().start({ environment }) : undefined
  const port = started?.addresses.find(({ protocol }) => protocol === wire)?.port
  const via = wire === 'http' ? httpClient() : grpcClient()
  const caller = await callerOf(wire === 'local' ? 'local' : `static:///127.0.0.1:${port}`, via)
  onTestFinished(async () => {
    await caller.stop()
    await started?.stop()
    await local?.stop()
  })
  return caller.client
}

async function callerOf(at: string, via = httpClient()) {
  const { client, service } = await startCaller(notes, { via, at })
  return { client, stop: () => service.stop() }
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  if (!ServiceError.is(error)) return error
  const { code, message, reason, details } = error
  return { code, message, reason, details }
}

async function* give(...texts: string[]) {
  for (const text of texts) yield { text }
}

async function allOf(items: AsyncIterable<{ text: string }>): Promise<string[]> {
  const texts: string[] = []
  for await (const { text } of items) texts.push(text)
  return texts
}

describe.each(['http', 'grpc', 'local'] as const)('a remote over %s', (wire) => {
  test('answers with what is its own, with headers and trailers', async () => {
    const client = await calling(wire)
    const input = { text: 'a', tags: ['caller'] }
    const told: Record<string, string | undefined>[] = []
    const output = await client.echo(input, {
      metadata: { 'x-tenant': 't' },
      timeoutMs: 5_000,
      onHeaders: (headers) => told.push({ said: headers['x-said'] }),
      onTrailers: (trailers) => told.push({ told: trailers['x-told'] }),
    })
    expect(output).toEqual({ text: 'a', tags: ['kept'] })
    expect(told).toEqual([{ said: 'before' }, { told: 'behind' }])
    expect(input).toEqual({ text: 'a', tags: ['caller'] })
    output.tags.push('changed')
    expect(kept.tags).toEqual(['kept'])
    expect(seen.metadata).toMatchObject({ tenant: 't' })
    expect(seen.remainingMs).toBeLessThanOrEqual(5_000)
  })

  test('carries native values', async () => {
    const client = await calling(wire)
    const at = '2026-01-02T03:04:05.000Z'
    const output = await client.big({ size: 9_007_199_254_740_993n, at })
    expect(output).toEqual({ size: 9_007_199_254_740_993n, at: expect.anything() })
    expect(Date.parse(String(output.at))).toBe(Date.parse(at))
  })

  test('fails with what is sent of an error, and nothing of what led to it', async () => {
    const client = await calling(wire)
    expect(await failureOf(client.fail({ text: '7' }))).toEqual({
      code: 'not_found',
      message: 'no such note',
      reason: 'gone',
      details: { note: { id: '7' }, retryDelayMs: 5 },
    })
    expect(await failureOf(client.fail({ text: 'foreign' }))).toMatchObject({
      code: 'internal',
      message: 'an internal error occurred',
    })
    const error: unknown = await client.fail({ text: 'foreign' }).catch((failure: unknown) => failure)
    expect(String((error as Error).cause)).not.toContain('secret')
    expect(await failureOf(client.guarded({ text: 'a' }))).toMatchObject({ code: 'permission_denied' })
  })

  test('is left at the deadline and when the caller leaves, and its handler learns of it', async () => {
    const client = await calling(wire)
    seen.left = 0
    expect(await failureOf(client.wait({ text: 'a' }, { timeoutMs: 50 }))).toMatchObject({ code: 'deadline_exceeded' })
    const leaving = new AbortController()
    const waiting = failureOf(client.wait({ text: 'a' }, { signal: leaving.signal }))
    setImmediate(() => leaving.abort())
    expect(await waiting).toMatchObject({ code: 'cancelled' })
    await eventually(() => expect(seen.left).toBeGreaterThanOrEqual(1))
  })

  test('streams either way', async () => {
    const client = await calling(wire)
    const told: unknown[] = []
    const few = client.count(
      { text: 'few' },
      {
        onHeaders: (headers) => told.push(headers['x-said']),
        onTrailers: (trailers) => told.push(trailers['x-told']),
      },
    )
    expect(await allOf(few)).toEqual(['few 0', 'few 1', 'few 2'])
    expect(told).toEqual(['before', 'behind'])
    expect(await client.join(give('a', 'b'))).toEqual({ text: 'a+b' })
    expect(await allOf(client.talk(give('a', 'b')))).toEqual(['A', 'B'])
    const broken = client.count({ text: 'broken' })[Symbol.asyncIterator]()
    expect((await broken.next()).value).toEqual({ text: 'broken 0' })
    expect((await broken.next()).value).toEqual({ text: 'broken 1' })
    expect(await failureOf(broken.next())).toMatchObject({ code: 'aborted', reason: 'third' })
  })

  test('ends a stream that its caller leaves', async () => {
    const client = await calling(wire)
    seen.left = 0
    for await (const { text } of client.count({ text: 'many' })) if (text === 'many 1') break
    await eventually(() => expect(seen.left).toBe(1))
  })
})

describe('a service of the same process', () => {
  test('produces an item when it is asked for one, and knows nothing of what its caller keeps', async () => {
    const client = await calling('local')
    for await (const { text } of client.count({ text: 'many' })) if (text === 'many 1') break
    expect(seen.produced).toBe(2)
    await storage.run('of the caller', () => client.echo({ text: 'a', tags: [] }))
    expect(seen.store).toBeUndefined()
    const stores: unknown[] = []
    async function* own() {
      stores.push(storage.getStore(), currentCall())
      yield { text: 'a' }
    }
    await storage.run('of the caller', () => client.join(own()))
    expect(stores).toEqual(['of the caller', undefined])
  })

  test('is unavailable before it runs and when it has stopped', async () => {
    const caller = await callerOf('local')
    const missing = {
      code: 'unavailable',
      message: 'no service that runs in this process offers shop.note.v1.NoteService',
    }
    expect(await failureOf(caller.client.echo({ text: 'a', tags: [] }))).toMatchObject(missing)
    const started = await callee().start({ environment })
    expect(await caller.client.echo({ text: 'a', tags: [] })).toMatchObject({ text: 'a' })
    await started.stop()
    expect(await failureOf(caller.client.echo({ text: 'a', tags: [] }))).toMatchObject(missing)
    await caller.stop()
  })

  test('stops with its caller in any order, and lets calls end', async () => {
    for (const first of ['caller', 'callee'] as const) {
      const started = await callee().start({ environment })
      const caller = await callerOf('local')
      const iterator = caller.client.count({ text: 'few' })[Symbol.asyncIterator]()
      await iterator.next()
      const ends = first === 'caller' ? [caller.stop(), started.stop()] : [started.stop(), caller.stop()]
      expect((await iterator.next()).value).toEqual({ text: 'few 1' })
      while (!(await iterator.next()).done);
      expect((await Promise.all(ends)).map(({ exitCode }) => exitCode)).toEqual([0, 0])
    }
  })

  test('may be several, which are called in turn, and one that drains is passed over', async () => {
    seen.names.length = 0
    const one = await callee('one').start({ environment })
    const other = await callee('other').start({ environment })
    const caller = await callerOf('local')
    await eventually(async () => {
      await caller.client.echo({ text: 'a', tags: [] })
      expect(new Set(seen.names)).toEqual(new Set(['one', 'other']))
    })
    await one.stop()
    seen.names.length = 0
    for (let count = 0; count < 5; count += 1) await caller.client.echo({ text: 'a', tags: [] })
    expect(new Set(seen.names)).toEqual(new Set(['other']))
    await other.stop()
    await caller.stop()
  })

  test('may be the caller itself, and gets the id of the call and what is left of its time', async () => {
    const asked: { id: string; transport: string; remainingMs: number }[] = []
    const chain = contract('shop.chain.v1.ChainService', {
      ask: { input: Note, output: Note, http: 'POST /v1/chain:ask', access: 'public' },
    })
    const own = defineHandler(chain, () => {
      const client = inject(clientOf(chain))
      return {
        ask: ({ text }, call) => {
          asked.push({ id: call.id, transport: call.transport, remainingMs: call.remainingMs() })
          return text === 'end' ? { text } : client.ask({ text: 'end' })
        },
      }
    })
    const answered = Promise.withResolvers<unknown>()
    const call = (client: Client<typeof chain>) => answered.resolve(client.ask({ text: 'a' }, { timeoutMs: 5_000 }))
    const ask = hook('ask', call, { needs: [clientOf(chain)] })
    const started = await defineService({
      name: 'chain',
      version: '1.0.0',
      admin: false,
      handlers: [own],
      transports: () => [httpTransport({ port: 0 })],
      remotes: () => [remote(chain, { at: 'local', policy: { retry: {} } })],
      onReady: [ask],
    }).start({ environment })
    expect(await answered.promise).toEqual({ text: 'end' })
    const [first, second] = asked
    expect(second).toMatchObject({ id: first?.id, transport: 'local' })
    expect(second?.remainingMs).toBeLessThanOrEqual(first?.remainingMs ?? 0)
    expect((await started.stop()).exitCode).toBe(0)
  })

  test('leaves no listener behind on the signal of its caller', async () => {
    const client = await calling('local')
    const { signal } = new AbortController()
    const counts = { add: 0, remove: 0 }
    const { addEventListener: add, removeEventListener: remove } = signal
    signal.addEventListener = (...given: Parameters<typeof add>) => {
      counts.add += 1
      add.apply(signal, given)
    }
    signal.removeEventListener = (...given: Parameters<typeof remove>) => {
      counts.remove += 1
      remove.apply(signal, given)
    }
    for (let count = 0; count < 3; count += 1) await client.echo({ text: 'a', tags: [] }, { signal })
    expect(counts.add).toBeGreaterThan(0)
    expect(counts.remove).toBe(counts.add)
  })
})
