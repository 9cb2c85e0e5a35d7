import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { trace } from '@opentelemetry/api'
import { clientOf, defineHandler, inject, remote } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import type { Discovery } from '@tenon/core/registry'
import { observability } from '@tenon/observability'
import { consulRegistry } from '@tenon/registry-consul'
import { kubernetesRegistry } from '@tenon/registry-kubernetes'
import { httpClient } from '@tenon/transport-http'
import Type from 'typebox'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { postRaw, startTarget } from './target.ts'

const Key = Type.Object({ key: Type.String() })
const files = contract('test.v1.FileService', {
  readFile: { input: Key, output: Key, http: 'GET /v1/files/:key/content', idempotency: 'safe' },
})
const doors = contract('test.v1.DoorService', {
  open: { input: Key, output: Key, errors: ['invalid_argument'], http: 'POST /v1/open', grpc: false },
})

/** A server, and what it was asked for. */
async function serve(answer: RequestListener) {
  const asked: (string | undefined)[] = []
  const server = createServer((request, reply) => {
    asked.push(request.url)
    answer(request, reply)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** A service whose handler hands what its caller says on to a remote. */
function startDoor(at: string) {
  const door = defineHandler(doors, () => {
    const client = inject(clientOf(files))
    return { open: async ({ key }) => client.readFile({ key }) }
  })
  return startTarget([door], { remotes: () => [remote(files, { via: httpClient(), at })] })
}

test.each([
  '../../admin',
  '..',
  '.',
  '%2e%2e',
  '..%2f..%2fadmin',
  String.raw`..\..\admin`,
  '//evil.example/',
  'http://evil.example/',
  '@evil.example',
  'a?b=c#d',
  'a b\r\nhost: evil.example',
])('a caller that says %j is led to no other address than its handler asks for', async (key) => {
  const inside = await serve((_request, reply) =>
    reply.setHeader('content-type', 'application/json').end('{"key":"a"}'),
  )
  await using door = await startDoor(inside.url)
  const reply = await postRaw(door.httpPort, '/v1/open', JSON.stringify({ key }))
  // A segment that means another folder cannot be written, whatever its encoding: nothing is sent.
  const isFolder = key === '.' || key === '..'
  expect(reply).toMatch(isFolder ? /^HTTP\/1.1 500/ : /^HTTP\/1.1 200/)
  expect(inside.asked).toEqual(isFolder ? [] : [`/v1/files/${encodeURIComponent(key)}/content`])
})

test.each([301, 302, 303, 307, 308])('a remote that answers %i leads nobody elsewhere', async (status) => {
  const elsewhere = await serve((_request, reply) => reply.end('{"key":"stolen"}'))
  const moved = await serve((_request, reply) => reply.writeHead(status, { location: elsewhere.url }).end())
  await using door = await startDoor(moved.url)
  const reply = await postRaw(door.httpPort, '/v1/open', '{"key":"a"}')
  expect(reply).not.toContain('stolen')
  expect(moved.asked).toEqual(['/v1/files/a/content'])
  expect(elsewhere.asked).toEqual([])
})

/** What asks addresses that settings name, each until it was answered. */
const askers: Readonly<Record<string, (url: string) => Promise<void>>> = {
  Consul: (url) => ask(consulRegistry({ address: new URL(url).host })),
  Kubernetes: async (url) => {
    const kubeconfig = join(await temporaryFolder(), 'config')
    const named = (kind: string, value: object) => ({ [`${kind}s`]: [{ name: 'a', [kind]: value }] })
    const content = {
      ...named('cluster', { server: url }),
      ...named('user', {}),
      ...named('context', { cluster: 'a', user: 'a' }),
      'current-context': 'a',
    }
    await writeFile(kubeconfig, JSON.stringify(content))
    await ask(kubernetesRegistry({ kubeconfig }))
  },
  Collector: async (url) => {
    const service = { name: 'target', version: '1.0.0', instanceId: 'a' }
    const log = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => log }
    const telemetry = await observability({ endpoint: url }).start({ service, environment: {}, log })
    trace.getTracer('test').startSpan('a span').end()
    await telemetry.flush?.().catch(ignore)
    await telemetry.stop().catch(ignore)
  },
}
const ignore = () => undefined

/** Looks for a service until the registry is found not to answer. */
async function ask(registry: Discovery): Promise<void> {
  const asking = new AbortController()
  const options = { signal: asking.signal, onTrouble: () => asking.abort() }
  for await (const _ of registry.watch('user', options)) expect.unreachable()
}

test.each(Object.keys(askers).flatMap((name) => [302, 307].map((status) => [name, status] as const)))(
  'a %s that answers %i leads nobody elsewhere',
  async (name, status) => {
    const elsewhere = await serve((_request, reply) => reply.end('{}'))
    const moved = await serve((_request, reply) => reply.writeHead(status, { location: elsewhere.url }).end())
    await askers[name]?.(moved.url)
    expect(moved.asked).not.toEqual([])
    expect(elsewhere.asked).toEqual([])
  },
)
