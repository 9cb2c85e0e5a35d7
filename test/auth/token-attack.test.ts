import { createHmac } from 'node:crypto'
import { jwtAuthenticator } from '@tenon/auth'
import { defineHandler, defineService, type Logger, type ServiceOptions } from '@tenon/core'
import { contract, contractInfo } from '@tenon/core/contract'
import { eventually } from '@tenon/testing'
import type { ConformanceHarness } from '@tenon/testing/conformance'
import { exportSPKI } from 'jose'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { grpcHarness } from '../conformance/grpc-harness.ts'
import { httpHarness } from '../conformance/http-harness.ts'
import { http2Harness } from '../conformance/http2-harness.ts'
import { queueHarness } from '../conformance/queue-harness.ts'
import { type KeyPair, keyPair, openIssuer, sign } from './issuer.ts'

const Empty = Type.Object({ key: Type.Optional(Type.String()) })
const vault = contract('tenon.test.v1.VaultService', {
  open: {
    input: Empty,
    output: Empty,
    access: { roles: ['admin'] },
    http: 'POST /v1/open',
    // The topic whose dead letters the harness knows.
    queue: { topic: 'tenon.conformance.act.v1', key: 'key' },
  },
})
const [operation] = contractInfo(vault).operations
const [first, second, rsa] = await Promise.all([
  keyPair('first', 'ES256'),
  keyPair('second', 'ES256'),
  keyPair('rsa', 'RS256'),
])
const maxTokenBytes = 2_048

/** A service behind a transport, whose callers an issuer vouches for, and a clock for its keys. */
async function serve(harness: ConformanceHarness, ...keys: readonly KeyPair[]) {
  const issuer = await openIssuer(...keys)
  let passedMs = 0
  let openedCount = 0
  const lines: object[] = []
  const options: ServiceOptions = {
    name: 'conformance',
    version: '1.0.0',
    admin: false,
    handlers: [
      defineHandler(vault, () => ({
        open: async () => {
          openedCount += 1
          return {}
        },
      })),
    ],
    authenticate: jwtAuthenticator({
      issuer: 'https://id.example',
      audience: 'shop',
      algorithms: ['ES256', 'RS256'],
      jwks: issuer.url,
      maxTokenBytes,
      clock: { now: () => Date.now(), elapsedMs: () => performance.now() + passedMs },
    }),
  }
  const stop: { now?: () => Promise<unknown> } = {}
  const peer = await harness.start({
    start: async (...transports) => {
      const log = recorder(lines)
      const service = defineService({ ...options, transports: () => transports })
      const started = await service.start({ environment: {}, log })
      stop.now = () => started.stop()
      return started
    },
  })
  /** What a call with a token comes to. */
  const open = async (token?: string): Promise<string> => {
    if (operation === undefined) throw new TypeError('a contract has the operations it was given')
    const metadata: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const call = { operation, input: {}, inputs: undefined, metadata, timeoutMs: undefined, signal: undefined }
    const reply = await peer.call(call)
    return reply.ok ? 'opened' : reply.code
  }
  return {
    issuer,
    open,
    lines,
    pass: (ms: number) => void (passedMs += ms),
    get openedCount() {
      return openedCount
    },
    [Symbol.asyncDispose]: async () => {
      await stop.now?.()
      await peer.close?.()
      await issuer[Symbol.asyncDispose]()
    },
  }
}

function recorder(lines: object[]): Logger {
  const log = (fields: object, message = '') => void lines.push({ ...fields, message })
  const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger }
  return logger
}

/** What nobody who has no key of the issuer, or not for us, may be let in with. */
async function attacks(): Promise<readonly (readonly [what: string, token: string])[]> {
  const seconds = Math.floor(Date.now() / 1000)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iss: 'https://id.example', aud: 'shop', sub: 'ada', roles: ['admin'], exp: seconds + 3_600 }
  const confused = `${part({ alg: 'HS256', kid: 'rsa' })}.${part(claims)}`
  const byPublicKey = createHmac('sha256', await exportSPKI(rsa.publicKey))
    .update(confused)
    .digest('base64url')
  const [head = '', , signature = ''] = (await sign(first)).split('.')
  const stranger = await keyPair('first', 'ES256')
  return [
    ['alg none without a signature', `${part({ alg: 'none' })}.${part(claims)}.`],
    ['alg none with something in its place', `${part({ alg: 'none', kid: 'first' })}.${part(claims)}.AAAA`],
    ['a public key taken for a secret', `${confused}.${byPublicKey}`],
    ['a key of its own under a known kid', await sign(stranger)],
    ['a key of its own in its head', await sign({ ...stranger, kid: 'x' }, {}, { jwk: stranger.jwk } as never)],
    ['an address of its own', await sign({ ...stranger, kid: 'x' }, {}, { jku: 'https://evil.example/k' } as never)],
    ['a kid that is a path', await sign(stranger, {}, { kid: '../../../dev/null' })],
    ['a kid that is a query', await sign(stranger, {}, { kid: "x' UNION SELECT 'x" })],
    ['a kid that every object has', await sign(stranger, {}, { kid: '__proto__' })],
    ['claims that were changed', `${head}.${part({ ...claims, sub: 'root' })}.${signature}`],
    ['what has expired', await sign(first, { exp: seconds - 60 })],
    ['what is not valid yet', await sign(first, { nbf: seconds + 600 })],
    ['another audience', await sign(first, { aud: 'bank' })],
    ['another issuer', await sign(first, { iss: 'https://evil.example' })],
    ['what never expires', await sign(first, { exp: undefined })],
    ['a huge token', await sign(first, { padding: 'x'.repeat(maxTokenBytes) })],
    ['what is no token', 'x'],
  ]
}

