import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { clientOf, defineHandler, defineService, hook, remote } from '@tenon/core'
import type { ClientTransport } from '@tenon/core/client'
import { contract } from '@tenon/core/contract'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpClient, httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { expect, onTestFinished, test } from 'vitest'
import { DnsServer } from '../../packages/core/src/registry/dns/dns-server.test-harness.ts'
import { certificate, privateKey } from '../../packages/transport-http/src/client/tls.test-harness.ts'

const Note = Type.Object({ text: Type.String() })
const notes = contract('shop.note.v1.NoteService', {
  echo: { input: Note, output: Note, http: 'POST /v1/notes:echo' },
})
const environment = { LOG_LEVEL: 'silent', TENON_HOST: '127.0.0.1' }

/** What a caller gets that knows nothing of where its remote is. */
async function echoed(at: string, via: ClientTransport): Promise<unknown> {
  let answer: unknown
  const ask = hook(
    'ask',
    async (client) => {
      answer = await client.echo({ text: 'a' }, { timeoutMs: 5_000 })
    },
    { needs: [clientOf(notes)] },
  )
  const caller = await defineService({
    name: 'caller',
    version: '1.0.0',
    admin: false,
    handlers: [],
    transports: () => [],
    remotes: () => [remote(notes, { via, at })],
    onStart: [ask],
  }).start({ environment })
  await caller.stop()
  return answer
}

/** Why a caller could not call, from the outside to the inside. */
async function failureOf(at: string, via: ClientTransport): Promise<string> {
  const messages: string[] = []
  let cause: unknown = await echoed(at, via).catch((thrown: unknown) => thrown)
  while (cause instanceof Error) {
    messages.push(cause.message)
    cause = cause.cause
  }
  return messages.join(': ')
}

const isOfAnotherName = "Hostname/IP does not match certificate's altnames: Host: other.test."

/** Says as what, and where, it was called. */
function say(request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  const text = `${request.headers.host} ${request.url}`
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ text }))
}

/** Serves until the test is over. */
async function portOf(server: Server): Promise<number> {
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('a remote is found by the name that DNS knows it by, over HTTP and over gRPC', async () => {
  await using dns = await DnsServer.start()
  dns.set('note.test', [{ type: 'A', address: '127.0.0.1', ttl: 0 }])
  await using started = await defineService({
    name: 'note',
    version: '1.0.0',
    admin: false,
    handlers: [defineHandler(notes, () => ({ echo: (input) => input }))],
    transports: () => [httpTransport({ port: 0 }), grpcTransport({ port: 0 })],
  }).start({ environment })
  const at = (protocol: string) =>
    `dns://${dns.address}/note.test:${started.addresses.find((one) => one.protocol === protocol)?.port}`
  expect(await echoed(at('http'), httpClient())).toEqual({ text: 'a' })
  expect(await echoed(at('grpc'), grpcClient())).toEqual({ text: 'a' })
})

test('a certificate is checked for the name that DNS was asked for, and the server is told that name', async () => {
  await using dns = await DnsServer.start()
  for (const name of ['service.test', 'other.test']) dns.set(name, [{ type: 'A', address: '127.0.0.1', ttl: 0 }])
  const server = createSecureServer({ key: privateKey, cert: certificate }, say)
  const port = await portOf(server)
  const via = httpClient({ tls: { ca: certificate } })
  const text = `service.test:${port} /v1/notes:echo`
  expect(await echoed(`dns://${dns.address}/service.test:${port}`, via)).toEqual({ text })
  expect(await failureOf(`dns://${dns.address}/other.test:${port}`, via)).toContain(isOfAnotherName)
})

test('a certificate is checked for that name over gRPC too', async () => {
  await using dns = await DnsServer.start()
  for (const name of ['service.test', 'other.test']) dns.set(name, [{ type: 'A', address: '127.0.0.1', ttl: 0 }])
  await using started = await defineService({
    name: 'note',
    version: '1.0.0',
    admin: false,
    handlers: [defineHandler(notes, () => ({ echo: (input) => input }))],
    transports: () => [grpcTransport({ port: 0, tls: { key: privateKey, cert: certificate } })],
  }).start({ environment })
  const port = started.addresses[0]?.port
  const via = grpcClient({ tls: { ca: certificate } })
  expect(await echoed(`dns://${dns.address}/service.test:${port}`, via)).toEqual({ text: 'a' })
  expect(await failureOf(`dns://${dns.address}/other.test:${port}`, via)).toContain(isOfAnotherName)
})

test('a URL says where a remote is, with what goes before its paths, and https is TLS', async () => {
  const server = createServer(say)
  const port = await portOf(server)
  const text = `127.0.0.1:${port} /base/v1/notes:echo`
  expect(await echoed(`http://127.0.0.1:${port}/base/`, httpClient())).toEqual({ text })
  expect(await failureOf(`https://127.0.0.1:${port}`, httpClient())).toContain('SSL routines')
})
