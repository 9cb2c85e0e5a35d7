import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { Agent as SecureAgent, createServer as createSecureServer, get as getSecure } from 'node:https'
import { connect } from 'node:net'
import type { Logger, StartedService } from '@tenon/core'
import type { Transport } from '@tenon/core/transport'
import { expect, test, vi } from 'vitest'
import { terminusOptions } from './index.ts'
import { bareService, listening, silent, type TeamServer, teamServer } from './team-server.test-harness.ts'

/** An app that keeps requests to `/slow` until the test answers them. */
function slowApp() {
  const arrived = Promise.withResolvers<ServerResponse>()
  const app: RequestListener = ({ url }, reply) => {
    if (url === '/slow') arrived.resolve(reply)
    else reply.end('app')
  }
  return { app, arrived: arrived.promise }
}

interface Running extends TeamServer, AsyncDisposable {
  readonly started: StartedService
}

async function startTeam(...given: Parameters<typeof teamServer>): Promise<Running> {
  const team = await teamServer(...given)
  const started = await team.service.start({ log: silent })
  return { ...team, started, [Symbol.asyncDispose]: async () => void (await started.stop()) }
}

const ask = (port: number, path: string, agent: Agent | false = false) =>
  once(get({ port, host: '127.0.0.1', path, agent }), 'response') as Promise<[IncomingMessage]>

test('a stop lets running requests finish, asks their callers to leave, and closes idle connections meanwhile', async () => {
  const { app, arrived } = slowApp()
  await using team = await startTeam({ app })
  // The server itself would keep it longer than the test waits.
  team.server.keepAliveTimeout = 600_000
  const agent = new Agent({ keepAlive: true })
  const running = ask(team.port, '/slow', agent)
  const reply = await arrived
  const [idle] = await ask(team.port, '/', agent)
  expect(idle.headers.connection).toBe('keep-alive')
  const idleGone = once(idle.socket, 'close')
  await once(idle.resume(), 'end')
  const stopped = team.started.stop()
  await idleGone
  reply.end('done')
  const [answer] = await running
  expect([answer.statusCode, answer.headers.connection]).toEqual([200, 'close'])
  answer.resume()
  const { exitCode, phases } = await stopped
  expect([exitCode, phases.map(({ error }) => error).filter((error) => error !== undefined)]).toEqual([0, []])
  expect(team.server.listening).toBe(false)
  agent.destroy()
})

test('while load balancers notice, new connections are served and asked to leave', async () => {
  const draining = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const beforeShutdown = async () => {
    draining.resolve()
    await release.promise
  }
  await using team = await startTeam({ adapter: { beforeShutdown } })
  const stopped = team.started.stop()
  await draining.promise
  const agent = new Agent({ keepAlive: true })
  const [reply] = await ask(team.port, '/', agent)
  expect([reply.statusCode, reply.headers.connection]).toEqual([200, 'close'])
  reply.resume()
  release.resolve()
  await stopped
  await expect(ask(team.port, '/')).rejects.toThrow('ECONNREFUSED')
})

test('a connection that is made before the drain and asks during it is answered, and closed', async () => {
  const { app, arrived } = slowApp()
  await using team = await startTeam({ app })
  const running = ask(team.port, '/slow')
  const reply = await arrived
  const accepted = once(team.server, 'connection')
  const early = connect(team.port, '127.0.0.1').setEncoding('latin1')
  await accepted
  const stopped = team.started.stop()
  await vi.waitFor(() => expect(team.server.listening).toBe(false))
  early.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  const [text] = (await once(early, 'data')) as [string]
  expect(text).toMatch(/^HTTP\/1\.1 200 .*\r\nconnection: close\r\n/is)
  await once(early.resume(), 'close')
  reply.end('done')
  await running
  await stopped
})

test('a request that has been received when the service stops is answered', async () => {
  const request = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'
  const sent: (() => void)[] = []
  const other: Transport = {
    name: 'other',
    carries: () => false,
    bind: () => ({
      listen: async () => [],
      withdraw: () => undefined,
      // It goes out at once, and nobody has read it when the server drains in the same turn.
      drain: async () => sent.pop()?.(),
      close: async () => undefined,
    }),
  }
  await using team = await startTeam({ service: bareService({ transports: () => [other] }) })
  const socket = connect(team.port, '127.0.0.1').setEncoding('latin1')
  socket.write(request)
  await once(socket, 'data')
  sent.push(() => void socket.write(request))
  const answered = once(socket, 'data') as Promise<[string]>
  expect((await team.started.stop()).exitCode).toBe(0)
  expect((await answered)[0]).toMatch(/^HTTP\/1\.1 200 .*\r\nconnection: close\r\n/is)
})

test('a caller that pipelines and leaves is not waited for', async () => {
  const { app, arrived } = slowApp()
  await using team = await startTeam({ app })
  const socket = connect(team.port, '127.0.0.1')
  socket.write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await arrived
  socket.destroy()
  expect((await team.started.stop()).exitCode).toBe(0)
})

