import { contract, stream } from '@tenon/core/contract'
import { ConfigError, WiringError } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import { type HttpOptions, httpTransport, openapi } from '../index.ts'
import { hostOf, jsonOf, serve, users } from '../http-transport.test-harness.ts'
import { requireDocsPackage } from './serve-docs.ts'
import { writeOnce } from './serve-document.ts'

const bind = (options: HttpOptions, served = users as Parameters<typeof hostOf>[2]) =>
  httpTransport(options).bind(hostOf({}, [], served))

describe('the document', () => {
  test('is served to everybody, under the name and version of the service', async () => {
    await using http = await serve()
    const reply = await fetch(`${http.url}/openapi.json`)
    expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(await jsonOf(reply)).toEqual(JSON.parse(JSON.stringify(openapi(users, { title: 'demo', version: '1' }))))
  })

  test('is not sent again to a caller who has it', async () => {
    await using http = await serve()
    const url = `${http.url}/openapi.json`
    const head = await fetch(url, { method: 'HEAD' })
    const etag = head.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[\w-]{22}"$/)
    for (const given of [etag, `"x", W/${etag}`, '*']) {
      const reply = await fetch(url, { headers: { 'if-none-match': given } })
      expect([reply.status, await reply.text(), reply.headers.get('etag')]).toEqual([304, '', etag])
    }
    // The last is one tag with commas in it.
    for (const given of ['"x"', `"x,${etag.slice(1, -1)},y"`, `"x, *, y"`]) {
      const other = await fetch(url, { headers: { 'if-none-match': given } })
      expect([given, other.status, other.headers.get('etag')]).toEqual([given, 200, etag])
    }
  })

  test.each(['/openapi.json', '/docs', '/docs/json', '/docs/static/swagger-ui.css'])(
    'comes with the id that the request for %s has, and with none otherwise',
    async (path) => {
      await using http = await serve({}, { docs: true })
      const ask = (init: RequestInit) => fetch(`${http.url}${path}`, init)
      const reply = await ask({ headers: { 'x-request-id': 'mine-1' } })
      expect([reply.status, reply.headers.get('x-request-id')]).toEqual([200, 'mine-1'])
      expect((await ask({})).headers.has('x-request-id')).toBe(false)
      const etag = reply.headers.get('etag') ?? ''
      const kept = await ask({ headers: { 'x-request-id': 'mine-2', 'if-none-match': etag } })
      expect(kept.headers.get('x-request-id')).toBe('mine-2')
    },
  )

  test('says of a server that bans callers that it does', async () => {
    await using http = await serve({}, { rateLimit: { max: 100, ban: 1 } })
    const document = await jsonOf(await fetch(`${http.url}/openapi.json`))
    expect(document).toMatchObject({ paths: { '/v1/users': { post: { responses: { 403: {} } } } } })
  })

  test('answers no other verb, and OPTIONS with those it answers', async () => {
    await using http = await serve()
    const posted = await fetch(`${http.url}/openapi.json`, { method: 'POST' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    const asked = await fetch(`${http.url}/openapi.json`, { method: 'OPTIONS' })
    expect([asked.status, asked.headers.get('allow')]).toEqual([204, 'GET, HEAD'])
  })

  test('can be elsewhere, below a prefix, with words of its own, or nowhere', async () => {
    const own = { path: '/api/doc.json', title: 'Demo', contact: { name: 'Ann' } }
    await using http = await serve({}, { pathPrefix: '/shop', openapi: own })
    const document = await jsonOf(await fetch(`${http.url}/shop/api/doc.json`))
    const info = { title: 'Demo', version: '1', contact: { name: 'Ann' } }
    expect(document).toMatchObject({ info, servers: [{ url: '/shop' }], paths: { '/v1/users': {} } })
    await using none = await serve({}, { openapi: false })
    expect((await fetch(`${none.url}/openapi.json`)).status).toBe(404)
  })

  test('is made when it is first asked for, and once', () => {
    let count = 0
    const read = writeOnce(() => {
      count += 1
      return openapi(users)
    })
    expect(count).toBe(0)
    expect(read()).toBe(read())
    expect(count).toBe(1)
  })

  test('takes no path from an operation', () => {
    const input = Type.Object({})
    const taken = contract('demo.v1.Taken', { get: { input, output: stream(input), http: 'GET /openapi.json' } })
    expect(() => bind({}, taken)).toThrow(WiringError)
    expect(() => bind({}, taken)).toThrow('demo.v1.Taken/get claims GET /openapi.json, as openapi.path')
    expect(() => bind({ openapi: { path: '/o.json' } }, taken)).not.toThrow()
  })

  test('takes no path from an operation that has it by a parameter', () => {
    const input = Type.Object({ id: Type.String() })
    const any = contract('demo.v1.Any', {
      get: { input, output: input, http: 'GET /:id' },
      put: { input, output: input, http: 'PUT /:id' },
    })
    expect(() => bind({}, any)).toThrow(
      'demo.v1.Any/get claims GET /openapi.json, by its route GET /:id, as openapi.path of httpTransport does: give one of them another path, or say `openapi: false`',
    )
    expect(() => bind({ openapi: { path: '/doc/o.json' } }, any)).not.toThrow()
    expect(() => bind({ openapi: false }, any)).not.toThrow()
    expect(() => bind({ openapi: { path: '/doc/o.json' }, docs: true }, any)).toThrow('docs.path')
    const verb = contract('demo.v1.Verb', { get: { input, output: input, http: 'GET /:id:peek' } })
    expect(() => bind({}, verb)).not.toThrow()
  })

  test('says of its path all that answers there', async () => {
    const input = Type.Object({ id: Type.String() })
    const put = contract('demo.v1.Put', { put: { input, output: input, http: 'PUT /:id' } })
    await using http = await serve({}, {}, put as Parameters<typeof hostOf>[2])
    const posted = await fetch(`${http.url}/openapi.json`, { method: 'POST' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS, PUT'])
  })
})

describe('the page', () => {
  test('is there when it is switched on, with all that it loads, and shows the document', async () => {
    await using http = await serve({}, { docs: true })
    const page = await fetch(`${http.url}/docs`)
    const html = await page.text()
    expect(html).toContain('<title>demo</title>')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, path = '']) => new URL(path, `${http.url}/docs`),
    )
    expect(loaded.length).toBeGreaterThan(4)
    for (const url of loaded) expect([url.pathname, (await fetch(url)).status]).toEqual([url.pathname, 200])
    const document = await jsonOf(await fetch(`${http.url}/docs/json`))
    expect(document).toEqual(await jsonOf(await fetch(`${http.url}/openapi.json`)))
    expect(await (await fetch(`${http.url}/docs/yaml`)).text()).toContain('openapi: 3.1.0')
  })

  test('may load its files where replies have headers for an API', async () => {
    await using http = await serve({}, { docs: true, securityHeaders: true })
    const page = await fetch(`${http.url}/docs`)
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self'/)
    const document = await fetch(`${http.url}/openapi.json`)
    expect(document.headers.get('content-security-policy')).toMatch(/^default-src 'none'; ?frame/)
  })

  test('is not there otherwise, and can be elsewhere', async () => {
    await using none = await serve()
    expect((await fetch(`${none.url}/docs`)).status).toBe(404)
    await using http = await serve({}, { pathPrefix: '/shop', docs: { path: '/api/page' } })
    const page = await fetch(`${http.url}/shop/api/page`)
    expect(await page.text()).toContain('/shop/api/page/static/swagger-ui.css')
    expect((await fetch(`${http.url}/shop/api/page/json`)).status).toBe(200)
  })

  test.each(['/docs', '/docs/json', '/docs/yaml', '/docs/:id', '/docs/static/:file', '/:a/static/:b/:c'])(
    'takes nothing from an operation at GET %s',
    (path) => {
      const input = Type.Object(
        Object.fromEntries([...path.matchAll(/:(\w+)/g)].map(([, name]) => [name, Type.String()])),
      )
      const taken = contract('demo.v1.Taken', { get: { input, output: stream(input), http: `GET ${path}` as 'GET /' } })
      expect(() => bind({ docs: true }, taken as never)).toThrow(/Taken\/get claims GET .*docs\.path/)
      expect(() => bind({ docs: { path: '/page/one' } }, taken as never)).not.toThrow()
    },
  )

  test('leaves operations below it alone where it has nothing', async () => {
    const input = Type.Object({ id: Type.String() })
    const beside = contract('demo.v1.Beside', { get: { input, output: input, http: 'GET /docs/text/:id' } })
    await using http = await serve({}, { docs: true }, beside as Parameters<typeof hostOf>[2])
    expect(await jsonOf(await fetch(`${http.url}/docs/text/json`))).toEqual({ id: 'json' })
  })

  test.each(['/docs', '/docs/', '/docs/json', '/docs/yaml'])(
    'answers at %s no other verb, and OPTIONS',
    async (path) => {
      await using http = await serve({}, { docs: true })
      expect((await fetch(`${http.url}${path}`)).status).toBe(200)
      expect((await fetch(`${http.url}${path}`, { method: 'HEAD' })).status).toBe(200)
      const posted = await fetch(`${http.url}${path}`, { method: 'POST' })
      expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
      const asked = await fetch(`${http.url}${path}`, { method: 'OPTIONS' })
      expect([asked.status, asked.headers.get('allow')]).toEqual([204, 'GET, HEAD'])
    },
  )

  test.each([
    { openapi: { path: '/docs' }, docs: true },
    { openapi: { path: '/docs/json' }, docs: true },
    { openapi: { path: '/docs/static/o.json' }, docs: true },
    { docs: { path: '/openapi.json' } },
  ])('has no path of the document: %j', (options) => {
    expect(() => httpTransport(options)).toThrow(/openapi\.path .* is taken by the page of docs/)
  })

  test('has the document beside it where it is free', async () => {
    await using http = await serve({}, { docs: true, openapi: { path: '/docs/openapi.json' } })
    expect((await fetch(`${http.url}/docs/openapi.json`)).status).toBe(200)
  })

  test('says which command installs what it needs', () => {
    const missing = () => {
      throw new Error('Cannot find module')
    }
    expect(() => requireDocsPackage(missing)).toThrow(ConfigError)
    expect(() => requireDocsPackage(missing)).toThrow(/npm install @fastify\/swagger-ui.*\[config\.package\]/)
    expect(() => requireDocsPackage()).not.toThrow()
  })
})

test('options that are not as they should be are told by name, all at once', () => {
  const options = { openapi: { path: '/a/:b', titel: 'x', tags: 'y' }, docs: { path: 'docs', theme: 'dark' } }
  expect(() => httpTransport(options as never)).toThrow(
    /openapi\.path must be a path such as[^]*"titel" is no option[^]*openapi\.tags must be a list[^]*"theme" is no option; expected path[^]*docs\.path must be a path/,
  )
  expect(() => httpTransport({ openapi: { titel: 'x' } } as never)).toThrow(
    /"titel" is no option, perhaps title is meant; expected path, title, (?!.*defaultAccess)/,
  )
  expect(() => httpTransport({ openapi: false, docs: true })).toThrow('docs shows the document of openapi')
  expect(() => httpTransport({ docs: 'yes' as never })).toThrow('docs must be true, false or an object, found "yes"')
  expect(() => httpTransport({ openapi: { defaultAccess: 'public' } as never })).toThrow('is no option of a server')
})
