import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, createServer } from 'node:net'
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type StatusObject,
  status,
} from '@grpc/grpc-js'
import { defineHandler, defineService, fault, type Call } from '@tenon/core'
import { type Contract, contract, contractInfo, stream } from '@tenon/core/contract'
import { ContractError, LifecycleError, ServiceError, type Transport, type TransportHost } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { fromStatus } from './wire/grpc-status.ts'
import { grpcTransport } from './index.ts'
import { compileCodec } from './codec/message-codec.ts'
import { toServiceShape } from './proto/service-shape.ts'

const userId = Type.String({ minLength: 1 })
const User = Type.Object({ userId, name: Type.String() })

const users = contract('demo.user.v1.UserService', {
  getUser: { input: Type.Object({ userId }), output: User, errors: ['not_found', 'failed_precondition'] },
  importUsers: { input: Type.Object({ users: Type.Array(User) }), output: Type.Object({ count: Type.Integer() }) },
  adminUsers: { input: User, output: User, access: { roles: ['admin'] } },
  watchUsers: { input: Type.Object({}), output: stream(User) },
  exportUsers: { input: Type.Object({}), output: stream(User) },
  hiddenUsers: { input: Type.Object({}), output: User, grpc: false, http: 'GET /v1/users:hidden' },
})
const service = 'demo.user.v1.UserService'
const shape = toServiceShape(contractInfo(users as Contract))
const codecs = new Map(
  shape.methods.map(({ name, request, response }) => [
    name,
    { request: compileCodec(request), response: compileCodec(response) },
  ]),
)
const ada = { userId: 'u-1', name: 'Ada' }

const same = (bytes: Buffer): Buffer => bytes
const path = (method: string) => (method.includes('/') ? method : `/${service}/${method}`)
const bytesOf = (method: string, input: unknown) =>
  Buffer.isBuffer(input) ? input : (codecs.get(method)?.request.encode(input) ?? Buffer.alloc(0))

interface Answer {
  readonly value: unknown
  readonly error: ServiceError | undefined
  readonly headers: Metadata
}

/** A caller that knows nothing of Tenon. */
class Caller implements Disposable {
  readonly client: Client

  constructor(port: number, options: object = {}) {
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    })
  }

  async unary(
    method: string,
    input: unknown,
    { metadata = {}, timeoutMs }: { metadata?: object; timeoutMs?: number } = {},
  ) {
    const sent = new Metadata()
    for (const [name, value] of Object.entries(metadata)) sent.set(name, String(value))
    const deadline = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }
    return new Promise<Answer>((resolve) => {
      let headers = new Metadata()
      this.client
        .makeUnaryRequest(path(method), same, same, bytesOf(method, input), sent, deadline, (error, bytes) =>
          resolve({
            headers,
            error: error ? fromStatus(error) : undefined,
            value: bytes && codecs.get(method)?.response.decode(bytes),
          }),
        )
        .on('metadata', (received) => (headers = received))
    })
  }

  stream(method: string, options: { deadline?: number } = {}): ClientReadableStream<Buffer> {
    return this.client
      .makeServerStreamRequest(path(method), same, same, Buffer.alloc(0), new Metadata(), options)
      .on('error', () => undefined)
  }

  [Symbol.dispose](): void {
    this.client.close()
  }
}

/** A transport for what is not offered over gRPC. */
const elsewhere: Transport = {
  name: 'elsewhere',
  carries: ({ grpc }) => !grpc,
  bind: () => ({
    listen: async () => [],
    withdraw: () => undefined,
    drain: async () => undefined,
    close: async () => undefined,
  }),
}

interface Behaviour {
  readonly getUser?: (id: string, call: Call) => Promise<typeof ada>
  readonly watch?: (call: Call) => AsyncGenerator<typeof ada>
  readonly shutdownTimeoutMs?: number
}

