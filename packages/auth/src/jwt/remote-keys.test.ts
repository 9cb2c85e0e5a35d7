import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { defineHandler, defineService } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { testService } from '@tenon/testing'
import { describe, expect, it } from 'vitest'
import type { JwksOptions } from './jwks-options.ts'
import { jwtAuthenticator } from './jwt-authenticator.ts'
import { ask, audience, bearer, issuer, type KeyPair, keyPair, nowMs, setOf, sign } from './token.test-harness.ts'

const [first, second] = await Promise.all([keyPair('first'), keyPair('second')])
const [byFirst, bySecond] = await Promise.all([sign(first), sign(second)])
const byOthers = await Promise.all(Array.from({ length: 50 }, (_, index) => sign({ ...second, kid: `evil-${index}` })))

/** An issuer whose keys, outages and requests a test decides, on a clock that it turns. */
function scripted(options: Partial<JwksOptions> = {}) {
  let elapsedMs = 0
  const state = { keys: [first] as KeyPair[], isAway: false, requestCount: 0 }
  const fetch = async () => {
    state.requestCount += 1
    if (state.isAway) throw new TypeError('fetch failed')
    return Response.json(setOf(...state.keys))
  }
  const authenticate = jwtAuthenticator({
    issuer,
    audience,
    algorithms: ['ES256'],
    jwks: { url: 'https://id.example/keys?key=hush', fetch, ...options },
    clock: { now: () => nowMs, elapsedMs: () => elapsedMs },
  })
  const outcomeOf = async (token: string) =>
    ask(authenticate, bearer(token)).then(
      (principal) => principal?.id,
      (error: { readonly code: string }) => error.code,
    )
  return Object.assign(state, { authenticate, outcomeOf, pass: (ms: number) => void (elapsedMs += ms) })
}

describe('keys of an issuer', () => {
  it('are asked for once by all who need them first, and kept', async () => {
    const demo = scripted()
    expect(demo.requestCount).toBe(0)
    const found = await Promise.all([demo.outcomeOf(byFirst), demo.outcomeOf(byFirst), demo.outcomeOf(byFirst)])
    expect(found).toEqual(['ada', 'ada', 'ada'])
    demo.pass(600_000)
    expect(await demo.outcomeOf(byFirst)).toBe('ada')
    expect(demo.requestCount).toBe(1)
  })

  it('are asked for again when they are old, while the old ones serve', async () => {
    const demo = scripted()
    await demo.outcomeOf(byFirst)
    demo.keys = [second]
    demo.pass(600_001)
    expect(await demo.outcomeOf(byFirst)).toBe('ada')
    expect(demo.requestCount).toBe(2)
    expect(await demo.outcomeOf(bySecond)).toBe('ada')
    demo.pass(30_000)
    expect(await demo.outcomeOf(byFirst)).toBe('unauthenticated')
  })

  it('are asked for at once for a kid that is new', async () => {
    const demo = scripted()
    await demo.outcomeOf(byFirst)
    demo.keys = [first, second]
    demo.pass(30_000)
    expect(await Promise.all([demo.outcomeOf(bySecond), demo.outcomeOf(byFirst)])).toEqual(['ada', 'ada'])
    expect(demo.requestCount).toBe(2)
  })

  it('are asked for at most once a cool-down, however many unknown kids come', async () => {
    const demo = scripted()
    const flood = async () => new Set(await Promise.all(byOthers.map((token) => demo.outcomeOf(token))))
    expect(await flood()).toEqual(new Set(['unauthenticated']))
    expect(demo.requestCount).toBe(1)
    demo.pass(29_999)
    await flood()
    expect(demo.requestCount).toBe(1)
    demo.pass(1)
    await flood()
    await flood()
    expect(demo.requestCount).toBe(2)
    expect(await demo.outcomeOf(byFirst)).toBe('ada')
  })
})

