import { once } from 'node:events'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { type Call, defineHandler } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import Type from 'typebox'
import { expect, onTestFinished, test } from 'vitest'
import { postRaw, startTarget, type Target } from './target.ts'

const Empty = Type.Object({})
const doors = contract('test.v1.DoorService', {
  open: { input: Empty, output: Empty, timeoutMs: 2_000, http: 'POST /v1/open' },
})

/** What nobody outside may say of a call. */
const forged = {
  'tenon-attempts': '7',
  'tenon-handler': 'root',
  'tenon-error-code': 'internal',
  'x-principal': 'root',
  'x-user-id': 'root',
  'x-forwarded-for': '10.0.0.1',
  forwarded: 'for=10.0.0.1',
  'x-real-ip': '10.0.0.1',
  'x-http-method-override': 'DELETE',
  traceparent: '00-00000000000000000000000000000000-0000000000000000-01',
  'x-request-id': `${'x'.repeat(500)}`,
}

const callers: Readonly<Record<string, (target: Target) => Promise<void>>> = {
  http: async ({ httpPort }) => {
    const lines = Object.entries({ ...forged, 'x-request-timeout-ms': '3600000' }).map(
      ([name, text]) => `${name}: ${text}\r\n`,
    )
    expect(await postRaw(httpPort, '/v1/open', '{}', lines.join(''))).toMatch(/^HTTP\/1.1 200/)
  },
  grpc: async ({ grpcPort }) => {
    const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure())
    onTestFinished(() => client.close())
    const metadata = new Metadata()
    for (const [name, text] of Object.entries(forged)) metadata.set(name, text)
    const same = (bytes: Buffer) => bytes
    const path = '/test.v1.DoorService/Open'
    const options = { deadline: Date.now() + 3_600_000 }
    const call = client.makeUnaryRequest(path, same, same, Buffer.alloc(0), metadata, options, () => undefined)
    const [{ code }] = await once(call, 'status')
    expect(code).toBe(0)
  },
}

test.each(Object.keys(callers))('headers of a stranger make nobody of them, over %s', async (name) => {
  const seen: { call?: Call; remainingMs?: number; peer?: string | undefined } = {}
  const handler = defineHandler(doors, () => ({
    open: async (_input, call) => {
      Object.assign(seen, { call, remainingMs: call.remainingMs(), peer: call.peer })
      return {}
    },
  }))
  await using target = await startTarget([handler], {
    defaultAccess: 'public',
    authenticate: () => undefined,
  })
  await callers[name]?.(target)
  const { call, remainingMs, peer } = seen
  expect(call?.principal).toBeUndefined()
  expect(call?.attempt).toBe(1)
  expect(remainingMs).toBeLessThanOrEqual(2_000)
  expect(call?.id).toMatch(/^[0-9a-f-]{36}$/)
  expect(peer).toMatch(/127\.0\.0\.1/)
})
