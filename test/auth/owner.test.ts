import { readFile } from 'node:fs/promises'
import {
  type Authenticator,
  defineHandler,
  defineService,
  type HandlerDefinition,
  localTransport,
  type Logger,
  ServiceError,
} from '@tenon/core'
import { type AnyContract, contract, contractInfo } from '@tenon/core/contract'
import { eventually } from '@tenon/testing'
import type { ConformanceHarness } from '@tenon/testing/conformance'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { grpcHarness } from '../conformance/grpc-harness.ts'
import { httpHarness } from '../conformance/http-harness.ts'
import { http2Harness } from '../conformance/http2-harness.ts'
import { queueHarness } from '../conformance/queue-harness.ts'
import { startCaller } from '../promise/local-pair.ts'
import { orderHandler, orders } from './owner-example.ts'
import { orderRemote } from './remote-example.ts'

const authenticate: Authenticator = ({ metadata: { authorization } }) =>
  authorization === undefined ? undefined : { id: authorization.slice(7) }
const as = (name: string) => ({ metadata: { authorization: `Bearer ${name}` } })

const Empty = Type.Object({})
const binding = {
  http: 'POST /v1/act',
  // The topic whose dead letters the harness knows.
  queue: { topic: 'tenon.conformance.act.v1', key: 'key' },
} as const
const named = contract('tenon.test.v1.NamedService', {
  act: { input: Type.Object({ key: Type.String(), userId: Type.String() }), output: Empty, ...binding },
})
const loaded = contract('tenon.test.v1.LoadedService', {
  act: { input: Type.Object({ key: Type.String() }), output: Empty, errors: ['permission_denied'], ...binding },
})

/** Both ways to ask for the owner: by the input, and by what must be loaded. */
const ways: Readonly<Record<string, { of: AnyContract; serve: (done: () => void) => HandlerDefinition }>> = {
  'that the input names': {
    of: named,
    serve: (done) =>
      defineHandler(
        named,
        () => ({
          act: async () => {
            done()
            return {}
          },
        }),
        { operations: { act: { policy: (principal, { userId }) => principal?.id === userId } } },
      ),
  },
  'that is loaded': {
    of: loaded,
    serve: (done) =>
      defineHandler(loaded, () => ({
        act: async (_input, { principal }) => {
          const owner = await Promise.resolve('ada')
          if (principal?.id !== owner) throw new ServiceError('permission_denied', 'the caller may not do this')
          done()
          return {}
        },
      })),
  },
}

/** What callers are told by a service behind a transport, and what its log has of those who were turned away. */
async function tryAll(harness: ConformanceHarness, { of, serve }: (typeof ways)[string]) {
  const lines: object[] = []
  const line = (fields: object) => {
    if ('durationMs' in fields && 'code' in fields) lines.push(fields)
  }
  const log: Logger = { debug: line, info: line, warn: line, error: line, child: () => log }
  let doneCount = 0
  let stop: () => Promise<unknown> = () => Promise.resolve()
  const peer = await harness.start({
    start: async (...transports) => {
      const handlers = [serve(() => (doneCount += 1))]
      const options = { name: 'conformance', version: '1.0.0', admin: false, authenticate, handlers } as const
      const started = await defineService({ ...options, transports: () => transports }).start({ environment: {}, log })
      stop = () => started.stop()
      return started
    },
  })
  try {
    const [operation] = contractInfo(of).operations
    if (operation === undefined) throw new TypeError('a contract has the operations it was given')
    const found: string[] = []
    for (const metadata of [as('ada').metadata, as('bob').metadata, {}]) {
      const input = { key: 'a', userId: 'ada' }
      const call = { operation, input, inputs: undefined, metadata, timeoutMs: undefined, signal: undefined }
      const reply = await peer.call(call)
      found.push(reply.ok ? 'done' : reply.code)
    }
    await eventually(() => expect(lines.length).toBeGreaterThanOrEqual(2))
    return { found, lines, doneCount, operation: operation.id }
  } finally {
    await stop()
    await peer.close?.()
  }
}

describe.each([httpHarness, http2Harness, grpcHarness, queueHarness])('over $name', (harness) => {
  it.each(Object.entries(ways))('only the owner %s may, and each denial is one line', async (_what, way) => {
    const { found, lines, doneCount, operation } = await tryAll(harness, way)
    expect(found).toEqual(['done', 'permission_denied', 'unauthenticated'])
    expect(doneCount).toBe(1)
    expect(lines).toEqual([
      expect.objectContaining({ operation, code: 'permission_denied', principal: 'bob' }),
      expect.objectContaining({ operation, code: 'unauthenticated', principal: undefined }),
    ])
    expect(lines.every((fields) => 'peer' in fields && 'reason' in fields && 'cause' in fields)).toBe(true)
    expect(JSON.stringify(lines)).not.toContain('Bearer')
  })
})

it('is the same in the process, as the example of the documents', async () => {
  const options = { name: 'order', version: '1.0.0', admin: false, authenticate, handlers: [orderHandler] } as const
  const transports = () => [localTransport()]
  await using _started = await defineService({ ...options, transports }).start({ environment: { LOG_LEVEL: 'silent' } })
  const { client } = await startCaller(orders)
  expect(await client.listOrders({ userId: 'ada' }, as('ada'))).toEqual(['order-1'])
  await expect(client.listOrders({ userId: 'ada' }, as('bob'))).rejects.toMatchObject({ code: 'permission_denied' })
  await expect(client.cancelOrder({ orderId: 'order-1' }, as('bob'))).rejects.toMatchObject({
    code: 'permission_denied',
  })
  expect(await client.cancelOrder({ orderId: 'order-1' }, as('ada'))).toEqual({})
  await expect(client.cancelOrder({ orderId: 'order-1' }, as('ada'))).rejects.toMatchObject({ code: 'not_found' })
})

it('documents show code that compiles, and remotes that may be shown tokens', async () => {
  const read = (name: string) => readFile(new URL(name, import.meta.url), 'utf8')
  const [owner, access] = await Promise.all([read('owner-example.ts'), read('../../docs/access.md')])
  expect(access).toContain(`\`\`\`ts\n${owner}\`\`\``)
  const [example, readme] = await Promise.all([read('remote-example.ts'), read('../../packages/auth/README.md')])
  expect(readme).toContain(example.replace('./owner-example.ts', './contracts/order.ts'))
  expect(() => orderRemote({ reveal: () => 'sesame', toString: () => '***', toJSON: () => '***' })).not.toThrow()
})
