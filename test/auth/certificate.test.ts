import { once } from 'node:events'
import { connect } from 'node:http2'
import { request } from 'node:https'
import { connect as tlsConnect, type TLSSocket } from 'node:tls'
import { certificateAuthenticator, firstOf } from '@tenon/auth'
import { defineHandler, defineService } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { Client, credentials } from '@grpc/grpc-js'
import Type from 'typebox'
import { expect, it } from 'vitest'
import { authority, type Identity } from '../../packages/auth/src/certificate/certificate.test-harness.ts'

const Empty = Type.Object({})
const vault = contract('tenon.test.v1.VaultService', { open: { input: Empty, output: Empty, http: 'POST /v1/open' } })

const [ours, others] = [authority(), authority()]
const server = ours.sign('DNS:localhost')
const workload = 'spiffe://prod.example/ns/shop/sa/order'

/** A service with mTLS that HTTP/1.1, HTTP/2 and gRPC lead to, and who was let in. */
async function serve(clientCertificate: 'none' | 'request' | 'require') {
  const letIn: (string | undefined)[] = []
  const tls = { ...server, ca: ours.cert, clientCertificate }
  const started = await defineService({
    name: 'vault',
    version: '1.0.0',
    admin: false,
    handlers: [
      defineHandler(vault, () => ({
        open: async (_input, { principal }) => {
          letIn.push(principal?.id)
          return {}
        },
      })),
    ],
    authenticate: firstOf(certificateAuthenticator({ trustDomains: ['prod.example'] }), ({ metadata }) =>
      metadata['x-name'] === undefined ? undefined : { id: metadata['x-name'] },
    ),
    transports: () => [httpTransport({ port: 0, tls, http2: true }), grpcTransport({ port: 0, tls })],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const portOf = (name: string) => started.addresses.find(({ protocol }) => protocol.startsWith(name))?.port ?? 0
  const callers: Readonly<Record<string, (shown?: Identity) => Promise<string>>> = {
    http: (shown) => overHttp(portOf('http'), shown),
    http2: (shown) => overHttp2(portOf('http'), shown),
    grpc: (shown) => overGrpc(portOf('grpc'), shown),
  }
  return { letIn, callers, httpPort: portOf('http'), [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
}

async function overHttp(port: number, shown?: Identity): Promise<string> {
  const options = { host: 'localhost', port, path: '/v1/open', method: 'POST', agent: false }
  const sent = request({ ...options, ca: ours.cert, ...shown, headers: { 'content-type': 'application/json' } })
  sent.end('{}')
  const [reply] = await once(sent, 'response')
  reply.resume()
  return outcomes[reply.statusCode] ?? String(reply.statusCode)
}

async function overHttp2(port: number, shown?: Identity): Promise<string> {
  const session = connect(`https://localhost:${port}`, { ca: ours.cert, ...shown })
  try {
    const head = { ':method': 'POST', ':path': '/v1/open', 'content-type': 'application/json' }
    const sent = session.request(head)
    sent.end('{}')
    const [{ ':status': status }] = await once(sent, 'response')
    return outcomes[status] ?? String(status)
  } finally {
    session.destroy()
  }
}

function overGrpc(port: number, shown?: Identity): Promise<string> {
  const [key, cert] = shown ? [Buffer.from(shown.key), Buffer.from(shown.cert)] : [null, null]
  const client = new Client(`localhost:${port}`, credentials.createSsl(Buffer.from(ours.cert), key, cert))
  const same = (bytes: Buffer) => bytes
  return new Promise<string>((resolve) => {
    client.makeUnaryRequest('/tenon.test.v1.VaultService/Open', same, same, Buffer.alloc(0), (error) =>
      resolve(outcomes[error?.code ?? 0] ?? String(error)),
    )
  }).finally(() => client.close())
}

/** What statuses of HTTP and of gRPC stand for. */
const outcomes: Readonly<Record<number, string>> = { 200: 'let in', 0: 'let in', 401: 'refused', 16: 'refused' }

const shown: Readonly<Record<string, Identity | undefined>> = {
  'a workload of the domain': ours.sign(`URI:${workload}`),
  'a workload of another domain': ours.sign('URI:spiffe://test.example/ns/shop/sa/order'),
  'two workloads': ours.sign(`URI:${workload}`, 'URI:spiffe://prod.example/root'),
  'names of hosts alone': ours.sign('DNS:prod.example'),
  'the same workload by another authority': others.sign(`URI:${workload}`),
  nothing: undefined,
}

it.each(['http', 'http2', 'grpc'])('a certificate that was checked says who calls, over %s', async (transport) => {
  await using demo = await serve('request')
  const found: Record<string, string | undefined> = {}
  for (const [what, identity] of Object.entries(shown)) found[what] = await demo.callers[transport]?.(identity)
  expect(found).toEqual({
    'a workload of the domain': 'let in',
    'a workload of another domain': 'refused',
    'two workloads': 'refused',
    'names of hosts alone': 'refused',
    'the same workload by another authority': 'refused',
    nothing: 'refused',
  })
  expect(demo.letIn).toEqual([workload])
})

it('a certificate says who calls on a session of TLS that is resumed, too', async () => {
  await using demo = await serve('require')
  const socketTo = (session?: Buffer) =>
    tlsConnect({ host: 'localhost', port: demo.httpPort, ca: ours.cert, ...shown['a workload of the domain'], session })
  const first = socketTo()
  const session = once(first, 'session')
  expect(await askOn(first)).toEqual({ isResumed: false, line: 'HTTP/1.1 200 OK' })
  const resumed = socketTo((await session)[0] as Buffer)
  expect(await askOn(resumed)).toEqual({ isResumed: true, line: 'HTTP/1.1 200 OK' })
  expect(demo.letIn).toEqual([workload, workload])
})

/** The first line of the reply on a connection, which is closed then. */
async function askOn(socket: TLSSocket) {
  await once(socket, 'secureConnect')
  const isResumed = socket.isSessionReused()
  const head = 'POST /v1/open HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
  socket.write(`${head}content-length: 2\r\nconnection: close\r\n\r\n{}`)
  const [line = ''] = Buffer.concat(await socket.toArray())
    .toString()
    .split('\r\n')
  return { isResumed, line }
}

it.each(['http', 'http2', 'grpc'])('a certificate that nobody asks for says nothing, over %s', async (transport) => {
  await using demo = await serve('none')
  expect(await demo.callers[transport]?.(shown['a workload of the domain'])).toBe('refused')
  expect(demo.letIn).toEqual([])
})