async function start({ getUser, watch, shutdownTimeoutMs }: Behaviour = {}, caller: object = {}) {
  const handler = defineHandler(users, () => ({
    getUser: async ({ userId: id }, call) => (getUser ? getUser(id, call) : ada),
    importUsers: async ({ users: { length } }) => ({ count: length }),
    adminUsers: async (user) => user,
    watchUsers: async function* (_input, call) {
      if (watch) yield* watch(call)
      else yield ada
    },
    exportUsers: () => {
      throw fault(users.getUser, 'failed_precondition', { message: 'not now', reason: 'closed' })
    },
    hiddenUsers: async () => ada,
  }))
  const started = await defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [grpcTransport({ port: 0, maxRequestBytes: 1_000_000 }), elsewhere],
    authenticate: ({ metadata }) => (metadata['authorization'] === undefined ? undefined : { id: 'eve' }),
    defaultAccess: 'public',
    ...(shutdownTimeoutMs === undefined ? {} : { shutdownTimeoutMs }),
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const port = started.addresses[0]?.port ?? 0
  const client = new Caller(port, caller)
  return {
    started,
    port,
    client,
    [Symbol.asyncDispose]: async () => {
      await started.stop()
      client.client.close()
    },
  }
}

const itemOf = (bytes: unknown) => codecs.get('WatchUsers')?.response.decode(bytes as Buffer)
const statusOf = async (call: ClientReadableStream<Buffer>) =>
  new Promise<StatusObject>((resolve) => call.once('status', resolve))
const ended = async (call: ClientReadableStream<Buffer>) => fromStatus(await statusOf(call.resume()))

test('a unary call is answered, with metadata in and headers out', async () => {
  await using demo = await start({
    getUser: async (id, call) => {
      call.setHeader('etag', '"1"')
      call.setHeader('x-note', 'gr\u00fcn')
      call.setHeader('x-raw-bin', 'AP/+')
      call.setHeader('connection', 'close')
      return { userId: id, name: `${call.metadata['x-name']} over ${call.transport}` }
    },
  })
  const { value, error, headers } = await demo.client.unary(
    'GetUser',
    { userId: 'u-2' },
    { metadata: { 'x-name': 'a, b' } },
  )
  expect([value, error]).toEqual([{ userId: 'u-2', name: 'a, b over grpc' }, undefined])
  expect(headers.get('etag')).toEqual(['"1"'])
  expect(headers.get('x-note')).toEqual([])
  expect(headers.get('x-raw-bin')).toEqual([Buffer.from([0, 255, 254])])
})

test('errors carry code, message, reason and details', async () => {
  await using demo = await start({
    getUser: async () => {
      throw fault(users.getUser, 'not_found', {
        message: 'no \ud83d such user',
        reason: 'gone',
        details: { retryDelayMs: 20 },
      })
    },
  })
  expect((await demo.client.unary('GetUser', { userId: 'x' })).error).toMatchObject({
    code: 'not_found',
    message: 'no \ufffd such user',
    reason: 'gone',
    details: { retryDelayMs: 20 },
  })
  expect(await ended(demo.client.stream('ExportUsers'))).toMatchObject({
    code: 'failed_precondition',
    reason: 'closed',
  })
})

test('an invalid input names its fields, however many they are', async () => {
  await using demo = await start()
  const { error } = await demo.client.unary('ImportUsers', {
    users: Array.from({ length: 5_000 }, () => ({ userId: '' })),
  })
  expect(error?.code).toBe('invalid_argument')
  expect(error?.details?.violations?.[0]).toMatchObject({
    field: expect.stringMatching(/^\/users\/0\/(?:name|userId)$/),
  })
})

test('bytes that cannot be decoded are invalid_argument with a reason and no field, after access was decided', async () => {
  await using demo = await start()
  const garbage = Buffer.from([0xff, 0xff])
  expect((await demo.client.unary('GetUser', garbage)).error).toMatchObject({
    code: 'invalid_argument',
    reason: 'undecodable',
    details: undefined,
  })
  expect((await demo.client.unary('AdminUsers', garbage)).error?.code).toBe('unauthenticated')
  const known = { metadata: { authorization: 'Bearer x' } }
  expect((await demo.client.unary('AdminUsers', garbage, known)).error?.code).toBe('permission_denied')
})

test('an unknown method and one that is not offered over gRPC are unimplemented', async () => {
  await using demo = await start()
  for (const method of ['LoseUser', 'HiddenUsers', '/demo.user.v2.UserService/GetUser'])
    expect((await demo.client.unary(method, Buffer.alloc(0))).error?.code).toBe('unimplemented')
})

