import { once } from 'node:events'
import { type Call, defineHandler, defineService, fault } from '@tenon/core'
import { buildClient, type Client } from '@tenon/core/client'
import { type Contract, contractInfo } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { protoContract } from '@tenon/transport-grpc/proto'
import { httpClient, httpTransport } from '@tenon/transport-http'
import { describe, expect, test } from 'vitest'
import { CorpusService } from '../../packages/transport-grpc/fixture/gen/corpus/v1/corpus_pb.js'

// The conformance suite makes its contracts of schemas, in which a number is what it says. Of a contract from .proto files these are
// the behaviours that do not depend on who wrote the schema.

const errors = ['aborted', 'not_found'] as const
const corpus = protoContract(CorpusService, {
  operations: {
    getItem: { errors },
    watchItems: { errors, http: 'GET /v1/watched/:itemId' },
    addItems: { errors, http: 'POST /v1/items:add' },
    exchangeItems: { errors, http: 'POST /v1/items:exchange' },
  },
})

const kinds = ['getItem', 'watchItems', 'addItems', 'exchangeItems'] as const
type Kind = (typeof kinds)[number]

/** What a handler does when it has the first of what it is given, before it gives anything. */
type Act = (itemId: string, call: Call) => unknown

const over = {
  grpc: { transport: () => grpcTransport({ port: 0 }), client: () => grpcClient() },
  http: { transport: () => httpTransport({ port: 0 }), client: () => httpClient() },
} as const

async function start(name: keyof typeof over, act: Act = () => undefined) {
  const handler = defineHandler(corpus, () => ({
    echo: async (everything) => everything,
    putItem: async ({ item }) => item ?? {},
    dropItem: async () => ({}),
    touchItem: async ({ itemId }) => ({ itemId }),
    getItem: async ({ itemId }, call) => {
      await act(itemId, call)
      return { itemId }
    },
    watchItems: async function* ({ itemId }, call) {
      await act(itemId, call)
      yield { itemId, price: { units: 1n } }
      yield { itemId, price: { units: 2n } }
    },
    addItems: async (items, call) => {
      let count = 0
      for await (const { itemId } of items) {
        await act(itemId, call)
        count += 1
      }
      return { count }
    },
    exchangeItems: async function* (items, call) {
      for await (const { itemId } of items) {
        await act(itemId, call)
        yield { itemId: `${itemId}!` }
      }
    },
  }))
  const started = await defineService({
    name: 'corpus',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [over[name].transport()],
    shutdownTimeoutMs: 1_000,
    deregisterDelayMs: 0,
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const address = `127.0.0.1:${started.addresses[0]?.port}`
  const channel = over[name].client().open({ contract: contractInfo(corpus as Contract), address })
  return {
    started,
    client: buildClient<typeof corpus>(corpus, channel),
    [Symbol.asyncDispose]: async () => {
      await channel.close()
      await started.stop()
    },
  }
}

type Options = NonNullable<Parameters<Client<typeof corpus>['getItem']>[1]>

/** Calls an operation of any kind, and gives what came of it. */
async function callOf(client: Client<typeof corpus>, kind: Kind, options: Options = {}): Promise<unknown> {
  const items = [{ itemId: 'a' }, { itemId: 'b' }]
  if (kind === 'getItem') return [(await client.getItem({ itemId: 'a' }, options)).itemId]
  if (kind === 'addItems') return (await client.addItems(items, options)).count
  const given: unknown[] = []
  if (kind === 'watchItems')
    for await (const { price } of client.watchItems({ itemId: 'a' }, options)) given.push(price?.units)
  else for await (const { itemId } of client.exchangeItems(items, options)) given.push(itemId)
  return given
}

async function failureOf(call: Promise<unknown>): Promise<ServiceError> {
  const thrown: unknown = await call.catch((error: unknown) => error)
  if (ServiceError.is(thrown)) return thrown
  throw new Error('expected the call to fail', { cause: thrown })
}

const results = { getItem: ['a'], watchItems: [1n, 2n], addItems: 2, exchangeItems: ['a!', 'b!'] } as const
const cases = (['grpc', 'http'] as const).flatMap((name) => kinds.map((kind) => ({ name, kind })))

describe.each(cases)('$kind of a contract from .proto files over $name', ({ name, kind }) => {
  test('gives what the handler gives, with its headers and trailers', async () => {
    await using demo = await start(name, (_itemId, call) => {
      call.setHeader('x-first', '1')
      call.setTrailer('x-last', '2')
    })
    const told: Record<string, unknown>[] = []
    const options = {
      onHeaders: (all: object) => told.push({ ...all }),
      onTrailers: (all: object) => told.push({ ...all }),
    }
    expect(await callOf(demo.client, kind, options)).toEqual(results[kind])
    expect(Object.assign({}, ...told)).toMatchObject({ 'x-last': '2' })
  })

  test('fails with code, reason and details of what the handler throws', async () => {
    await using demo = await start(name, () => {
      throw fault(corpus.getItem, 'aborted', { message: 'not now', reason: 'busy', details: { retryDelayMs: 7 } })
    })
    expect(await failureOf(callOf(demo.client, kind))).toMatchObject({
      code: 'aborted',
      message: 'not now',
      reason: 'busy',
      details: { retryDelayMs: 7 },
    })
  })

  test('tells nothing of a foreign exception', async () => {
    await using demo = await start(name, () => {
      throw new Error('secret of the database')
    })
    const { code, message } = await failureOf(callOf(demo.client, kind))
    expect([code, message.includes('secret')]).toEqual(['internal', false])
  })

  test('ends at its deadline, which the handler sees', async () => {
    const seen = Promise.withResolvers<number | undefined>()
    await using demo = await start(name, async (_itemId, call) => {
      seen.resolve(call.remainingMs())
      const { signal } = call
      if (!signal.aborted) await once(signal, 'abort')
    })
    expect(await failureOf(callOf(demo.client, kind, { timeoutMs: 300 }))).toMatchObject({ code: 'deadline_exceeded' })
    expect(await seen.promise).toBeLessThanOrEqual(300)
  })

  test('is cancelled in the handler when its caller leaves', async () => {
    const arrived = Promise.withResolvers<AbortSignal>()
    await using demo = await start(name, async (_itemId, { signal }) => {
      arrived.resolve(signal)
      if (!signal.aborted) await once(signal, 'abort')
    })
    const leaving = new AbortController()
    const failed = failureOf(callOf(demo.client, kind, { signal: leaving.signal }))
    const signal = await arrived.promise
    leaving.abort()
    expect(await failed).toMatchObject({ code: 'cancelled' })
    if (!signal.aborted) await once(signal, 'abort')
    expect(signal.reason).toMatchObject({ code: 'cancelled' })
  })

  test('finishes while the service drains', async () => {
    const arrived = Promise.withResolvers<void>()
    await using demo = await start(name, async (_itemId, { draining }) => {
      arrived.resolve()
      if (!draining.aborted) await once(draining, 'abort')
    })
    const called = callOf(demo.client, kind)
    await arrived.promise
    const stopped = demo.started.stop()
    expect(await called).toEqual(results[kind])
    expect((await stopped).exitCode).toBe(0)
  })
})
