import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { resolveAdmin } from './admin-options.ts'
import type { AdminRoute } from './admin-route.ts'
import { AdminServer, type AdminView } from './admin-server.ts'
import { Probes, type ProbeView } from './probes.ts'

const token = 'sesame-open-sesame'

function viewOf(view: Partial<ProbeView> = {}, withToken?: string): AdminView {
  const probeView = { isAllowed: () => true, conditions: () => [], ...view }
  const probes = new Probes(probeView, { token: resolveAdmin({ token: withToken }).token })
  return { probes, info: () => ({ name: 'user' }) }
}

const anywhere = { host: '127.0.0.1', port: 0 }

async function listening(view: AdminView = viewOf()) {
  const server = new AdminServer(view, anywhere)
  const { host, port } = await server.listen()
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://${host}:${port}${path}`, init)
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text.startsWith('{') ? JSON.parse(text) : '',
    }
  }
  return { ask, host, port, [Symbol.asyncDispose]: () => server.close() }
}

describe('AdminServer', () => {
  it.each(['livez', 'readyz', 'startupz'] as const)(
    'answers /%s from what is so now, and nobody keeps it',
    async (name) => {
      let isSo = false
      await using admin = await listening(viewOf({ isAllowed: (asked) => asked === name && isSo }))
      for (const query of ['', '?', '?x=1'])
        expect(await admin.ask(`/${name}${query}`)).toMatchObject({ status: 503, body: { status: 'fail' } })
      isSo = true
      const passing = await admin.ask(`/${name}`)
      expect(passing).toMatchObject({ status: 200, body: { status: 'pass' } })
      expect(passing.headers.get('cache-control')).toBe('no-store')
      expect(passing.headers.get('content-type')).toBe('application/json')
    },
  )

  it('tells of the service', async () => {
    await using admin = await listening()
    expect(await admin.ask('/info?x=1')).toMatchObject({ status: 200, body: { name: 'user' } })
  })

  it('answers 500 where the service cannot be told of, and goes on', async () => {
    await using admin = await listening({ ...viewOf(), info: () => ({ startedAt: 1n }) })
    expect(await admin.ask('/info')).toMatchObject({
      status: 500,
      body: { failure: expect.stringContaining('BigInt') as string },
    })
    expect(await admin.ask('/livez')).toMatchObject({ status: 200 })
  })

  it('tells of the service only who has the token, where there is one', async () => {
    await using admin = await listening(viewOf({}, token))
    const refused = await admin.ask('/info')
    expect(refused).toMatchObject({ status: 401, body: { needs: expect.stringContaining('admin.token') as string } })
    expect(refused.headers.get('www-authenticate')).toBe('Bearer')
    for (const authorization of [token, `Basic ${token}`, `Bearer ${token}x`, 'Bearer', `Bearer x ${token}`])
      expect((await admin.ask('/info', { headers: { authorization } })).status).toBe(401)
    for (const scheme of ['Bearer', 'bearer'])
      expect(await admin.ask('/info', { headers: { authorization: `${scheme} ${token}` } })).toMatchObject({
        status: 200,
        body: { name: 'user' },
      })
    expect((await admin.ask('/livez')).status).toBe(200)
  })

  it('answers HEAD as GET, without the body', async () => {
    await using admin = await listening(viewOf({ isAllowed: () => false }))
    const got = await admin.ask('/readyz')
    const headed = await admin.ask('/readyz', { method: 'HEAD' })
    expect(headed).toMatchObject({ status: 503, text: '' })
    for (const name of ['content-length', 'content-type', 'cache-control'])
      expect(headed.headers.get(name)).toBe(got.headers.get(name))
    expect(await admin.ask('/info', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
  })

  it('refuses other verbs and unknown paths', async () => {
    await using admin = await listening()
    for (const path of ['/livez', '/info', '/else']) {
      const refused = await admin.ask(path, { method: 'POST' })
      expect(refused.status).toBe(405)
      expect(refused.headers.get('allow')).toBe('GET, HEAD')
    }
    for (const path of ['/', '/livez/', '/livez/?x', '/toString', '/__proto__', '//livez', '/LIVEZ'])
      expect(await admin.ask(path)).toMatchObject({
        status: 404,
        body: { paths: ['/livez', '/readyz', '/startupz', '/info'] },
      })
  })

  it('answers routes for who may see details, by the methods they have', async () => {
    const asked: object[] = []
    const headers = { 'content-type': 'text/plain' }
    const route: AdminRoute = {
      path: '/level',
      methods: ['GET', 'PUT'],
      answer: async (request) => {
        asked.push({ ...request, query: request.query.toString() })
        return { status: 200, headers, body: 'told' }
      },
    }
    await using admin = await listening({ ...viewOf({}, token), routes: [route] })
    expect(await admin.ask('/level')).toMatchObject({ status: 401 })
    expect(asked).toEqual([])
    const shown = { authorization: `Bearer ${token}` }
    expect(await admin.ask('/level?a=1', { method: 'PUT', headers: { ...shown, accept: 'text/x' } })).toMatchObject({
      status: 200,
      text: 'told',
    })
    expect(await admin.ask('/level', { method: 'HEAD', headers: shown })).toMatchObject({ status: 200, text: '' })
    expect(asked).toEqual([
      { method: 'PUT', query: 'a=1', accept: 'text/x', hasToken: true },
      { method: 'GET', query: '', accept: '*/*', hasToken: true },
    ])
    const refused = await admin.ask('/level', { method: 'POST', headers: shown })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT'])
    expect((await admin.ask('/else')).body).toEqual({ paths: ['/livez', '/readyz', '/startupz', '/info', '/level'] })
  })

  it('answers routes without a token where there is none, and says that none was shown', async () => {
    const route: AdminRoute = {
      path: '/level',
      methods: ['GET'],
      answer: ({ hasToken }) => ({ status: hasToken ? 500 : 200, headers: {}, body: '' }),
    }
    await using admin = await listening({ ...viewOf(), routes: [route] })
    expect((await admin.ask('/level', { headers: { authorization: `Bearer ${token}` } })).status).toBe(200)
  })

  it('answers 500 where a route fails, and goes on', async () => {
    const answer = () => Promise.reject(new Error('no metrics'))
    await using admin = await listening({ ...viewOf(), routes: [{ path: '/metrics', methods: ['GET'], answer }] })
    expect(await admin.ask('/metrics')).toMatchObject({ status: 500, body: { failure: 'no metrics' } })
    expect((await admin.ask('/livez')).status).toBe(200)
  })

  it('says which address cannot be had, and what to change', async () => {
    await using taken = await listening()
    const second = new AdminServer(viewOf(), { ...anywhere, port: taken.port })
    await expect(second.listen()).rejects.toThrow(
      `the admin server cannot listen on 127.0.0.1:${taken.port}: listen EADDRINUSE: address already in use 127.0.0.1:${taken.port}; set admin.port [service.listen_failed]`,
    )
    await second.close()
  })

  it('does not stay open when it is closed while it begins to listen', async () => {
    const server = new AdminServer(viewOf(), anywhere)
    const starting = server.listen()
    await server.close()
    const { port } = await starting
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow()
  })

  it('listens where it is told to', async () => {
    for (const host of ['127.0.0.1', '::1', '0.0.0.0']) {
      const server = new AdminServer(viewOf(), { host, port: 0 })
      expect(await server.listen().then((address) => address.host, String)).toBe(host)
      await server.close()
    }
  })

  it('closes although a connection is kept open, and may be closed twice', async () => {
    const server = new AdminServer(viewOf(), anywhere)
    const { host, port } = await server.listen()
    await (await fetch(`http://${host}:${port}/livez`)).text()
    await server.close()
    await server.close()
    const again = createServer()
    await new Promise<void>((resolve) => again.listen(port, host, resolve))
    expect((again.address() as AddressInfo).port).toBe(port)
    await new Promise((resolve) => again.close(resolve))
  })
})

describe('the options of the admin server', () => {
  it('are this machine only, port 9000 and no token where nothing is said', () => {
    expect(resolveAdmin({})).toEqual({ host: '127.0.0.1', port: 9000, token: undefined })
    expect(resolveAdmin({ token: undefined }).token).toBeUndefined()
  })

  it.each([-1, 65_536, 1.5, Number.NaN])('refuse the port %j', (port) => {
    expect(() => resolveAdmin({ port })).toThrow(
      `admin.port must be from 0 to 65535, found ${port} [config.out_of_range]`,
    )
  })

  it.each(['', 'fifteen-letters', 'sixteen letters!', 'a-secret-with-ä-letter', 'two-lines-of-\n-text'])(
    'refuse %j as a token, and do not repeat it',
    (bad) => {
      const refuse = () => resolveAdmin({ token: bad })
      expect(refuse).toThrow('admin.token must be 16 or more letters, digits or any of -._~+/')
      if (bad !== '') expect(refuse).not.toThrow(bad)
    },
  )
})