describe('while the keys cannot be had', () => {
  it('those that are known serve for a time, and then callers are told to come again', async () => {
    const demo = scripted()
    await demo.outcomeOf(byFirst)
    demo.isAway = true
    demo.pass(86_400_000)
    expect(await demo.outcomeOf(byFirst)).toBe('ada')
    demo.pass(1)
    expect(await demo.outcomeOf(byFirst)).toBe('unavailable')
    demo.isAway = false
    demo.pass(1_000)
    expect(await demo.outcomeOf(byFirst)).toBe('ada')
  })

  it('nobody can say whether an unknown kid is wrong', async () => {
    const demo = scripted()
    await demo.outcomeOf(byFirst)
    Object.assign(demo, { isAway: true, keys: [first, second] })
    demo.pass(30_000)
    expect(await demo.outcomeOf(bySecond)).toBe('unavailable')
    expect(await demo.outcomeOf(byFirst)).toBe('ada')
    demo.isAway = false
    demo.pass(30_000)
    expect(await demo.outcomeOf(bySecond)).toBe('ada')
  })

  it('a service that has none yet asks once a second', async () => {
    const demo = scripted()
    demo.isAway = true
    const [one, two] = await Promise.all([demo.outcomeOf(byFirst), demo.outcomeOf(byFirst)])
    expect([one, two, await demo.outcomeOf(byFirst)]).toEqual(['unavailable', 'unavailable', 'unavailable'])
    expect(demo.requestCount).toBe(1)
    demo.isAway = false
    demo.pass(1_000)
    expect(await demo.outcomeOf(byFirst)).toBe('ada')
  })

  it('flooding with unknown kids leads to no more requests than one a cool-down', async () => {
    const demo = scripted()
    await demo.outcomeOf(byFirst)
    demo.isAway = true
    demo.pass(30_000)
    for (const token of byOthers) await demo.outcomeOf(token)
    expect(demo.requestCount).toBe(2)
  })

  it('the log is told when it begins and when it ends, and shows no query', async () => {
    const demo = scripted()
    const echo = contract('demo.v1.EchoService', { echo: { input: Type.Object({}), output: Type.Object({}) } })
    await using tested = await testService(
      defineService({
        name: 'demo',
        version: '1.0.0',
        authenticate: demo.authenticate,
        handlers: [defineHandler(echo, () => ({ echo: async () => ({}) }))],
        log: { calls: 'none' },
      }),
    )
    const call = () => tested.call(echo.echo, {}, { metadata: bearer(byFirst) })
    await call()
    demo.isAway = true
    for (const passed of [600_001, 1_000, 1_000]) {
      demo.pass(passed)
      await call()
    }
    demo.isAway = false
    demo.pass(1_000)
    await call()
    await call()
    const lines = tested.log.filter(({ message }) => message?.startsWith('the keys of tokens'))
    expect(lines).toMatchObject([
      { level: 'warn', message: expect.stringContaining('cannot be fetched'), fields: { maxStaleMs: 86_400_000 } },
      { level: 'info', message: expect.stringContaining('again') },
    ])
    expect(lines.map(({ fields }) => fields['url'])).toEqual(Array(2).fill('https://id.example/keys'))
  })
})

describe('what a server of keys may do', () => {
  /** What calls come to, and which paths were asked for. */
  async function against(answer: RequestListener, options: Partial<JwksOptions> = {}) {
    const paths: (string | undefined)[] = []
    const server = createServer((request, reply) => {
      paths.push(request.url)
      answer(request, reply)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const jwks = { url: `http://127.0.0.1:${port}/keys`, ...options }
    const clock = { now: () => nowMs, elapsedMs: () => 0 }
    const authenticate = jwtAuthenticator({ issuer, audience, algorithms: ['ES256'], jwks, clock })
    const outcome = await ask(authenticate, bearer(byFirst)).then(
      (principal) => principal?.id,
      (error: { readonly code: string; readonly cause: unknown }) => [error.code, String(error.cause)],
    )
    server.closeAllConnections()
    server.close()
    return { outcome, paths }
  }
  const body = JSON.stringify(setOf(first))

  it('is to answer with keys', async () => {
    expect((await against((_request, reply) => void reply.end(body))).outcome).toBe('ada')
  })

  it.each<[string, RequestListener, RegExp]>([
    ['send elsewhere', (_request, reply) => void reply.writeHead(302, { location: '/others' }).end(), /fetch failed/],
    ['fail', (_request, reply) => void reply.writeHead(500).end(body), /status 500/],
    ['answer with what is no JSON', (_request, reply) => void reply.end('<html>'), /JSON/],
    ['answer with what are no keys', (_request, reply) => void reply.end('{"keys":[7]}'), /something else/],
    ['answer with too much', (_request, reply) => void reply.end(body.padEnd(300_000)), /more than 262144 bytes/],
  ])('is not to %s', async (_what, answer, why) => {
    const { outcome, paths } = await against(answer)
    expect(outcome).toEqual(['unavailable', expect.stringMatching(why)])
    expect(paths).toEqual(['/keys'])
  })

  it('is not to say nothing for ever', async () => {
    const { outcome } = await against(() => undefined, { timeoutMs: 50 })
    expect(outcome).toEqual(['unavailable', expect.stringMatching(/timeout/i)])
  })
})
