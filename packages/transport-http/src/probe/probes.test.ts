import { once } from 'node:events'
import { connect } from 'node:net'
import { type ProbeName, type ProbeReply, type ProbeRequest, WiringError } from '@tenon/core/transport'
import { contract } from '@tenon/core/contract'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { type HttpOptions, httpTransport } from '../index.ts'
import { hostOf, talk } from '../http-transport.test-harness.ts'

const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/** A server of a host that answers probes, and what it was asked. */
async function probed(options: HttpOptions = {}, state = { isReady: true }) {
  const asked: (ProbeRequest & { readonly name: ProbeName })[] = []
  const answerProbe = (name: ProbeName, { method, query, headers: sent }: ProbeRequest): ProbeReply => {
    asked.push({ name, method, query, headers: { accept: sent.accept, authorization: sent.authorization } })
    return { status: state.isReady ? 200 : 503, headers, body: `{"probe":"${name}"}` }
  }
  const server = httpTransport({ port: 0, probes: true, ...options }).bind({ ...hostOf({}, []), answerProbe })
  const [address] = await server.listen()
  const port = address?.port ?? 0
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  return { server, port, asked, ask, [Symbol.asyncDispose]: () => server.close() }
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`

describe('probes of the HTTP transport', () => {
  test('are answered as the service says, by exact path, with their query and headers', async () => {
    const state = { isReady: true }
    await using demo = await probed({}, state)
    const told = { authorization: 'Bearer x', accept: 'text/plain' }
    for (const name of ['livez', 'readyz', 'startupz'] as const) {
      const reply = await demo.ask(`/${name}?verbose&exclude=a`, { headers: told })
      expect(reply).toMatchObject({ status: 200, text: `{"probe":"${name}"}` })
      expect(reply.headers.get('cache-control')).toBe('no-store')
      expect(demo.asked.at(-1)).toEqual({ name, method: 'GET', query: 'verbose&exclude=a', headers: told })
    }
    state.isReady = false
    expect((await demo.ask('/readyz')).status).toBe(503)
    expect(await demo.ask('/readyz', { method: 'HEAD' })).toMatchObject({ status: 503, text: '' })
    for (const path of ['/livez/', '/livez/x', '/LIVEZ', '//livez', '/liv%65z'])
      expect((await demo.ask(path)).status, path).toBe(404)
  })

  test('are not there unless the option says so, nor those that it leaves out', async () => {
    await using off = await probed({ probes: false })
    expect((await off.ask('/livez')).status).toBe(404)
    await using some = await probed({ probes: { readyz: '/healthz', startupz: false } })
    expect([(await some.ask('/healthz')).text, (await some.ask('/livez')).status]).toEqual(['{"probe":"readyz"}', 200])
    expect([(await some.ask('/readyz')).status, (await some.ask('/startupz')).status]).toEqual([404, 404])
  })

  test('pass by hooks, plugins and rate limits of the app, and stay outside its prefix', async () => {
    const seen: string[] = []
    const configure: HttpOptions['configure'] = (fastify) => {
      fastify.addHook('onRequest', async ({ url }) => void seen.push(url))
    }
    await using demo = await probed({ configure, pathPrefix: '/api', rateLimit: { max: 1, timeWindow: 60_000 } })
    for (let turn = 0; turn < 3; turn += 1) expect((await demo.ask('/livez')).status).toBe(200)
    expect(seen).toEqual([])
    expect([(await demo.ask('/api/v1/users/1')).status, (await demo.ask('/api/v1/users/1')).status]).toEqual([200, 429])
    expect((await demo.ask('/livez')).status).toBe(200)
    expect(seen).toEqual(['/api/v1/users/1', '/api/v1/users/1'])
  })

  test('are answered beyond the limit of connections, which answers all else there 503 and closes', async () => {
    await using demo = await probed({ connectionLimit: 1 })
    const first = connect(demo.port, '127.0.0.1')
    await once(first, 'connect')
    for (let turn = 0; turn < 20; turn += 1) {
      expect(await talk(demo.port, get('/readyz'))).toMatch(/^HTTP\/1.1 200 [^]*connection: close/i)
      expect(await talk(demo.port, get('/v1/users/1'))).toMatch(/^HTTP\/1.1 503 [^]*connection: close/i)
    }
    first.write(get('/v1/users/1', 'connection: close\r\n'))
    expect(String((await once(first, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /)
  })

  test('are answered while the service drains', async () => {
    const state = { isReady: false }
    await using demo = await probed({}, state)
    demo.server.withdraw()
    await demo.server.drain(new AbortController().signal)
    expect(await talk(demo.port, get('/readyz'))).toMatch(/^HTTP\/1.1 503 [^]*connection: close/i)
  })

  test('are refused a malformed head as any request', async () => {
    await using demo = await probed()
    expect(await talk(demo.port, 'GET /livez HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
  })
})

describe('the paths of probes', () => {
  const nothing = Type.Object({})
  const served = (http: `GET /${string}` | `POST /${string}`, input = nothing) =>
    contract('demo.v1.Taken', { take: { input, output: nothing, http } } as never)
  const bind = (options: HttpOptions, taken = served('GET /v1/x')) => httpTransport(options).bind(hostOf({}, [], taken))

  test.each([
    [served('GET /readyz'), 'operation demo.v1.Taken/take claims GET /readyz, as probes.readyz of httpTransport does'],
    [served('POST /livez'), 'operation demo.v1.Taken/take claims POST /livez, as probes.livez of httpTransport does'],
    [
      served('GET /:name', Type.Object({ name: Type.String() })),
      'operation demo.v1.Taken/take claims GET /livez, by its route GET /:name, as probes.livez of httpTransport does',
    ],
  ])('must be no operation’s', (taken, message) => {
    expect(() => bind({ openapi: false, probes: true }, taken)).toThrow(message)
    expect(() => bind({ openapi: false }, taken)).not.toThrow()
  })

  test('must not be those of the document', () => {
    const refuse = () => bind({ openapi: true, probes: { livez: '/openapi.json' } })
    expect(refuse).toThrow(
      'the option openapi or docs claims it, as probes.livez of httpTransport does (/openapi.json)',
    )
  })

  test('must not be those of a route that configure adds', async () => {
    const configure: HttpOptions['configure'] = (fastify) => void fastify.post('/readyz', async () => 'own')
    const server = bind({ port: 0, probes: true, configure })
    const failure = await server.listen().catch((error: unknown) => error)
    await server.close()
    expect(failure).toBeInstanceOf(WiringError)
    expect(String(failure)).toContain('a route that configure adds claims it, as probes.readyz of httpTransport does')
  })

  test.each([
    ['yes', 'probes must be true, false or an object, found "yes"'],
    [{ livez: 'livez' }, 'probes.livez must be a path such as /livez, or false, found "livez"'],
    [{ readyz: '/a?b' }, 'probes.readyz must be a path such as /readyz, or false, found "/a?b"'],
    [{ health: '/healthz' }, 'probes.health is no probe; expected livez, readyz, startupz'],
    [{ livez: '/readyz' }, 'probes: two probes have the path /readyz'],
  ])('are refused where they are %j', (probes, message) => {
    expect(() => httpTransport({ probes: probes as never })).toThrow(message)
  })
})