test('a request that outlives the deadline is cut, and the exit code tells', async () => {
  const { app, arrived } = slowApp()
  await using team = await startTeam({ app, service: bareService({ shutdownTimeoutMs: 100 }) })
  const cut = ask(team.port, '/slow').catch((error: unknown) => String(error))
  await arrived
  expect((await team.started.stop()).exitCode).toBe(1)
  expect(await cut).toContain('socket hang up')
})

test('a server over TLS ends in the same order', async () => {
  // A key that both know takes the place of a certificate.
  const psk = Buffer.alloc(32, 1)
  const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const
  const { app, arrived } = slowApp()
  const server = createSecureServer({ ...tls, pskCallback: () => psk, pskIdentityHint: 'demo' }, app)
  server.keepAliveTimeout = 600_000
  const service = bareService()
  terminusOptions(service, server)
  const port = await listening(server)
  const agent = new SecureAgent({
    ...tls,
    keepAlive: true,
    pskCallback: () => ({ psk, identity: 'demo' }),
    checkServerIdentity: () => undefined,
  })
  const started = await service.start({ log: silent })
  const askSecure = (path: string) =>
    once(getSecure({ port, host: '127.0.0.1', path, agent }), 'response') as Promise<[IncomingMessage]>
  const running = askSecure('/slow')
  const reply = await arrived
  const [idle] = await askSecure('/')
  const idleGone = once(idle.socket, 'close')
  await once(idle.resume(), 'end')
  const stopped = started.stop()
  await idleGone
  reply.end('done')
  const [answer] = await running
  expect([answer.statusCode, answer.headers.connection]).toEqual([200, 'close'])
  answer.resume()
  expect((await stopped).exitCode).toBe(0)
  agent.destroy()
})

test('an upgraded connection holds up nothing, and is closed when the service has stopped', async () => {
  const team = await startTeam()
  team.server.on('upgrade', (_request, socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
  const socket = connect(team.port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: line\r\n\r\n')
  await once(socket, 'data')
  const gone = once(socket.resume(), 'close')
  expect((await team.started.stop()).exitCode).toBe(0)
  await gone
})

test('the hooks of terminus run in its order, each within the time of the service', async () => {
  const seen: string[] = []
  const note = (what: string) => async () => void seen.push(what)
  const adapter = { beforeShutdown: note('before'), onSignal: note('signal'), onShutdown: note('shutdown') }
  const team = await startTeam({ adapter })
  team.server.on('close', () => seen.push('closed'))
  expect((await team.started.stop()).exitCode).toBe(0)
  expect(seen).toEqual(['before', 'closed', 'signal', 'shutdown'])
})

test('one that hangs is named, and keeps nothing else from ending', async () => {
  const seen: string[] = []
  const service = bareService({ shutdownTimeoutMs: 100 })
  const hanging = () => new Promise<never>(() => undefined)
  const adapter = { name: 'team', beforeShutdown: hanging, onShutdown: async () => void seen.push('shutdown') }
  const team = await startTeam({ service, adapter })
  const { exitCode, phases } = await team.started.stop()
  expect([exitCode, seen, team.server.listening]).toEqual([1, ['shutdown'], false])
  const { error } = phases.find(({ phase }) => phase === 'onDrain') ?? {}
  expect(String((error as AggregateError).errors)).toContain('team beforeShutdown')
})

test('a start waits until the server listens, and fails with it', async () => {
  const service = bareService()
  const server = createServer()
  terminusOptions(service, server)
  const starting = service.start({ log: silent })
  await vi.waitFor(() => expect(server.listenerCount('listening')).toBe(1))
  expect(service.state).toBe('starting')
  await listening(server)
  await using started = await starting
  expect([started.state, started.addresses]).toEqual(['ready', []])
  await started.stop()
  const failing = service.start({ log: silent })
  await vi.waitFor(() => expect(server.listenerCount('listening')).toBe(1))
  const other = createServer()
  server.listen(await listening(other), '127.0.0.1')
  await expect(failing).rejects.toThrow('the server that is attached as terminus does not listen: listen EADDRINUSE')
})

test('callers may stay again when the service starts again', async () => {
  const team = await startTeam()
  await team.started.stop()
  const port = await listening(team.server)
  await using _started = await team.service.start({ log: silent })
  const agent = new Agent({ keepAlive: true })
  const [reply] = await ask(port, '/', agent)
  expect(reply.headers.connection).toBe('keep-alive')
  reply.resume()
  agent.destroy()
})

test('a check leaves the server alone', async () => {
  const team = await teamServer()
  expect(await team.service.check()).toMatchObject({ ok: true })
  const agent = new Agent({ keepAlive: true })
  const [reply] = await ask(team.port, '/', agent)
  expect([reply.statusCode, reply.headers.connection]).toEqual([200, 'keep-alive'])
  reply.resume()
  agent.destroy()
})

test('says when nobody would hear that the process is to end', async () => {
  const warn = vi.fn()
  const log: Logger = { ...silent, warn, child: () => log }
  const { service } = await teamServer()
  const ends = () => warn.mock.calls.filter(([, message]) => String(message).includes('nobody in this process hears'))
  await (await service.start({ log })).stop()
  expect(ends()).toHaveLength(1)
})