const harnesses = [httpHarness, http2Harness, grpcHarness, queueHarness]

describe.each(harnesses)('over $name', (harness) => {
  it('lets in who has a token, and nobody else; each is a line of the log without its credential', async () => {
    await using demo = await serve(harness, first, rsa)
    expect([await demo.open(await sign(first)), await demo.open(await sign(rsa))]).toEqual(['opened', 'opened'])
    const attempts = await attacks()
    const found: Record<string, string> = {}
    for (const [what, token] of attempts) found[what] = await demo.open(token)
    expect(found).toEqual(Object.fromEntries(attempts.map(([what]) => [what, 'unauthenticated'])))
    expect(await demo.open()).toBe('unauthenticated')
    expect(await demo.open(await sign(first, { roles: ['guest'], sub: 'bob' }))).toBe('permission_denied')
    expect(demo.openedCount).toBe(2)
    const denials = demo.lines.filter((line) => 'cause' in line)
    expect(denials).toHaveLength(attempts.length + 2)
    expect(denials.at(-1)).toMatchObject({ operation: operation?.id, code: 'permission_denied', principal: 'bob' })
    expect(denials[0]).toMatchObject({ code: 'unauthenticated', reason: 'invalid_token', cause: expect.any(String) })
    const logged = JSON.stringify(demo.lines)
    for (const secret of attempts.flatMap(([, token]) => token.split('.')).filter(({ length }) => length > 8))
      expect(logged).not.toContain(secret)
  })

  it('asks the issuer once a cool-down, however many unknown kids come', async () => {
    await using demo = await serve(harness, first)
    const flood = async () => {
      const tokens = Array.from({ length: 20 }, (_, index) => sign({ ...second, kid: `evil-${index}` }))
      return new Set(await Promise.all(tokens.map(async (token) => demo.open(await token))))
    }
    expect(await flood()).toEqual(new Set(['unauthenticated']))
    expect(demo.issuer.requestCount).toBe(1)
    demo.pass(30_000)
    expect(await flood()).toEqual(new Set(['unauthenticated']))
    expect(demo.issuer.requestCount).toBe(2)
    expect(await demo.open(await sign(first))).toBe('opened')
  })

  it('serves on while keys are rotated and while their server is away, and knows no key that was taken back', async () => {
    await using demo = await serve(harness, first)
    const byFirst = await sign(first)
    const load = callUntilStopped(() => demo.open(byFirst))
    demo.issuer.keys = [first, second]
    demo.pass(30_000)
    expect(await demo.open(await sign(second))).toBe('opened')
    demo.issuer.isAway = true
    demo.pass(600_001)
    expect([await demo.open(await sign(second)), await demo.open(byFirst)]).toEqual(['opened', 'opened'])
    expect(await load.stop()).toEqual(new Set(['opened']))
    demo.pass(86_400_000)
    expect(await demo.open(byFirst)).toBe('unavailable')
    Object.assign(demo.issuer, { isAway: false, keys: [second] })
    demo.pass(1_000)
    await eventually(async () => expect(await demo.open(await sign(second))).toBe('opened'))
    expect(await demo.open(byFirst)).toBe('unauthenticated')
  })
})

/** Four callers that call one call after another. */
function callUntilStopped(call: () => Promise<string>) {
  const found = new Set<string>()
  let isOver = false
  const one = async () => {
    while (!isOver) found.add(await call())
  }
  const callers = Promise.all([one(), one(), one(), one()])
  return {
    stop: async () => {
      isOver = true
      await callers
      return found
    },
  }
}