test('a message above the limit is resource_exhausted, compressed or not', async () => {
  await using demo = await start()
  const large = { users: [{ userId: 'u', name: 'x'.repeat(1_000_001) }] }
  expect((await demo.client.unary('ImportUsers', large)).error?.code).toBe('resource_exhausted')
  using zipping = new Caller(demo.port, { 'grpc.default_compression_algorithm': 2 })
  expect((await zipping.unary('ImportUsers', large)).error?.code).toBe('resource_exhausted')
  expect((await zipping.unary('GetUser', { userId: 'u-1' })).value).toEqual(ada)
})

test('the deadline of the caller is that of the call, and is kept', async () => {
  const seen = Promise.withResolvers<number>()
  const aborted = Promise.withResolvers<unknown>()
  await using demo = await start({
    getUser: async (_id, call) => {
      seen.resolve(call.remainingMs())
      call.signal.addEventListener('abort', () => aborted.resolve(call.signal.reason))
      await aborted.promise
      return ada
    },
  })
  const { error } = await demo.client.unary('GetUser', { userId: 'u-1' }, { timeoutMs: 100 })
  expect(error?.code).toBe('deadline_exceeded')
  const remainingMs = await seen.promise
  expect(remainingMs).toBeGreaterThan(0)
  expect(remainingMs).toBeLessThanOrEqual(100)
  expect(await aborted.promise).toMatchObject({ code: 'deadline_exceeded' })
})

test('a caller that leaves a unary call aborts it; one that was answered does not', async () => {
  const signals: AbortSignal[] = []
  const arrived = Promise.withResolvers<void>()
  const left = Promise.withResolvers<unknown>()
  await using demo = await start({
    getUser: async (id, { signal }) => {
      signals.push(signal)
      if (id === 'quick') return ada
      signal.addEventListener('abort', () => left.resolve(signal.reason))
      arrived.resolve()
      await left.promise
      return ada
    },
  })
  await demo.client.unary('GetUser', { userId: 'quick' })
  const call = demo.client.client.makeUnaryRequest(
    path('GetUser'),
    same,
    same,
    bytesOf('GetUser', { userId: 'slow' }),
    () => undefined,
  )
  await arrived.promise
  call.cancel()
  expect(await left.promise).toMatchObject({ code: 'cancelled' })
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, true])
})

test('a stream gives its items as they happen', async () => {
  const next = Promise.withResolvers<void>()
  await using demo = await start({
    watch: async function* () {
      yield ada
      await next.promise
      yield { ...ada, name: 'Bob' }
    },
  })
  const call = demo.client.stream('WatchUsers')
  const items = call[Symbol.asyncIterator]()
  expect(itemOf((await items.next()).value)).toEqual(ada)
  next.resolve()
  expect(itemOf((await items.next()).value)).toEqual({ ...ada, name: 'Bob' })
  expect((await items.next()).done).toBe(true)
})

test('a slow reader holds the handler back', async () => {
  let made = 0
  const total = 500
  await using demo = await start({
    watch: async function* () {
      for (; made < total; made += 1) yield { userId: 'u', name: 'x'.repeat(50_000) }
    },
  })
  const call = demo.client.stream('WatchUsers')
  const items = call[Symbol.asyncIterator]()
  await items.next()
  for (let round = 0; round < 20; round += 1) await demo.client.unary('GetUser', { userId: 'u-1' })
  expect(made).toBeLessThan(total / 2)
  let read = 1
  while (!(await items.next()).done) read += 1
  expect([read, made]).toEqual([total, total])
})

test('a caller that leaves a stream ends the handler, whether it waits or is read too slowly', async () => {
  for (const size of [1, 100_000]) {
    const signal = Promise.withResolvers<AbortSignal>()
    const finished = Promise.withResolvers<void>()
    await using demo = await start({
      watch: async function* (call) {
        try {
          signal.resolve(call.signal)
          for (;;) {
            yield { userId: 'u', name: 'x'.repeat(size) }
            if (size === 1) await once(call.signal, 'abort')
          }
        } finally {
          finished.resolve()
        }
      },
    })
    const call = demo.client.stream('WatchUsers')
    await call[Symbol.asyncIterator]().next()
    call.cancel()
    await finished.promise
    expect((await signal.promise).aborted).toBe(true)
  }
})

