import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { defineHandler, defineService, hook, type Logger } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { eventually } from '@tenon/testing'
import { httpTransport } from '@tenon/transport-http'
import { fastify } from 'fastify'
import Type from 'typebox'
import { expect, onTestFinished, test } from 'vitest'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** Work that says when it has begun and ends when the test says so, and a caller that keeps its one connection. */
function scene() {
  const arrived = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  const slow = async () => {
    arrived.resolve()
    await answer.promise
    return {}
  }
  return { slow, arrived: arrived.promise, answer: answer.resolve, agent: keepingAgent() }
}

function keepingAgent(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  return agent
}

async function ask(port: number, path: string, agent: Agent | false = false) {
  const request = get({ port, host: '127.0.0.1', path, agent })
  const [reply] = (await once(request, 'response')) as [IncomingMessage]
  await once(reply.resume(), 'end')
  const { statusCode: status, headers, socket } = reply
  return { status, connection: headers.connection, socket, isReused: request.reusedSocket }
}

test('fastify 5.12.8 refuses callers as soon as it closes, keeps the connection of a reply in flight, and waits for it', async () => {
  const { slow, arrived, answer, agent } = scene()
  const app = fastify({ return503OnClosing: false })
  app.get('/v1/slow', slow)
  app.get('/v1/ping', async () => ({}))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const running = ask(port, '/v1/slow', agent)
  await arrived
  const order: string[] = []
  const closed = app.close().then(() => order.push('closed'))
  await eventually(() => expect(ask(port, '/v1/ping')).rejects.toThrow('ECONNREFUSED'))
  answer()
  expect(await running).toMatchObject({ status: 200, connection: 'keep-alive' })
  order.push('answered')
  // Nothing is under way, and still the connection is open, waited for and served; only now its caller is asked to leave.
  expect(await ask(port, '/v1/ping', agent)).toMatchObject({ status: 200, connection: 'close', isReused: true })
  await closed
  expect(order).toEqual(['answered', 'closed'])
})

test('a service serves callers until it drains, asks the caller of a reply in flight to leave, and waits for nobody', async () => {
  const { slow, arrived, answer, agent } = scene()
  const calls = contract('demo.v1.Calls', {
    slow: { input: Type.Object({}), output: Type.Object({}), http: 'GET /v1/slow' },
    ping: { input: Type.Object({}), output: Type.Object({}), http: 'GET /v1/ping' },
  })
  const noticed = Promise.withResolvers<void>()
  const turnsAway = Promise.withResolvers<void>()
  const service = defineService({
    name: 'demo',
    version: '1.0.0',
    handlers: [defineHandler(calls, () => ({ slow, ping: () => ({}) }))],
    transports: () => [httpTransport({ port: 0 })],
    admin: false,
    // Stands for the time that load balancers need.
    onDrain: [hook('load balancers', () => (turnsAway.resolve(), noticed.promise))],
  })
  const started = await service.start({ log: silent })
  const port = started.addresses[0]?.port ?? 0
  const running = ask(port, '/v1/slow', agent)
  await arrived
  const stopped = started.stop()
  await turnsAway.promise
  expect(await ask(port, '/v1/ping', keepingAgent())).toMatchObject({ status: 200, connection: 'close' })
  noticed.resolve()
  answer()
  const { socket, ...reply } = await running
  expect(reply).toMatchObject({ status: 200, connection: 'close' })
  expect((await stopped).exitCode).toBe(0)
  await eventually(() => expect(socket.destroyed).toBe(true))
})
