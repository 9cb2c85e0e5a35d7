import { once } from 'node:events'
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import { type Call, defineHandler, defineService, fault } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { type Contract, contract, contractInfo, stream } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { grpcClient, grpcTransport } from '../index.ts'
import { bytesMethod } from '../wire/service-definition.ts'

const User = Type.Object({ userId: Type.String(), name: Type.String() })
const offered = {
  getUser: { input: Type.Object({ userId: Type.String() }), output: User, errors: ['not_found'] },
  watchUsers: { input: Type.Object({}), output: stream(User) },
} as const
const users = contract('demo.client.v1.UserService', offered)
/** What a caller believes is offered. */
const believed = contract('demo.client.v1.UserService', {
  ...offered,
  hiddenUsers: { input: Type.Object({}), output: User, grpc: false },
  newUsers: { input: Type.Object({}), output: User },
})
const ada = { userId: 'u-1', name: 'Ada' }

interface Behaviour {
  readonly getUser?: (id: string, call: Call) => Promise<typeof ada>
  readonly watch?: (call: Call) => AsyncGenerator<typeof ada>
  readonly port?: number
}

async function serve({ getUser, watch, port = 0 }: Behaviour = {}) {
  const handler = defineHandler(users, () => ({
    getUser: async ({ userId }, call) => (getUser ? getUser(userId, call) : ada),
    watchUsers: async function* (_input, call) {
      if (watch) yield* watch(call)
      else yield ada
    },
  }))
  const started = await defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [grpcTransport({ port })],
    shutdownTimeoutMs: 100,
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  return { started, port: started.addresses[0]?.port ?? 0 }
}

function open(port: number) {
  const channel = grpcClient().open({ contract: contractInfo(believed as Contract), address: `127.0.0.1:${port}` })
  return { channel, client: buildClient(believed, channel) }
}

async function start(behaviour: Behaviour = {}) {
  const { started, port } = await serve(behaviour)
  return {
    started,
    port,
    ...open(port),
    async [Symbol.asyncDispose]() {
      await started.stop()
      await this.channel.close()
    },
  }
}

const failureOf = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  )

test('a call carries input, metadata and deadline, and gives the output', async () => {
  await using demo = await start({
    getUser: async (userId, call) => ({
      userId,
      name: `${call.metadata['x-note']} ${call.metadata['x-raw-bin']} ${call.remainingMs() <= 5_000}`,
    }),
  })
  const options = { metadata: { 'x-note': 'a, b', 'x-raw-bin': 'AP/+' }, timeoutMs: 5_000 }
  expect(await demo.client.getUser({ userId: 'u-2' }, options)).toEqual({ userId: 'u-2', name: 'a, b AP/+ true' })
})

test('an error of the callee is thrown with its code, reason and details', async () => {
  await using demo = await start({
    getUser: async () => {
      throw fault(users.getUser, 'not_found', { message: 'no such user', reason: 'gone', details: { retryDelayMs: 5 } })
    },
  })
  const error = await failureOf(demo.client.getUser({ userId: 'u-1' }))
  expect(ServiceError.is(error)).toBe(true)
  expect(error).toMatchObject({
    code: 'not_found',
    message: 'no such user',
    reason: 'gone',
    details: { retryDelayMs: 5 },
  })
})

test('a stream gives its items, and its error after them', async () => {
  await using demo = await start({
    watch: async function* () {
      yield ada
      throw new ServiceError('aborted', 'enough')
    },
  })
  const items = demo.client.watchUsers({})[Symbol.asyncIterator]()
  expect((await items.next()).value).toEqual(ada)
  expect(await failureOf(items.next())).toMatchObject({ code: 'aborted', message: 'enough' })
})

test('leaving the loop cancels the call', async () => {
  const finished = Promise.withResolvers<void>()
  await using demo = await start({
    watch: async function* (call) {
      try {
        yield ada
        await once(call.signal, 'abort')
      } finally {
        finished.resolve()
      }
    },
  })
  for await (const item of demo.client.watchUsers({})) {
    expect(item).toEqual(ada)
    break
  }
  await finished.promise
})

test('the deadline ends a call, unary and streaming', async () => {
  await using demo = await start({
    getUser: async () => new Promise(() => undefined),
    watch: async function* (call) {
      yield ada
      await once(call.signal, 'abort')
    },
  })
  expect(await failureOf(demo.client.getUser({ userId: 'u' }, { timeoutMs: 50 }))).toMatchObject({
    code: 'deadline_exceeded',
  })
  // Where the machine is slow, before the first item.
  const readAll = async () => {
    for await (const item of demo.client.watchUsers({}, { timeoutMs: 50 })) expect(item).toEqual(ada)
  }
  expect(await failureOf(readAll())).toMatchObject({ code: 'deadline_exceeded' })
})

