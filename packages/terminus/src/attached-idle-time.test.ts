import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import type { TransportHost } from '@tenon/core/transport'
import { tellIdleTime } from './attached-idle-time.ts'
import { AttachedProbes } from './attached-probes.ts'
import { attachedServer } from './attached-server.ts'
import { listening, silent } from './team-server.test-harness.ts'

const request = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'
const kept = /^HTTP\/1\.1 200 [^]*connection: keep-alive\r\n[^]*app$/i
const left = /^HTTP\/1\.1 200 [^]*connection: close\r\n[^]*app$/i

afterEach(() => void vi.useRealTimers())

const appServer = () => createServer((_request, reply) => reply.setHeader('content-length', 3).end('app'))

test.each([
  ['what the server keeps to, where no delay is to be waited for', { keptMs: 72_000, delayMs: 0 }, 'timeout=72'],
  ['less than the delay', { keptMs: 72_000, delayMs: 5_000 }, 'timeout=4'],
  ['what the server keeps to, where that is less', { keptMs: 2_000, delayMs: 5_000 }, 'timeout=2'],
  ['less than the delay, where the server keeps them for ever', { keptMs: 0, delayMs: 5_000 }, 'timeout=4'],
  ['nothing, where the server does not and no delay is to be waited for', { keptMs: 0, delayMs: 0 }, undefined],
])('Keep-Alive: timeout tells %s', async (_what, { keptMs, delayMs }, told) => {
  const server = appServer()
  server.keepAliveTimeout = keptMs
  const { keepAliveTimeoutBuffer } = server
  const idleTime = tellIdleTime(server, delayMs)
  // Whatever callers are told, a connection is kept for as long as the team has set; the longest timer of Node is its for ever.
  const forEverMs = delayMs > 0 ? 2 ** 31 - 1 : keepAliveTimeoutBuffer
  expect(server.keepAliveTimeout + server.keepAliveTimeoutBuffer).toBe(
    keptMs > 0 ? keptMs + keepAliveTimeoutBuffer : forEverMs,
  )
  const agent = new Agent({ keepAlive: true })
  const asked = get({ port: await listening(server), host: '127.0.0.1', agent })
  const [reply] = (await once(asked, 'response')) as [IncomingMessage]
  expect([reply.headers.connection, reply.headers['keep-alive']]).toEqual(['keep-alive', told])
  reply.resume()
  agent.destroy()
  idleTime[Symbol.dispose]()
  expect([server.keepAliveTimeout, server.keepAliveTimeoutBuffer]).toEqual([keptMs, keepAliveTimeoutBuffer])
})

/** A server that is attached to a service which serves its callers for 5 s after it has asked them to leave. */
async function serveFor5s() {
  const server = appServer()
  server.keepAliveTimeout = 600_000
  const transport = attachedServer(server, { name: 'team', probes: new AttachedProbes() })
  const attached = transport.bind({ deregisterDelayMs: 5_000, log: silent } as TransportHost)
  const port = await listening(server)
  await attached.listen()
  return { server, attached, open: () => connect(port, '127.0.0.1').setEncoding('latin1') }
}

async function openIdle(open: () => Socket): Promise<Socket> {
  const socket = open()
  socket.write(request)
  expect((await once(socket, 'data'))[0]).toMatch(kept)
  return socket
}

/** All that is said on a connection until it is closed. */
async function heard(socket: Socket): Promise<string> {
  let said = ''
  for await (const chunk of socket) said += String(chunk)
  return said
}

test('when the delay is nearly over idle connections are closed, while all that comes is answered', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  const { server, attached, open } = await serveFor5s()
  const idle = await openIdle(open)
  const asking = await openIdle(open)
  attached.withdraw()
  asking.write(request)
  vi.advanceTimersByTime(4_500)
  expect(await heard(asking)).toMatch(left)
  expect(await heard(idle)).toBe('')
  expect(server.listening).toBe(true)
  const late = open()
  late.write(request)
  expect(await heard(late)).toMatch(left)
  await attached.close()
})

test('until the delay is nearly over an idle connection is served', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  const { attached, open } = await serveFor5s()
  const idle = await openIdle(open)
  attached.withdraw()
  vi.advanceTimersByTime(4_499)
  const other = open()
  other.write(request)
  expect(await heard(other)).toMatch(left)
  idle.write(request)
  expect(await heard(idle)).toMatch(left)
  await attached.close()
})

test('a server that has stopped tells callers what the team has set, and is left alone', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { server, attached } = await serveFor5s()
  expect(server.keepAliveTimeout).toBe(4_000)
  attached.withdraw()
  await attached.close()
  expect([server.keepAliveTimeout, vi.getTimerCount()]).toEqual([600_000, 0])
})
