import {
  apiKeyAuthenticator,
  clientCredentials,
  createApiKey,
  exchangeToken,
  firstOf,
  forwardToken,
  jwtAuthenticator,
} from '@tenon/auth'
import {
  type Authenticator,
  clientOf,
  type ClientInterceptor,
  defineConsumer,
  defineHandler,
  defineService,
  inject,
  Publisher,
  remote,
} from '@tenon/core'
import { contract, event, stream } from '@tenon/core/contract'
import { eventually } from '@tenon/testing'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpClient, httpTransport } from '@tenon/transport-http'
import { memoryBroker, memoryDriver, queueTransport } from '@tenon/transport-queue'
import { SignJWT } from 'jose'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { json, openTokenEndpoint } from '../../packages/auth/src/remote/token-endpoint.test-harness.ts'

const Seen = Type.Object({ token: Type.Optional(Type.String()) })
const orders = contract('tenon.test.v1.OrderService', {
  show: { input: Type.Object({}), output: Seen, http: 'GET /v1/order', access: 'public' },
  watch: { input: Type.Object({}), output: stream(Seen), http: 'GET /v1/order:watch', access: 'public' },
})
const shop = contract('tenon.test.v1.ShopService', {
  ask: { input: Type.Object({}), output: Type.Array(Seen), http: 'GET /v1/shop', access: 'public' },
})
const options = { environment: { LOG_LEVEL: 'silent' } }

const { key, ...kept } = createApiKey()
const secret = 's'.repeat(32)
const known: Authenticator = ({ metadata: { authorization } }) =>
  authorization === undefined ? undefined : { id: authorization }
/** Knows callers by a key, by a token in a header of its own, or by whatever they say in `authorization`. */
const authenticate = firstOf(
  apiKeyAuthenticator({ keys: [{ ...kept, principal: { id: 'mallory' } }] }),
  jwtAuthenticator({ issuer: 'id', audience: 'shop', algorithms: ['HS256'], secret, header: 'x-token' }),
  known,
)

/** A service that is called over each transport, and shows the credentials it is called with. */
async function serveOrders() {
  const started = await defineService({
    name: 'order',
    version: '1.0.0',
    admin: false,
    authenticate,
    handlers: [
      defineHandler(orders, () => ({
        show: async (_input, { metadata }) => ({ token: metadata['authorization'] }) as { token?: string },
        async *watch(_input, { metadata }) {
          yield { token: metadata['authorization'] } as { token?: string }
        },
      })),
    ],
    transports: () => [httpTransport({ port: 0 }), grpcTransport({ port: 0 })],
  }).start(options)
  const at = (name: string) =>
    `static:///127.0.0.1:${started.addresses.find(({ protocol }) => protocol === name)?.port ?? 0}`
  const ways = {
    http: () => ({ via: httpClient(), at: at('http') }),
    grpc: () => ({ via: grpcClient(), at: at('grpc') }),
    local: () => ({ via: httpClient(), at: 'local' }),
  }
  return { ways, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
}

/** A service that calls the other for its callers; what a caller of it finds that it was called with, once and by a stream. */
async function serveShop(
  way: { via: ReturnType<typeof httpClient>; at: string },
  ...interceptors: ClientInterceptor[]
) {
  const started = await defineService({
    name: 'shop',
    version: '1.0.0',
    admin: false,
    authenticate,
    handlers: [
      defineHandler(shop, () => {
        const client = inject(clientOf(orders))
        return {
          ask: async () => {
            const items: { token?: string }[] = [await client.show({})]
            for await (const item of client.watch({})) items.push(item)
            return items
          },
        }
      }),
    ],
    remotes: () => [remote(orders, { ...way, interceptors })],
    transports: () => [httpTransport({ port: 0 })],
  }).start(options)
  const url = `http://127.0.0.1:${started.addresses[0]?.port}/v1/shop`
  const ask = async (authorization?: string, headers: Readonly<Record<string, string>> = {}) => {
    const reply = await fetch(url, { headers: { ...headers, ...(authorization !== undefined && { authorization }) } })
    const found = (await reply.json()) as { token?: string }[] | { code: string }
    return Array.isArray(found) ? found.map(({ token }) => token ?? 'nothing') : found.code
  }
  return { ask, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
}

const tokenOptions = (tokenEndpoint: string) => ({ tokenEndpoint, clientId: 'shop', clientSecret: 'sesame' })
const twice = (token: string) => [token, token]

describe.each(['http', 'grpc', 'local'] as const)('a remote over %s', (way) => {
  it('is shown nothing of a caller unless it was named for it', async () => {
    await using orderService = await serveOrders()
    await using demo = await serveShop(orderService.ways[way]())
    expect(await demo.ask('Bearer ada')).toEqual(twice('nothing'))
  })

  it("is shown the caller's token by forwardToken, and no other credential", async () => {
    await using orderService = await serveOrders()
    await using demo = await serveShop(orderService.ways[way](), forwardToken())
    expect(await demo.ask('Bearer ada')).toEqual(twice('Bearer ada'))
    expect(await demo.ask('Basic YTpi')).toEqual(twice('nothing'))
    expect(await demo.ask()).toEqual(twice('nothing'))
  })

  it("is shown what the caller's token was exchanged for, never that of another caller", async () => {
    await using endpoint = await openTokenEndpoint()
    await using orderService = await serveOrders()
    const exchange = exchangeToken({ ...tokenOptions(endpoint.url), audience: 'order', maxEntryCount: 3 })
    await using demo = await serveShop(orderService.ways[way](), exchange)
    const names = Array.from({ length: 40 }, (_, index) => `caller-${index % 8}`)
    const found = await Promise.all(names.map((name) => demo.ask(`Bearer ${name}`)))
    expect(found).toEqual(names.map((name) => twice(`Bearer for-${name}`)))
    expect(endpoint.asked[0]?.form).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'order',
    })
    const askedCount = endpoint.asked.length
    expect(await demo.ask()).toEqual(twice('nothing'))
    expect(endpoint.asked).toHaveLength(askedCount)
  })

  it("is shown the service's own token by clientCredentials, whoever calls", async () => {
    await using endpoint = await openTokenEndpoint()
    await using orderService = await serveOrders()
    await using demo = await serveShop(orderService.ways[way](), clientCredentials(tokenOptions(endpoint.url)))
    const found = await Promise.all([demo.ask(), demo.ask('Bearer ada'), demo.ask()])
    expect(found).toEqual([twice('Bearer for-client'), twice('Bearer for-client'), twice('Bearer for-client')])
    expect(endpoint.asked).toHaveLength(1)
  })

  it('is not called where there is no token for it: callers are told of an outage, and of a refusal nothing', async () => {
    await using endpoint = await openTokenEndpoint(json({ error: 'server_error' }, 500))
    await using orderService = await serveOrders()
    await using demo = await serveShop(orderService.ways[way](), exchangeToken(tokenOptions(endpoint.url)))
    expect(await demo.ask('Bearer ada')).toBe('unavailable')
    endpoint.answer = json({ error: 'invalid_request' }, 400)
    expect(await demo.ask('Bearer bob')).toBe('internal')
  })
})

