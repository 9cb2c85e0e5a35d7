import { once } from 'node:events'
import { get, type IncomingMessage, request as send } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { defineHandler, defineService, fault } from '@tenon/core'
import { contract, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { httpTransport } from './index.ts'

const userId = Type.String({ format: 'uuid' })
const User = Type.Object({ userId, name: Type.String({ minLength: 1 }) })

const users = contract('demo.user.v1.UserService', {
  getUser: { input: Type.Object({ userId }), output: User, errors: ['not_found'], http: 'GET /v1/users/:userId' },
  createUser: {
    input: Type.Object({ name: Type.String({ minLength: 1 }) }),
    output: User,
    http: { route: 'POST /v1/users', status: 201 },
  },
  listUsers: {
    input: Type.Object({ pageSize: Type.Integer({ minimum: 1, maximum: 100, default: 10 }) }),
    output: Type.Object({ pageSize: Type.Integer() }),
    http: 'GET /v1/users',
  },
  removeUser: { input: Type.Object({ userId }), output: Type.Undefined(), http: 'DELETE /v1/users/:userId' },
  adminUsers: { input: User, output: User, access: { roles: ['admin'] }, http: 'PUT /v1/users/:userId' },
  watchUsers: { input: Type.Object({}), output: stream(User), http: 'GET /v1/users:watch' },
})

const ada = { userId: '8f1c2f6e-6a3e-4a57-9d8a-1b7c0f5f2d11', name: 'Ada' }

async function start() {
  const arrived = Promise.withResolvers<void>()
  const watching = Promise.withResolvers<AbortSignal>()
  const finish = Promise.withResolvers<void>()
  const handler = defineHandler(users, () => ({
    getUser: async ({ userId: id }, call) => {
      if (id !== ada.userId) throw fault(users.getUser, 'not_found', `user ${id} does not exist`)
      arrived.resolve()
      if (call.metadata['x-wait'] !== undefined) await finish.promise
      call.setHeader('etag', '"1"')
      return { ...ada, password: 'secret' }
    },
    createUser: async ({ name }) => ({ ...ada, name }),
    listUsers: async ({ pageSize }) => ({ pageSize }),
    removeUser: async () => undefined,
    adminUsers: async (user) => user,
    watchUsers: async function* (_input, call) {
      yield ada
      watching.resolve(call.signal)
      await finish.promise
      yield ada
    },
  }))
  const service = defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [httpTransport({ port: 0 })],
    authenticate: ({ metadata }) => (metadata['authorization'] === undefined ? undefined : { id: 'eve' }),
    defaultAccess: 'public',
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const url = `http://127.0.0.1:${started.addresses[0]?.port}`
  return {
    started,
    url,
    arrived: arrived.promise,
    watching: watching.promise,
    finish: finish.resolve,
    [Symbol.asyncDispose]: async () => void (await started.stop()),
  }
}

async function ask(url: string, init?: RequestInit): Promise<readonly [number, unknown]> {
  const reply = await fetch(url, init)
  const text = await reply.text()
  return [reply.status, text === '' ? undefined : (JSON.parse(text) as unknown)]
}

const post = (body: string) => ({ method: 'POST', body, headers: { 'content-type': 'application/json' } })

test('calls are answered through the whole pipeline', async () => {
  await using demo = await start()
  const reply = await fetch(`${demo.url}/v1/users/${ada.userId}`)
  expect([reply.status, reply.headers.get('etag'), await reply.json()]).toEqual([200, '"1"', ada])
  expect(await ask(`${demo.url}/v1/users`, post('{"name":"Bob","stray":1}'))).toEqual([201, { ...ada, name: 'Bob' }])
  expect(await ask(`${demo.url}/v1/users?pageSize=25`)).toEqual([200, { pageSize: 25 }])
  expect(await ask(`${demo.url}/v1/users`)).toEqual([200, { pageSize: 10 }])
  expect(await ask(`${demo.url}/v1/users/${ada.userId}`, { method: 'DELETE' })).toEqual([204, undefined])
})

test('bad input is 400 and names its field, wherever it stands', async () => {
  await using demo = await start()
  const cases: readonly (readonly [string, RequestInit | undefined, string])[] = [
    ['/v1/users/42', undefined, '/userId'],
    ['/v1/users?pageSize=ten', undefined, '/pageSize'],
    ['/v1/users?pageSize=1&pageSize=2', undefined, '/pageSize'],
    ['/v1/users?pageSize=101', undefined, '/pageSize'],
    ['/v1/users', post('{}'), '/name'],
    ['/v1/users', post('{"name":1}'), '/name'],
    ['/v1/users', post('{"name":""}'), '/name'],
    ['/v1/users', post('[]'), ''],
    ['/v1/users', { method: 'POST' }, '/name'],
  ]
  for (const [path, init, field] of cases) {
    const [status, problem] = await ask(`${demo.url}${path}`, init)
    expect([path, status, problem]).toMatchObject([path, 400, { code: 'invalid_argument', errors: [{ field }] }])
  }
  const undecodable = await ask(`${demo.url}/v1/users`, post('{'))
  expect(undecodable).toMatchObject([400, { code: 'invalid_argument', reason: 'undecodable' }])
})

test('who may not call learns nothing about the input', async () => {
  await using demo = await start()
  const put = { ...post('{'), method: 'PUT' }
  expect((await ask(`${demo.url}/v1/users/42`, put))[0]).toBe(401)
  const known = { ...put, headers: { ...put.headers, authorization: 'Bearer x' } }
  expect((await ask(`${demo.url}/v1/users/42`, known))[0]).toBe(403)
})

test('a declared fault has its status, and the id of the call', async () => {
  await using demo = await start()
  const headers = { 'x-request-id': 'r-1' }
  const [status, problem] = await ask(`${demo.url}/v1/users/8f1c2f6e-6a3e-4a57-9d8a-1b7c0f5f2d12`, { headers })
  expect([status, problem]).toMatchObject([404, { code: 'not_found', callId: 'r-1' }])
})

test('the caller decides how long it waits', async () => {
  await using demo = await start()
  const headers = { 'x-request-timeout-ms': '20', 'x-wait': '1' }
  const [status, problem] = await ask(`${demo.url}/v1/users/${ada.userId}`, { headers })
  expect([status, problem]).toMatchObject([504, { code: 'deadline_exceeded' }])
  demo.finish()
})

test('a stop lets running calls finish, unary and streaming, and ends clean', async () => {
  await using demo = await start()
  const waiting = ask(`${demo.url}/v1/users/${ada.userId}`, { headers: { 'x-wait': '1' } })
  const lines = await fetch(`${demo.url}/v1/users:watch`)
  await Promise.all([demo.arrived, demo.watching])
  const stopped = demo.started.stop()
  await setImmediate()
  demo.finish()
  expect((await waiting)[0]).toBe(200)
  expect(await lines.text()).toBe(`${JSON.stringify(ada)}\n`.repeat(2))
  expect((await stopped).exitCode).toBe(0)
})

test('a caller that stops half way through its request does not hold up a stop', async () => {
  await using demo = await start()
  const headers = { 'content-length': '38', expect: '100-continue' }
  const upload = send(`${demo.url}/v1/users`, { method: 'POST', headers })
  // It is answered, and never ends its request.
  upload.on('error', () => undefined)
  upload.flushHeaders()
  // The server has the request.
  await once(upload, 'continue')
  upload.write('{')
  const stopped = demo.started.stop()
  const [reply] = (await once(upload, 'response')) as [IncomingMessage]
  expect([reply.statusCode, reply.headers.connection, reply.headers['retry-after']]).toEqual([503, 'close', '1'])
  expect((await stopped).exitCode).toBe(0)
})

test('a stop that cuts an answer off says so in its exit code', async () => {
  const texts = contract('demo.v1.Texts', {
    getText: { input: Type.Object({}), output: Type.String(), http: 'GET /v1/text', grpc: false },
  })
  const service = defineService({
    name: 'text',
    version: '1.0.0',
    admin: false,
    shutdownTimeoutMs: 300,
    handlers: [defineHandler(texts, () => ({ getText: async () => 'x'.repeat(50_000_000) }))],
    transports: () => [httpTransport({ port: 0 })],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const [reply] = (await once(get(`http://127.0.0.1:${started.addresses[0]?.port}/v1/text`), 'response')) as [
    IncomingMessage,
  ]
  const cut = once(reply, 'error')
  expect((await started.stop()).exitCode).toBe(1)
  reply.resume()
  await cut
})

test('a caller that leaves a stream aborts the call at once', async () => {
  await using demo = await start()
  const caller = new AbortController()
  await fetch(`${demo.url}/v1/users:watch`, { signal: caller.signal })
  const signal = await demo.watching
  const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
  caller.abort()
  await aborted
  demo.finish()
})
