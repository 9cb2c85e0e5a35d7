import { ConfigError } from '@tenon/core'
import { expect, it } from 'vitest'
import { clientCredentials } from './client-credentials.ts'
import type { TokenEndpointOptions } from './token-endpoint-options.ts'
import { type Answer, issue, json, openTokenEndpoint, right } from './token-endpoint.test-harness.ts'

const secretText = 'sesame open%+ü'
const secret = { reveal: () => secretText, toString: () => '***', toJSON: () => '***' }

/** An endpoint, a service that asks it, and a clock between them. */
async function ask(answer: Answer = issue, more: Partial<TokenEndpointOptions> = {}) {
  const endpoint = await openTokenEndpoint(answer)
  const time = { passedMs: 0 }
  const own = clientCredentials({
    tokenEndpoint: endpoint.url,
    clientId: 'shop',
    clientSecret: secret,
    clock: { now: () => Date.now(), elapsedMs: () => time.passedMs },
    ...more,
  })
  return { endpoint, time, own, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() }
}

it('asks as the client for the audience and the scope, and shows the token', async () => {
  await using demo = await ask(issue, { audience: 'order', scope: 'read write' })
  expect(await demo.own.headers()).toEqual({ authorization: 'Bearer for-client' })
  expect(demo.endpoint.asked).toEqual([
    {
      authorization: `Basic ${Buffer.from('shop:sesame+open%25%2B%C3%BC').toString('base64')}`,
      form: { grant_type: 'client_credentials', audience: 'order', scope: 'read write' },
    },
  ])
})

it('asks once for calls at once, and again only shortly before the token ends', async () => {
  await using demo = await ask()
  await Promise.all(Array.from({ length: 20 }, () => demo.own.headers()))
  demo.time.passedMs = 569_999
  await demo.own.headers()
  expect(demo.endpoint.asked).toHaveLength(1)
  demo.time.passedMs = 570_000
  await demo.own.headers()
  expect(demo.endpoint.asked).toHaveLength(2)
})

it('serves the token that is known while the endpoint is away, asks once a second, and then is unavailable', async () => {
  await using demo = await ask()
  await demo.own.headers()
  demo.endpoint.answer = (_asked, _reply, request) => request.socket.destroy()
  demo.time.passedMs = 599_000
  for (let call = 0; call < 5; call += 1)
    expect(await demo.own.headers()).toEqual({ authorization: 'Bearer for-client' })
  const askedCount = demo.endpoint.asked.length
  demo.time.passedMs = 600_000
  await expect(demo.own.headers()).rejects.toMatchObject({ code: 'unavailable', reason: 'token_unavailable' })
  demo.endpoint.answer = issue
  demo.time.passedMs = 601_000
  expect(await demo.own.headers()).toEqual({ authorization: 'Bearer for-client' })
  // The client of Node may try a connection that was closed a second time.
  expect(askedCount).toBeLessThanOrEqual(3)
})

it('does not keep a token of which nobody says how long it lives', async () => {
  await using demo = await ask(json({ ...right, access_token: 'a', expires_in: undefined }))
  await demo.own.headers()
  await demo.own.headers()
  expect(demo.endpoint.asked).toHaveLength(2)
})

const leak = { access_token: 'leaked', error: 'leaked-code', error_description: `leaked ${secretText}` }
const attacks: Readonly<Record<string, Answer>> = {
  'is slow': () => undefined,
  'begins and never ends': (_asked, reply) => void reply.write('{'),
  'is huge': (_asked, reply) =>
    void reply.end(JSON.stringify({ ...right, access_token: 'a', padding: 'x'.repeat(70_000) })),
  redirects: (_asked, reply) => void reply.writeHead(307, { location: 'https://evil.example/token' }).end(),
  'gives another kind of token': json({ ...right, access_token: 'a', token_type: 'N_A' }),
  'gives a token that ends a header': json({ ...right, access_token: 'a\r\nx-admin: 1' }),
  'gives a token too long for a header': json({ ...right, access_token: 'x'.repeat(12_289) }),
  'gives a token that has expired': json({ ...right, access_token: 'a', expires_in: -1 }),
  'gives a token with a life that is no number': json({ ...right, access_token: 'a', expires_in: 'forever' }),
  'gives no token': json(right),
  'answers no JSON': (_asked, reply) => void reply.end(`leaked ${secretText}`),
  fails: json(leak, 500),
  'has enough': json(leak, 429),
  'waited too long itself': json(leak, 408),
}

it.each(Object.entries(attacks))('is unavailable, and tells nothing, where the endpoint %s', async (_what, answer) => {
  await using demo = await ask(answer, { timeoutMs: 300 })
  const error: unknown = await demo.own.headers().catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'unavailable',
    message: 'no token can be had at the moment',
    reason: 'token_unavailable',
  })
  expect(inspected(error)).not.toMatch(/leaked|sesame|evil/)
})

it('is refused, and tells no more than the code, where the endpoint says no', async () => {
  await using demo = await ask(json({ ...leak, error: 'invalid_client' }, 401))
  const error: unknown = await demo.own.headers().catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'permission_denied', reason: 'token_refused' })
  expect(inspected(error)).toContain('status 401, invalid_client')
  expect(inspected(error)).not.toMatch(/leaked|sesame/)
})

it.each([
  { tokenEndpoint: 'http://id.example/token' },
  { tokenEndpoint: 'https://a:b@id.example/token' },
  { tokenEndpoint: 'token' },
  { clientId: '' },
  { clientSecret: '' },
  { clientSecret: 7 as never },
  { audience: '' },
  { scope: 3 as never },
  { fetch: 1 as never },
  { audiance: 'order' } as never,
] satisfies Partial<TokenEndpointOptions>[])('takes no options such as %o', (more) => {
  const options = { tokenEndpoint: 'https://id.example/token', clientId: 'shop', clientSecret: secret }
  expect(() => clientCredentials(options)).not.toThrow()
  expect(() => clientCredentials({ ...options, ...more })).toThrow(ConfigError)
})

it('takes an endpoint without TLS where that is said', () => {
  const options = { tokenEndpoint: 'http://id.example/token', clientId: 'shop', clientSecret: secret }
  expect(() => clientCredentials({ ...options, allowHttp: true })).not.toThrow()
})

/** An error with all that led to it, as text. */
function inspected(error: unknown): string {
  const { message = '', stack = '', cause } = error as { message?: string; stack?: string; cause?: unknown }
  return [message, stack, JSON.stringify(error), ...(cause === undefined ? [] : [inspected(cause)])].join('\n')
}