test('a drain lets running calls finish and refuses new ones, and watches of health do not hold it', async () => {
  const arrived = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  await using demo = await start({
    getUser: async () => {
      arrived.resolve()
      await finish.promise
      return ada
    },
    watch: async function* () {
      yield ada
      await finish.promise
      yield ada
    },
  })
  const health = demo.client.stream('/grpc.health.v1.Health/Watch')[Symbol.asyncIterator]()
  const items = demo.client.stream('WatchUsers')[Symbol.asyncIterator]()
  const running = demo.client.unary('GetUser', { userId: 'u-1' })
  expect((await health.next()).value).toEqual(Buffer.from([8, 1]))
  await Promise.all([arrived.promise, items.next()])
  const stopped = demo.started.stop()
  expect((await health.next()).value).toEqual(Buffer.from([8, 2]))
  expect((await demo.client.unary('GetUser', { userId: 'u-1' })).error).toMatchObject({
    code: 'unavailable',
    reason: 'draining',
  })
  expect(await ended(demo.client.stream('WatchUsers'))).toMatchObject({ code: 'unavailable', reason: 'draining' })
  finish.resolve()
  expect((await running).value).toEqual(ada)
  expect([(await items.next()).done, (await items.next()).done]).toEqual([false, true])
  expect((await health.next()).done).toBe(true)
  expect((await stopped).exitCode).toBe(0)
})

test('what still runs at the end of the drain is unavailable', async () => {
  const arrived = Promise.withResolvers<void>()
  await using demo = await start({
    shutdownTimeoutMs: 100,
    getUser: async () => {
      arrived.resolve()
      return new Promise(() => undefined)
    },
    watch: async function* (call) {
      yield ada
      await once(call.signal, 'abort')
    },
  })
  const call = demo.client.stream('WatchUsers')
  const running = demo.client.unary('GetUser', { userId: 'u-1' })
  await Promise.all([arrived.promise, once(call, 'data')])
  const [{ error }, streamed, end] = await Promise.all([running, ended(call), demo.started.stop()])
  expect([error?.code, streamed.code, end.exitCode]).toEqual(['unavailable', 'unavailable', 1])
})

test('an answer that is still being read is sent to its end before a drain is over', async () => {
  const text = 'x'.repeat(8_000_000)
  const server = grpcTransport({ port: 0 }).bind(hostOf(() => ({ userId: 'u', name: text })))
  const [address] = await server.listen()
  const session = connectHttp2(`http://127.0.0.1:${address?.port}`)
  const request = session.request({ ':path': path('GetUser'), ':method': 'POST', 'content-type': 'application/grpc' })
  const status = once(request, 'trailers')
  request.end(Buffer.alloc(5))
  // Without anybody who reads, the flow control of HTTP/2 holds most of the answer back.
  await once(request, 'response')
  let isDrained = false
  const goaway = once(session, 'goaway')
  const drained = server.drain(new AbortController().signal).then(() => {
    isDrained = true
  })
  await goaway
  expect(isDrained).toBe(false)
  let byteCount = 0
  for await (const part of request) byteCount += (part as Buffer).length
  expect(byteCount).toBeGreaterThan(text.length)
  expect((await status)[0]).toMatchObject({ 'grpc-status': '0' })
  await drained
  await server.close()
})

test('a reader that does not read holds up a drain no longer than its deadline, and is counted', async () => {
  const server = grpcTransport({ port: 0 }).bind(
    hostOf(() => ({
      async *[Symbol.asyncIterator]() {
        for (;;) yield { userId: 'u', name: 'x'.repeat(100_000) }
      },
    })),
  )
  const [address] = await server.listen()
  using caller = new Caller(address?.port ?? 0)
  const call = caller.stream('WatchUsers')
  await call[Symbol.asyncIterator]().next()
  for (let round = 0; round < 20; round += 1) await caller.unary('GetUser', { userId: 'u-1' })
  const end = statusOf(call)
  const deadline = new AbortController()
  const drained = server.drain(deadline.signal)
  deadline.abort()
  expect(await drained).toBe(1)
  await server.close()
  const { code } = await end
  expect([status.UNAVAILABLE, status.CANCELLED]).toContain(code)
})

