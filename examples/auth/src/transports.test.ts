import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jwtAuthenticator, passwordHasher } from '@tenon/auth'
import { buildClient } from '@tenon/core/client'
import { contractInfo } from '@tenon/core/contract'
import { override } from '@tenon/testing'
import { grpcClient } from '@tenon/transport-grpc'
import { expect, test } from 'vitest'
import { auth } from './auth-contract.ts'
import { guardLimits } from './guard/login-guard.ts'
import { authenticate } from './other-service.test-fixture.ts'
import { audience, issuer } from './own-tokens.ts'
import { PasswordHasher } from './parts.ts'
import { service } from './service.ts'

const ada = { email: 'ada@example.com', password: 'wren tuba cactus' }

/** The service as it is, over real sockets, but for hashes that cost little. */
async function start() {
  const ports = { AUTH_HTTP_PORT: '0', AUTH_GRPC_PORT: '0', AUTH_ADMIN_PORT: '0' }
  const letterDir = await mkdtemp(join(tmpdir(), 'tenon-letters-'))
  const environment = { ...ports, DATA_DIR: ':memory:', LETTER_DIR: letterDir, LOG_LEVEL: 'silent' }
  const overrides = [override(PasswordHasher, passwordHasher({ costLog2: 10 }))]
  const started = await service.start({ environment, overrides })
  const at = (protocol: string) => {
    const { host, port } = started.addresses.find((address) => address.protocol === protocol) ?? {}
    return `${host}:${port}`
  }
  const channel = grpcClient().open({ contract: contractInfo(auth), address: at('grpc') })
  return {
    url: `http://${at('http')}`,
    grpc: buildClient(auth, channel),
    async letters() {
      const files = await readdir(letterDir)
      return Promise.all(files.map((file) => readFile(join(letterDir, file), 'utf8')))
    },
    async http(path: string, body?: object, headers: Readonly<Record<string, string>> = {}) {
      const response = await fetch(`http://${at('http')}${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
        ...(body && { body: JSON.stringify(body) }),
      })
      return {
        status: response.status,
        headers: response.headers,
        body: (await response.json()) as Record<string, unknown>,
      }
    },
    [Symbol.asyncDispose]: async () => {
      await channel.close()
      await started.stop()
      await rm(letterDir, { recursive: true, force: true })
    },
  }
}

test('is one service over HTTP and gRPC: users, tokens and ends of logins of one are those of the other', async () => {
  await using login = await start()
  expect(await login.http('/register', ada)).toMatchObject({ status: 202, body: {} })
  const [letter = ''] = await login.letters()
  expect(letter).toContain(`To: ${ada.email}\nSubject: Confirm your account\n\n`)
  await login.grpc.confirm({ code: /^[\w-]{43}$/m.exec(letter)?.[0] ?? '' })
  const tokens = await login.grpc.login(ada)
  const bearer = { authorization: `Bearer ${tokens.accessToken}` }
  const overHttp = await login.http('/me', undefined, bearer)
  expect(overHttp).toMatchObject({ status: 200, body: { email: ada.email } })
  expect(await login.grpc.me({}, { metadata: bearer })).toEqual(overHttp.body)
  await expect(login.grpc.me({})).rejects.toMatchObject({ code: 'unauthenticated' })
  const next = await login.http('/refresh', { refreshToken: tokens.refreshToken })
  expect(next.status).toBe(200)
  const keys = await login.http('/.well-known/jwks.json')
  expect(keys.body).toEqual(await login.grpc.keySet({}))
  await login.grpc.logout({ refreshToken: String(next.body['refreshToken']) })
  const replayed = await login.http('/refresh', { refreshToken: next.body['refreshToken'] })
  expect(replayed).toMatchObject({ status: 401, body: { reason: 'invalid_token' } })
})

test('tells whoever guesses the same of those who exist and of others: status, headers and text', async () => {
  await using login = await start()
  const told = async (path: string, body: object) => {
    const { status, headers, body: answer } = await login.http(path, body)
    const { callId: _callId, ...rest } = answer
    const changing = new Set(['x-request-id', 'date'])
    return { status, headers: [...headers].filter(([name]) => !changing.has(name)), rest }
  }
  const free = await told('/register', ada)
  const [letter = ''] = await login.letters()
  await login.grpc.confirm({ code: /^[\w-]{43}$/m.exec(letter)?.[0] ?? '' })
  expect(await told('/register', { ...ada, password: 'harp onyx violin' })).toEqual(free)
  const known = await told('/login', { ...ada, password: 'wren tuba kaktus' })
  expect(known.status).toBe(401)
  expect(await told('/login', { email: 'bob@example.com', password: 'wren tuba kaktus' })).toEqual(known)
})

test('counts the failures of an address over both together', async () => {
  await using login = await start()
  const wrong = { ...ada, password: '' }
  for (let count = 1; count < guardLimits.pair.maxCount; count += 1)
    expect((await login.http('/login', wrong)).status).toBe(401)
  await expect(login.grpc.login(wrong)).rejects.toMatchObject({ code: 'unauthenticated' })
  const closed = await login.http('/login', wrong)
  expect(closed.status).toBe(429)
  expect(Number(closed.headers.get('retry-after'))).toBeGreaterThan(800)
  await expect(login.grpc.login(wrong)).rejects.toMatchObject({ code: 'resource_exhausted' })
})

test('says in its document which texts are not to be shown', async () => {
  await using login = await start()
  const { body } = await login.http('/openapi.json')
  const inputs = JSON.stringify(body).match(/"(?:code|password|refreshToken)":\{[^}]*"format":"password"/g)
  expect(new Set(inputs?.map((text) => text.split('"')[1]))).toEqual(new Set(['code', 'password', 'refreshToken']))
})

test('is believed by other services, which fetch its keys', async () => {
  await using login = await start()
  await login.http('/register', ada)
  const [letter = ''] = await login.letters()
  await login.grpc.confirm({ code: /^[\w-]{43}$/m.exec(letter)?.[0] ?? '' })
  const { accessToken } = await login.grpc.login(ada)
  const { userId } = await login.grpc.me({}, { metadata: { authorization: `Bearer ${accessToken}` } })
  const jwks = `${login.url}/.well-known/jwks.json`
  const authenticator = jwtAuthenticator({ issuer, audience, algorithms: ['ES256'], type: 'at+jwt', jwks })
  const call = (token: string) => ({
    metadata: { authorization: `Bearer ${token}` },
    transport: 'http',
    peer: undefined,
  })
  expect(await authenticator(call(accessToken))).toMatchObject({ id: userId })
  await expect(authenticator(call(`${accessToken}x`))).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('has a README whose code for other services compiles, and names this issuer', async () => {
  const read = (name: string) => readFile(new URL(name, import.meta.url), 'utf8')
  const code = await read('./other-service.test-fixture.ts')
  expect(await read('../README.md')).toContain(`\`\`\`ts\n${code}\`\`\``)
  for (const value of [issuer, audience]) expect(code).toContain(`'${value}'`)
  // Without a token it is for others to say who calls.
  expect(await authenticate({ metadata: {}, transport: 'http' })).toBeUndefined()
})
