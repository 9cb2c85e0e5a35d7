import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { AdminServer, type AdminView } from './admin-server.ts'
import type { CheckResult } from './health.ts'

const check: CheckResult = { name: 'db', isPassing: false, message: 'no connection' }

async function listening(view: Partial<AdminView> = {}) {
  const server = new AdminServer(
    {
      isLive: () => true,
      isReady: () => true,
      hasStarted: () => true,
      checks: () => [check],
      transports: () => [],
      info: () => ({ name: 'user' }),
      ...view,
    },
    { port: 0 },
  )
  const { host, port } = await server.listen()
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`http://${host}:${port}${path}`, { method })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? '' : (JSON.parse(text) as unknown),
    }
  }
  return { ask, host, port, [Symbol.asyncDispose]: () => server.close() }
}

describe('AdminServer', () => {
  it.each([
    ['/livez', 'isLive'],
    ['/readyz', 'isReady'],
    ['/startupz', 'hasStarted'],
  ] as const)('answers %s from what is so now', async (path, name) => {
    let isSo = false
    await using admin = await listening({ [name]: () => isSo })
    expect(await admin.ask(path)).toMatchObject({ status: 503, body: { status: 'fail' } })
    isSo = true
    const passing = await admin.ask(path)
    expect(passing).toMatchObject({ status: 200, body: { status: 'pass' } })
    expect(passing.headers.get('cache-control')).toBe('no-store')
    expect(passing.headers.get('content-type')).toBe('application/json')
  })

  it('lists the checks when asked to be verbose, and ignores other queries', async () => {
    await using admin = await listening()
    for (const query of ['?verbose', '?verbose=1', '?a=b&verbose'])
      expect((await admin.ask(`/readyz${query}`)).body).toEqual({ status: 'pass', checks: [check] })
    for (const query of ['?', '?a=b', '?verbosely=1'])
      expect((await admin.ask(`/readyz${query}`)).body).toEqual({ status: 'pass' })
  })

  it('lists the transports that tell of themselves when asked to be verbose', async () => {
    const transports = [{ name: 'queue', isLive: false, isReady: true, reason: 'stands still' }]
    await using admin = await listening({ isLive: () => false, transports: () => transports })
    expect(await admin.ask('/livez?verbose')).toMatchObject({ status: 503, body: { checks: [check], transports } })
    expect((await admin.ask('/livez')).body).toEqual({ status: 'fail' })
  })

  it('tells of the service', async () => {
    await using admin = await listening()
    expect(await admin.ask('/info?x=1')).toMatchObject({ status: 200, body: { name: 'user' } })
  })

  it('answers HEAD without a body', async () => {
    await using admin = await listening({ isReady: () => false })
    expect(await admin.ask('/readyz', 'HEAD')).toMatchObject({ status: 503, body: '' })
  })

  it('refuses other verbs and unknown paths', async () => {
    await using admin = await listening()
    const refused = await admin.ask('/livez', 'POST')
    expect(refused.status).toBe(405)
    expect(refused.headers.get('allow')).toBe('GET, HEAD')
    for (const path of ['/', '/livez/', '/toString', '/__proto__', '//livez'])
      expect(await admin.ask(path)).toMatchObject({
        status: 404,
        body: { paths: ['/livez', '/readyz', '/startupz', '/info'] },
      })
  })

  it('says which address cannot be had, and what to change', async () => {
    await using taken = await listening()
    const second = new AdminServer({} as AdminView, { port: taken.port })
    await expect(second.listen()).rejects.toThrow(
      `the admin server cannot listen on 127.0.0.1:${taken.port}: listen EADDRINUSE: address already in use 127.0.0.1:${taken.port}; set admin.port [service.listen_failed]`,
    )
    await second.close()
  })

  it.each([-1, 65_536, 1.5, Number.NaN])('refuses the port %j', (port) => {
    expect(() => new AdminServer({} as AdminView, { port })).toThrow(
      `admin.port must be from 0 to 65535, found ${port} [config.out_of_range]`,
    )
  })

  it('does not stay open when it is closed while it begins to listen', async () => {
    const server = new AdminServer({} as AdminView, { port: 0 })
    const listening = server.listen()
    await server.close()
    const { port } = await listening
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow()
  })

  it('listens where it is told to, and on this machine only when it is not', async () => {
    for (const options of [{}, { host: '::1' }, { host: '0.0.0.0' }]) {
      const server = new AdminServer({} as AdminView, { port: 0, ...options })
      expect(await server.listen().then(({ host }) => host, String)).toBe(options.host ?? '127.0.0.1')
      await server.close()
    }
  })

  it('closes although a connection is kept open, and may be closed twice', async () => {
    const server = new AdminServer({ isLive: () => true } as AdminView, { port: 0 })
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