test('a signal ends a call as cancelled: before it is sent, while it runs, and between two items', async () => {
  const arrived = Promise.withResolvers<void>()
  await using demo = await start({
    getUser: async () => {
      arrived.resolve()
      return new Promise(() => undefined)
    },
    watch: async function* (call) {
      yield ada
      await once(call.signal, 'abort')
    },
  })
  const cancelled = { code: 'cancelled' }
  const early = AbortSignal.abort()
  expect(await failureOf(demo.client.getUser({ userId: 'u' }, { signal: early }))).toMatchObject(cancelled)
  expect(await failureOf(demo.client.watchUsers({}, { signal: early })[Symbol.asyncIterator]().next())).toMatchObject(
    cancelled,
  )
  const caller = new AbortController()
  const items = demo.client.watchUsers({}, { signal: caller.signal })[Symbol.asyncIterator]()
  await items.next()
  const running = demo.client.getUser({ userId: 'u' }, { signal: caller.signal })
  await arrived.promise
  caller.abort()
  expect(await failureOf(running)).toMatchObject(cancelled)
  expect(await failureOf(items.next())).toMatchObject(cancelled)
})

test('a callee that is down is unavailable, and found again when it is back', async () => {
  const { started, port } = await serve()
  const { channel, client } = open(port)
  expect(await client.getUser({ userId: 'u' })).toEqual(ada)
  await started.stop()
  expect(await failureOf(client.getUser({ userId: 'u' }))).toMatchObject({ code: 'unavailable' })
  const again = await serve({ port })
  let answer: unknown
  while (answer === undefined) answer = await client.getUser({ userId: 'u' }).catch(() => undefined)
  expect(answer).toEqual(ada)
  await channel.close()
  await again.started.stop()
})

test('an operation that is not offered over gRPC is unimplemented', async () => {
  await using demo = await start()
  expect(await failureOf(demo.client.hiddenUsers({}))).toMatchObject({ code: 'unimplemented' })
  expect(await failureOf(demo.client.newUsers({}))).toMatchObject({ code: 'unimplemented' })
})

test('metadata that gRPC cannot carry is refused, unless it was only inherited', async () => {
  await using demo = await start()
  const call = async (metadata: Record<string, string>) => failureOf(demo.client.getUser({ userId: 'u' }, { metadata }))
  expect(await call({ baggage: 'name=gr\u00fcn' })).toBeUndefined()
  for (const name of ['x-note', 'x-raw-bin']) {
    expect(await call({ [name]: 'gr\u00fcn' })).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(name),
    })
  }
  expect(
    await failureOf(
      demo.client
        .watchUsers({}, { metadata: { 'x-note': 'gr\u00fcn' } })
        [Symbol.asyncIterator]()
        .next(),
    ),
  ).toMatchObject({ code: 'invalid_argument' })
})

test('an answer that cannot be decoded is internal', async () => {
  const server = new Server({ 'grpc.enable_channelz': 0 })
  const path = '/demo.client.v1.UserService/GetUser'
  server.addService(
    { GetUser: bytesMethod(path, { requestStream: false, responseStream: false }) },
    {
      GetUser: (_call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) =>
        answer(null, Buffer.from([0xff])),
    },
  )
  const port = await new Promise<number>((resolve) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, found) => resolve(found))
  })
  const { channel, client } = open(port)
  expect(await failureOf(client.getUser({ userId: 'u' }))).toMatchObject({ code: 'internal' })
  await channel.close()
  server.forceShutdown()
})

test('closing lets calls with a deadline end, cancels those without one, and refuses new ones', async () => {
  const arrived = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  await using demo = await start({
    getUser: async () => {
      arrived.resolve()
      await finish.promise
      return ada
    },
    watch: async function* (call) {
      yield ada
      await once(call.signal, 'abort')
    },
  })
  const running = demo.client.getUser({ userId: 'u' }, { timeoutMs: 60_000 })
  const items = demo.client.watchUsers({})[Symbol.asyncIterator]()
  await Promise.all([arrived.promise, items.next()])
  const closed = Promise.all([demo.channel.close(), demo.channel.close()])
  expect(await failureOf(demo.client.getUser({ userId: 'u' }))).toMatchObject({ code: 'unavailable' })
  expect(await failureOf(items.next())).toMatchObject({ code: 'cancelled' })
  finish.resolve()
  expect(await running).toEqual(ada)
  await closed
  expect(await failureOf(demo.client.watchUsers({})[Symbol.asyncIterator]().next())).toMatchObject({
    code: 'unavailable',
  })
})