it('an exchange that answers another type of token than was asked for counts for nothing', async () => {
  const type = 'urn:ietf:params:oauth:token-type:refresh_token'
  const answer = json({ access_token: 'a', token_type: 'Bearer', expires_in: 600, issued_token_type: type })
  await using endpoint = await openTokenEndpoint(answer)
  await using orderService = await serveOrders()
  await using demo = await serveShop(orderService.ways.http(), exchangeToken(tokenOptions(endpoint.url)))
  expect(await demo.ask('Bearer ada')).toBe('unavailable')
})

it('a call ends at its deadline, however slow the endpoint is', async () => {
  await using endpoint = await openTokenEndpoint(() => undefined)
  await using orderService = await serveOrders()
  const slow = { ...orderService.ways.grpc(), policy: { timeoutMs: 100 } }
  await using demo = await serveShop(slow, clientCredentials(tokenOptions(endpoint.url)))
  expect(await demo.ask()).toBe('deadline_exceeded')
})

it('a token that nobody has judged is not sent on, nor exchanged, where its caller is known by something else', async () => {
  await using endpoint = await openTokenEndpoint()
  await using orderService = await serveOrders()
  const ways = [forwardToken(), exchangeToken(tokenOptions(endpoint.url))]
  const claims = new SignJWT({}).setIssuer('id').setAudience('shop').setSubject('mallory').setExpirationTime('1m')
  const token = await claims.setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secret))
  for (const interceptor of ways) {
    await using demo = await serveShop(orderService.ways.http(), interceptor)
    expect(await demo.ask('Bearer of-ada', { 'x-api-key': key })).toEqual(twice('nothing'))
    expect(await demo.ask('Bearer of-ada', { 'x-token': token })).toEqual(twice('nothing'))
  }
  expect(endpoint.asked).toEqual([])
})

it('no token is shown to a proxy on the way to this host', () => {
  const at = 'http://localhost:3000'
  const via = httpClient({ proxy: 'http://proxy.example:3128' })
  expect(() => remote(orders, { via, at, interceptors: [forwardToken()] })).toThrow(/confidential/)
  expect(() => remote(orders, { via, at, interceptors: [forwardToken({ allowPlaintext: true })] })).not.toThrow()
  expect(() => remote(orders, { via, at: 'https://order.example', interceptors: [forwardToken()] })).not.toThrow()
})

it('nothing is sent on where there is no call', async () => {
  expect(await forwardToken().headers()).toEqual({})
})

it('messages show the token of the service in their headers, where their topic is signed', async () => {
  const placed = event('tenon.test.token.v1', { key: 'orderId', payload: Type.Object({ orderId: Type.String() }) })
  await using endpoint = await openTokenEndpoint()
  const own = clientCredentials(tokenOptions(endpoint.url))
  const senders: (string | undefined)[] = []
  await using started = await defineService({
    name: 'stock',
    version: '1.0.0',
    admin: false,
    authenticate,
    handlers: [
      defineConsumer(placed, () => (_payload, { principal }) => {
        senders.push(principal?.id)
        return Promise.resolve()
      }),
      defineHandler(shop, () => {
        const publisher = inject(Publisher)
        return {
          ask: async () => {
            await publisher.publish(placed, { orderId: 'a' }, { headers: await own.headers() })
            return []
          },
        }
      }),
    ],
    transports: () => [
      httpTransport({ port: 0 }),
      queueTransport({ driver: memoryDriver({ broker: memoryBroker() }), trust: 'signed' }),
    ],
  }).start(options)
  expect((await fetch(`http://127.0.0.1:${started.addresses[0]?.port}/v1/shop`)).status).toBe(200)
  await eventually(() => expect(senders).toEqual(['Bearer for-client']))
})
