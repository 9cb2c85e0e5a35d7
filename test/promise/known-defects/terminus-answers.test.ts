import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTerminus, HealthCheckError, type TerminusOptions } from '@godaddy/terminus'
import { defineService, type Logger } from '@tenon/core'
import { type AdapterOptions, terminusOptions } from '@tenon/terminus'
import { expect, onTestFinished, test } from 'vitest'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** Terminus as it is, and with the options that the lifecycle of a service gives it. */
const kinds = {
  bare: (options: AdapterOptions) => serve((server) => createTerminus(server, options as TerminusOptions)),
  adapted: async (options: AdapterOptions) => {
    const service = defineService({ name: 'demo', version: '1.0.0', handlers: [], admin: false })
    const ask = await serve((server) => createTerminus(server, terminusOptions(service, server, options)))
    const started = await service.start({ log: silent })
    onTestFinished(async () => void (await started.stop()))
    return ask
  },
}

/** Asks the server for a path; its app answers what terminus does not. */
async function serve(decorate: (server: Server) => void): Promise<(path: string) => Promise<unknown>> {
  const server = createServer((_request, reply) => reply.end('"app"'))
  // Terminus never takes back what it hears.
  const before = new Set(process.listeners('SIGTERM'))
  decorate(server)
  const added = process.listeners('SIGTERM').filter((listener) => !before.has(listener))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  onTestFinished(() => {
    for (const listener of added) process.off('SIGTERM', listener)
    server.close()
    server.closeAllConnections()
  })
  return async (path) => (await fetch(`http://127.0.0.1:${port}${path}`)).json()
}

const tell = (info: object) => async () => info
const fail = (causes: object) => async () => Promise.reject(new HealthCheckError('down', causes))

test.each([
  ['bare', { status: 'ok', db: 'up', process: 'up' }],
  ['adapted', { status: 'ok', process: 'up' }],
] as const)('what one check tells in the answer of another, terminus %s', async (kind, live) => {
  const ask = await kinds[kind]({
    healthChecks: { verbatim: true, '/ready': tell({ db: 'up' }), '/live': tell({ process: 'up' }) },
  })
  expect(await ask('/ready')).toEqual({ status: 'ok', db: 'up' })
  expect(await ask('/live')).toEqual(live)
})

test.each([
  ['bare', { status: 'error', error: { db: 'away' }, details: { db: 'away' } }],
  ['adapted', { status: 'error' }],
] as const)('why one check failed in the answer of another server, terminus %s', async (kind, second) => {
  const statusErrorResponse = { status: 'error' }
  const first = await kinds[kind]({ statusErrorResponse, healthChecks: { '/ready': fail({ db: 'away' }) } })
  expect(await first('/ready')).toMatchObject({ error: { db: 'away' } })
  const ask = await kinds[kind]({
    statusErrorResponse,
    healthChecks: { '/ready': async () => Promise.reject(new Error()) },
  })
  expect(await ask('/ready')).toEqual(second)
})

test.each([
  ['bare', { status: 'second' }, { status: 'no second' }],
  ['adapted', { status: 'first' }, { status: 'no first' }],
] as const)('the bodies of a second server in the answers of the first, terminus %s', async (kind, ok, failed) => {
  const options = (name: string): AdapterOptions => ({
    statusOkResponse: { status: name },
    statusErrorResponse: { status: `no ${name}` },
    healthChecks: { '/live': async () => undefined, '/ready': async () => Promise.reject(new Error('away')) },
  })
  const ask = await kinds[kind](options('first'))
  await kinds[kind](options('second'))
  expect([await ask('/live'), await ask('/ready')]).toEqual([ok, failed])
})

test.each([
  ['bare', 'app'],
  ['adapted', { status: 'ok' }],
] as const)('a check that is asked with a query, terminus %s', async (kind, answer) => {
  const ask = await kinds[kind]({ healthChecks: { '/live': async () => undefined } })
  expect(await ask('/live')).toEqual({ status: 'ok' })
  expect(await ask('/live?x=1')).toEqual(answer)
})

test('the probes of the service are as whole, and found with a query', async () => {
  const ask = await kinds.adapted({ healthChecks: { verbatim: true, '/ready': tell({ db: 'up' }) } })
  await ask('/ready')
  expect([await ask('/livez'), await ask('/readyz?x=1')]).toEqual([{ status: 'pass' }, { status: 'pass' }])
})