test('tools that ask for the contracts, and connections without calls, do not hold up a drain', async () => {
  const server = grpcTransport({ port: 0 }).bind(hostOf(() => ada))
  const [address] = await server.listen()
  using caller = new Caller(address?.port ?? 0)
  const asking = askContracts(caller)
  await once(asking, 'data')
  const ended = once(asking.resume(), 'end')
  const socket = connect(address?.port ?? 0, '127.0.0.1')
  await once(socket, 'data')
  await Promise.all([server.drain(new AbortController().signal), ended, once(socket.resume(), 'close')])
  await server.close()
})

test('closing is bounded, also with idle connections and without having listened', async () => {
  const never = grpcTransport({ port: 0 }).bind(hostOf(() => ada))
  await never.close()
  const server = grpcTransport({ port: 0 }).bind(hostOf(() => ada))
  const [address] = await server.listen()
  using caller = new Caller(address?.port ?? 0)
  await caller.unary('GetUser', { userId: 'u-1' })
  const socket = connect(address?.port ?? 0, '127.0.0.1')
  await once(socket, 'data')
  await once(askContracts(caller), 'data')
  await Promise.all([server.close(), server.close(), once(socket.resume(), 'close')])
})

function askContracts({ client }: Caller): ClientDuplexStream<Buffer, Buffer> {
  const call = client.makeBidiStreamRequest('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', same, same)
  call.on('error', () => undefined).write(Buffer.from([0x3a, 0]))
  return call
}

test('a port that is taken is an error that names it', async () => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  const address = blocker.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const failed = grpcTransport({ port }).bind(hostOf(() => ada))
  const error: unknown = await failed.listen().catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(LifecycleError)
  expect(String(error)).toContain(
    `127.0.0.1:${port}: the port is taken; change the options port or host of grpcTransport`,
  )
  await failed.close()
  blocker.close()
})

test('a second server on the same port is refused', async () => {
  const first = grpcTransport({ port: 0 }).bind(hostOf(() => ada))
  const [address] = await first.listen()
  const second = grpcTransport({ port: address?.port ?? 0 }).bind(hostOf(() => ada))
  await expect(second.listen()).rejects.toThrow('the port is taken')
  await Promise.all([first.close(), second.close()])
})

test('an output that cannot be encoded is internal and logged', async () => {
  const logged: object[] = []
  const server = grpcTransport({ port: 0 }).bind(hostOf(() => ({ userId: 1 }), logged))
  const [address] = await server.listen()
  using caller = new Caller(address?.port ?? 0)
  expect((await caller.unary('GetUser', { userId: 'u' })).error).toMatchObject({
    code: 'internal',
    message: 'an internal error occurred',
  })
  expect(logged).toMatchObject([{ operation: 'demo.user.v1.UserService/getUser' }])
  await server.close()
})

test('two contracts of a package may not declare the same message', () => {
  const others = contract('demo.user.v1.OtherService', { getUser: { input: User, output: User } })
  const host = hostOf(() => ada)
  const more = contractInfo(others as Contract).operations.map((operation) => ({
    operation,
    dispatch: host.operations[0]?.dispatch ?? unused,
  }))
  const bind = () => grpcTransport().bind({ ...host, operations: [...host.operations, ...more] })
  expect(bind).toThrow(ContractError)
  expect(bind).toThrow(
    /UserService\/getUser and .*OtherService\/getUser would both declare the protobuf name demo\.user\.v1\.GetUserRequest/,
  )
})

const unused = async () => ({
  ok: false as const,
  error: new ServiceError('internal', ''),
  callId: '',
  headers: undefined,
})

/** A host whose operations all answer with one value. */
function hostOf(answer: () => unknown, logged: object[] = []): TransportHost {
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: (fields: object) => void logged.push(fields),
    child: () => log,
  }
  const operations = contractInfo(users as Contract).operations.map((operation) => ({
    operation,
    dispatch: async () => ({ ok: true as const, value: answer(), callId: 'c-1', headers: undefined }),
  }))
  return {
    service: { name: 'demo', version: '1', instanceId: 'demo-1' },
    operations: operations.filter(({ operation }) => operation.grpc),
    events: [],
    defaultHost: '127.0.0.1',
    log,
    fail: () => undefined,
  }
}
