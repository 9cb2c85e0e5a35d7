import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { Client, credentials } from '@grpc/grpc-js'
import { check, defineHandler, defineService } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { fakeClock } from '@tenon/testing'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'

const Text = Type.Object({ text: Type.String() })
const notes = contract('shop.note.v1.NoteService', {
  getNote: { input: Text, output: Text, http: 'GET /v1/notes/:text' },
})
const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }

/** A service that is ready as long as it is told to be, and what it says of that in each of three ways. */
async function start() {
  const state = { isBroken: false }
  const run = () => {
    if (state.isBroken) throw new Error('broken')
  }
  const service = await defineService({
    name: 'note',
    version: '1.0.0',
    handlers: [defineHandler(notes, () => ({ getNote: async (input) => input }))],
    checks: [check('switch', run, { intervalMs: 100, gracePeriodMs: 300 })],
    transports: () => [httpTransport({ port: 0, probes: true }), grpcTransport({ port: 0 })],
    admin: { port: 0 },
    deregisterDelayMs: 1_000,
  }).start({ environment: {}, log })
  const portOf = (protocol: string) => service.addresses.find((one) => one.protocol === protocol)?.port ?? 0
  const client = new Client(`127.0.0.1:${portOf('grpc')}`, credentials.createInsecure())
  const said = async () => [
    await readyz(portOf('admin')),
    await readyz(portOf('http')),
    (await isServing(client)) ? 'ready' : 'not ready',
  ]
  return { service, state, said, [Symbol.dispose]: () => client.close() }
}

async function readyz(port: number): Promise<string> {
  const asked = get({ host: '127.0.0.1', port, path: '/readyz', agent: false })
  const [response]: IncomingMessage[] = await once(asked, 'response')
  response?.resume()
  return response?.statusCode === 200 ? 'ready' : 'not ready'
}

const same = (bytes: Buffer) => bytes

/** @see grpc/health/v1/health.proto: `status = 1`, of which 1 is SERVING */
function isServing(client: Client): Promise<boolean> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.alloc(0), (error, answer) =>
      error ? reject(error) : resolve(answer?.equals(Buffer.from([8, 1])) ?? false),
    )
  })
}

const all = (word: string) => [word, word, word]

describe('readiness', () => {
  test('is the same on the admin port, over HTTP and by gRPC health, and does not flap', async () => {
    using clock = fakeClock({ now: '2026-01-01T00:00:00Z' })
    using demo = await start()
    expect(await demo.said()).toEqual(all('ready'))
    // Shorter than its grace period.
    demo.state.isBroken = true
    await clock.advance(200)
    expect(await demo.said()).toEqual(all('ready'))
    demo.state.isBroken = false
    await clock.advance(200)
    demo.state.isBroken = true
    await clock.advance(200)
    expect(await demo.said()).toEqual(all('ready'))
    await clock.advance(300)
    expect(await demo.said()).toEqual(all('not ready'))
    demo.state.isBroken = false
    await clock.advance(100)
    expect(await demo.said()).toEqual(all('ready'))
    const stopped = demo.service.stop()
    await clock.advance(100)
    expect(await demo.said()).toEqual(all('not ready'))
    await using _flow = clock.flow()
    expect(await stopped).toMatchObject({ exitCode: 0 })
  })
})
