import { type Client, defineHandler, defineService, ServiceError } from '@tenon/core'
import { contract, stream } from '@tenon/core/contract'
import type { Logger } from '@tenon/core/telemetry'
import { eventually } from '@tenon/testing'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpClient, httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { environment, startCaller } from './local-pair.ts'

const Note = Type.Object({ text: Type.String() })
const notes = contract('shop.fault.v1.NoteService', {
  fail: { input: Note, output: Note, http: 'POST /v1/notes:fail' },
  echo: { input: Note, output: Note, http: 'POST /v1/notes:echo' },
  watch: { input: Note, output: stream(Note), http: 'POST /v1/notes:watch' },
  first: { input: stream(Note), output: Note, http: 'POST /v1/notes:first' },
})
/** What may be anything, which no message of protobuf can be. */
const things = contract('shop.fault.v1.ThingService', {
  give: { input: Note, output: Type.Object({ thing: Type.Any() }), http: 'POST /v1/things:give', grpc: false },
  list: { input: Note, output: stream(Type.Object({ thing: Type.Any() })), http: 'POST /v1/things:list', grpc: false },
})
const metadata = vi.fn<(value: string | undefined) => void>()
const first = { waits: Promise.withResolvers<void>() }

const handlers = [
  defineHandler(notes, () => ({
    fail: ({ text }) => {
      const details = text === 'details' ? { amount: 5n } : undefined
      const code = text === 'code' ? 'no_such_code' : 'not_found'
      throw new ServiceError(code as 'not_found', 'secret', { ...(details && { details }) })
    },
    echo: (input, call) => {
      metadata(call.metadata['x-note'])
      return input
    },
    async *watch(input, call) {
      call.setHeader('x-said', 'before')
      await first.waits.promise
      yield input
    },
    first: async (inputs) => {
      for await (const input of inputs) return input
      throw new ServiceError('not_found', 'nothing came')
    },
  })),
  defineHandler(things, () => ({
    give: () => ({ thing: 5n }),
    async *list() {
      yield { thing: 1 }
      yield { thing: 5n }
    },
  })),
]

async function startCallee(log?: Logger) {
  const callee = await defineService({
    name: 'note',
    version: '1.0.0',
    admin: false,
    handlers,
    authenticate: () => ({ id: 'caller', roles: [] }),
    transports: () => [httpTransport({ port: 0 }), grpcTransport({ port: 0 })],
  }).start({ environment, ...(log && { log }) })
  onTestFinished(async () => void (await callee.stop()))
  return callee
}

type Wire = 'http' | 'grpc' | 'local'

async function calling<Of extends typeof notes | typeof things>(of: Of, wire: Wire): Promise<Client<Of>> {
  const { addresses } = await startCallee()
  const port = addresses.find(({ protocol }) => protocol === wire)?.port
  const via = wire === 'grpc' ? grpcClient() : httpClient()
  const at = wire === 'local' ? 'local' : `static:///127.0.0.1:${port}`
  return (await startCaller(of, { via, at })).client
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.catch((failure: unknown) => failure)
  return ServiceError.is(error) ? { code: error.code, message: error.message } : error
}

const input = { text: 'a' }
const unsent = { code: 'internal', message: 'an internal error occurred' }

describe.each(['http', 'grpc', 'local'] as const)('a remote over %s', (wire) => {
  test('fails as internal where the code of an error is none', async () => {
    const client = await calling(notes, wire)
    expect(await failureOf(client.fail({ text: 'code' }))).toEqual(unsent)
  })

  test('refuses metadata that no wire carries, and hands on what one does', async () => {
    const client = await calling(notes, wire)
    metadata.mockClear()
    for (const [name, value] of [
      ['x-note', 'two\nlines'],
      ['x-note', '€'],
      ['x note', 'name'],
    ] as const)
      expect(await failureOf(client.echo(input, { metadata: { [name]: value } }))).toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining(name),
      })
    expect(metadata).not.toHaveBeenCalled()
    await client.echo(input, { metadata: { 'X-Note': 'one line', traceparent: 'two\nlines' } })
    expect(metadata).toHaveBeenCalledExactlyOnceWith('one line')
  })

  test('tells the headers of a stream when its handler has begun', async () => {
    const client = await calling(notes, wire)
    first.waits = Promise.withResolvers<void>()
    const told = Promise.withResolvers<unknown>()
    const options = { onHeaders: (headers: Readonly<Record<string, unknown>>) => told.resolve(headers['x-said']) }
    const items = client.watch(input, options)[Symbol.asyncIterator]()
    const item = items.next()
    expect(await told.promise).toBe('before')
    first.waits.resolve()
    expect((await item).value).toEqual(input)
    expect((await items.next()).done).toBe(true)
  })

  test('closes the source of its inputs when the call is over', async () => {
    const client = await calling(notes, wire)
    const closed = vi.fn()
    const steps = [Promise.resolve({ done: false as const, value: input })]
    const source: AsyncIterableIterator<typeof input> = {
      [Symbol.asyncIterator]: () => source,
      next: () => steps.shift() ?? new Promise(() => undefined),
      return: async () => {
        closed()
        return { done: true, value: undefined }
      },
    }
    expect(await client.first(source)).toEqual(input)
    await eventually(() => expect(closed).toHaveBeenCalledTimes(1))
  })
})

describe.each(['http', 'local'] as const)('a remote over %s that carries JSON', (wire) => {
  test('fails as internal where what comes is none', async () => {
    const client = await calling(notes, wire)
    expect(await failureOf(client.fail({ text: 'details' }))).toEqual(unsent)
    const { give, list } = await calling(things, wire)
    expect(await failureOf(give(input))).toEqual(unsent)
    const items = list(input)[Symbol.asyncIterator]()
    expect((await items.next()).value).toEqual({ thing: 1 })
    expect(await failureOf(items.next())).toEqual(unsent)
  })
})

test('a service tells its own log, and not its caller, of what it could not write', async () => {
  const error = vi.fn<Logger['error']>()
  const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error, child: () => log }
  await startCallee(log)
  const { client } = await startCaller(things)
  const failure: unknown = await client.give(input).catch((thrown: unknown) => thrown)
  expect((failure as Error).cause).toBeUndefined()
  expect(error).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ err: expect.any(TypeError), operation: 'shop.fault.v1.ThingService/give' }),
    expect.stringContaining('could not be written'),
  )
})
