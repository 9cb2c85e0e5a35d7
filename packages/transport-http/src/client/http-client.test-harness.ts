import { type Call, defineHandler, defineService } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { bytes, type Contract, contract, contractInfo, int64, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { type HttpClientOptions, httpClient, httpTransport } from '../index.ts'

const User = Type.Object({ userId: Type.String(), name: Type.String() })
const Line = Type.Object({ text: Type.String() })
const offered = {
  getUser: {
    input: Type.Object({
      userId: Type.String(),
      tags: Type.Optional(Type.Array(Type.String())),
      size: Type.Optional(int64()),
    }),
    output: User,
    errors: ['not_found'],
    http: 'GET /v1/users/:userId',
  },
  renameUser: { input: User, output: User, http: 'POST /v1/users/:userId:rename' },
  forgetUser: {
    input: Type.Object({ userId: Type.String() }),
    output: Type.Object({}),
    http: 'DELETE /v1/users/:userId',
  },
  putPhoto: {
    input: Type.Object({ userId: Type.String(), photo: bytes({ mediaType: 'image/png' }) }),
    output: bytes({ mediaType: 'image/png' }),
    http: 'PUT /v1/users/:userId/photo',
  },
  watchUsers: { input: Type.Object({ limit: Type.Integer() }), output: stream(User), http: 'GET /v1/users:watch' },
  addLines: { input: stream(Line), output: Type.Object({ count: Type.Integer() }), http: 'POST /v1/lines' },
  echoLines: { input: stream(Line), output: stream(Line), http: 'POST /v1/lines:echo' },
  clearUsers: { input: Type.Object({}), output: Type.Object({}), http: { route: 'POST /v1/users:clear', status: 204 } },
  resetUsers: { input: Type.Object({}), output: Type.Object({}), http: { route: 'POST /v1/users:reset', status: 205 } },
  findHome: {
    input: Type.Object({}),
    output: Type.Object({ home: Type.String() }),
    http: { route: 'GET /v1/home', status: 302, location: 'home' },
  },
  addBig: {
    input: Type.Object({ big: int64(), raw: bytes() }),
    output: Type.Object({ big: int64(), raw: bytes() }),
    http: 'POST /v1/big',
  },
} as const
export const users = contract('demo.client.v1.UserService', offered)
/** What a caller believes is offered. */
const believed = contract('demo.client.v1.UserService', {
  ...offered,
  hiddenUsers: { input: Type.Object({}), output: User },
  newUsers: { input: Type.Object({}), output: User, http: 'GET /v1/new-users' },
})

type Items = AsyncIterable<{ readonly text: string }>

/** What a handler does where a test wants something of its own. */
export interface Behaviour {
  readonly getUser?: (
    input: { userId: string; tags?: string[]; size?: bigint },
    call: Call,
  ) => Promise<{ userId: string; name: string }>
  readonly watch?: (limit: number, call: Call) => AsyncGenerator<{ userId: string; name: string }>
  readonly addLines?: (items: Items, call: Call) => Promise<{ count: number }>
  readonly echo?: (items: Items, call: Call) => AsyncGenerator<{ text: string }>
  readonly port?: number
}

export const ada = { userId: 'u-1', name: 'Ada' }

async function countLines(items: Items): Promise<{ count: number }> {
  let count = 0
  for await (const _item of items) count += 1
  return { count }
}

export async function serve({ getUser, watch, addLines = countLines, echo, port = 0 }: Behaviour = {}) {
  const handler = defineHandler(users, () => ({
    getUser: async (input, call) => (getUser ? getUser(input, call) : { ...ada, userId: input.userId }),
    renameUser: (input) => input,
    forgetUser: () => ({}),
    putPhoto: ({ photo }) => photo,
    watchUsers: async function* ({ limit }, call) {
      if (watch) yield* watch(limit, call)
      else for (let index = 0; index < limit; index += 1) yield { userId: `u-${index}`, name: 'Ada' }
    },
    addLines: (items, call) => addLines(items, call),
    echoLines: async function* (items, call) {
      if (echo) yield* echo(items, call)
      else yield* items
    },
    clearUsers: () => ({}),
    resetUsers: () => ({}),
    findHome: () => ({ home: '/\u00e9?q=%20' }),
    addBig: (input) => input,
  }))
  const started = await defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [httpTransport({ port })],
    shutdownTimeoutMs: 100,
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  return { started, port: started.addresses[0]?.port ?? 0 }
}

/** A client of what callers believe is offered. */
export function open(port: number, options: HttpClientOptions = {}) {
  const channel = httpClient(options).open({
    contract: contractInfo(believed as Contract),
    address: `127.0.0.1:${port}`,
  })
  const client = buildClient(believed, channel)
  return { channel, client, [Symbol.asyncDispose]: () => channel.close() }
}

/** A service with a client of it. */
export async function start(behaviour: Behaviour = {}, options: HttpClientOptions = {}) {
  const { started, port } = await serve(behaviour)
  const { channel, client } = open(port, options)
  return {
    started,
    port,
    channel,
    client,
    async [Symbol.asyncDispose]() {
      await started.stop()
      await channel.close()
    },
  }
}

export const failureOf = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  )

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}
