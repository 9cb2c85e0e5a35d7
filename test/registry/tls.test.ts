import { clientOf, defineHandler, defineService, hook, remote } from '@tenon/core'
import type { ClientTransport } from '@tenon/core/client'
import { contract } from '@tenon/core/contract'
import { memoryRegistry } from '@tenon/core/registry'
import type { Transport } from '@tenon/core/transport'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpClient, httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { expect, test } from 'vitest'
import { certificate, privateKey } from '../../packages/transport-http/src/client/tls.test-harness.ts'

const notes = contract('demo.v1.NoteService', {
  read: { input: Type.Object({}), output: Type.Object({ text: Type.String() }), http: 'GET /v1/note', grpc: true },
})
const server = { cert: certificate, key: privateKey }
const caller = { ca: certificate, serverName: 'service.test' }

test.each<[string, Transport, ClientTransport]>([
  ['HTTP', httpTransport({ port: 0, tls: server }), httpClient({ tls: caller })],
  ['gRPC', grpcTransport({ port: 0, tls: server }), grpcClient({ tls: caller })],
])('a service that speaks TLS over %s is found by those who do too', async (_name, transport, via) => {
  const registry = memoryRegistry()
  const environment = { LOG_LEVEL: 'silent' }
  const start = { environment, deregisterDelayMs: 0 }
  const note = defineService({
    name: 'note',
    version: '1.0.0',
    handlers: [defineHandler(notes, () => ({ read: async () => ({ text: 'tea' }) }))],
    transports: () => [transport],
    registry: () => registry,
    admin: false,
  })
  await using _note = await note.start(start)
  const answered = Promise.withResolvers<unknown>()
  const read = hook('read', async (client) => answered.resolve(await client.read({})), { needs: [clientOf(notes)] })
  const reader = defineService({
    name: 'reader',
    version: '1.0.0',
    handlers: [],
    remotes: () => [remote(notes, { via, at: 'registry:///note' })],
    registry: () => registry,
    onReady: [read],
    admin: false,
  })
  await using _reader = await reader.start(start)
  expect(await answered.promise).toEqual({ text: 'tea' })
})
