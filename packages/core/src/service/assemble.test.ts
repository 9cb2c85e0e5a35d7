import Type from 'typebox'
import { expect, it, vi } from 'vitest'
import type { Arrival } from '../call/arrival.ts'
import type { Call } from '../call/call.ts'
import { outgoingMetadata } from '../call/propagation.ts'
import { contract } from '../contract/contract.ts'
import { stream } from '../contract/stream.ts'
import { event } from '../contract/event.ts'
import { upcast } from '../contract/event-upcast.ts'
import { defineConsumer, defineHandler } from '../handler/define-handler.ts'
import type { OperationEndpoint } from '../transport/endpoint.ts'
import type { Transport } from '../transport/transport.ts'
import { defineService } from './define-service.ts'
import type { ServiceOptions } from './service-options.ts'

const Empty = Type.Object({})
const Text = Type.Object({ text: Type.String() })
const echoes = contract('demo.v1.EchoService', {
  slow: { input: Empty, output: Text },
  quick: { input: Empty, output: Text },
  admin: { input: Empty, output: Text, access: { roles: ['admin'] } },
})

/** A service whose operations can be called without any wire. `slow` waits until it is told to finish. */
async function startEchoes(options: Partial<ServiceOptions> = {}, slowLimit?: number) {
  const endpoints: OperationEndpoint[] = []
  const transport: Transport = {
    name: 'direct',
    carries: () => true,
    bind: ({ operations }) => {
      endpoints.push(...operations)
      return {
        listen: async () => [],
        withdraw: () => undefined,
        drain: async () => undefined,
        close: async () => undefined,
      }
    },
  }
  const finish = Promise.withResolvers<void>()
  const seen = vi.fn<(call: Call, outgoing: Record<string, string>) => void>()
  const service = defineService({
    name: 'echo',
    version: '1.0.0',
    admin: false,
    transports: () => [transport],
    handlers: [
      defineHandler(
        echoes,
        () => ({
          slow: async () => {
            await finish.promise
            return { text: 'slow' }
          },
          quick: (_input, call) => {
            seen(call, outgoingMetadata())
            return { text: 'quick' }
          },
          admin: () => ({ text: 'admin' }),
        }),
        {
          operations: {
            ...(slowLimit !== undefined && { slow: { maxConcurrentCalls: slowLimit } }),
            quick: { policy: () => true },
          },
        },
      ),
    ],
    authenticate: ({ metadata }) => (metadata['x-user'] ? { id: metadata['x-user'], roles: ['admin'] } : undefined),
    defaultAccess: 'public',
    ...options,
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const call = async (name: 'slow' | 'quick' | 'admin', arrival: Partial<Arrival> = {}) => {
    const endpoint = endpoints.find(({ operation }) => operation.name === name)
    const outcome = await endpoint?.dispatch({ transport: 'direct', metadata: {}, decode: () => ({}), ...arrival })
    return outcome?.ok === true ? 'ok' : outcome?.error.code
  }
  return { call, seen, endpoints, finish: finish.resolve, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
}

it('a limit of the service counts all operations, and a queue waits for it without being counted out', async () => {
  await using echo = await startEchoes({ maxConcurrentCalls: 1, maxQueuedCalls: 0 })
  const running = echo.call('slow')
  expect(await echo.call('quick')).toBe('resource_exhausted')
  const fromQueue = [echo.call('quick', { isTrusted: true }), echo.call('quick', { isAccepted: true })]
  echo.finish()
  expect([await running, ...(await Promise.all(fromQueue)), await echo.call('quick')]).toEqual(['ok', 'ok', 'ok', 'ok'])
})

it('a limit of an operation leaves the others alone, also while its calls wait', async () => {
  await using echo = await startEchoes({ maxConcurrentCalls: 2 }, 1)
  const slow = [echo.call('slow'), echo.call('slow')]
  expect(await echo.call('slow')).toBe('resource_exhausted')
  expect(await echo.call('quick')).toBe('ok')
  echo.finish()
  expect(await Promise.all(slow)).toEqual(['ok', 'ok'])
})

it('the word of the contract counts more than that of the service', async () => {
  await using echo = await startEchoes()
  expect(await echo.call('quick')).toBe('ok')
  expect(await echo.call('admin')).toBe('unauthenticated')
  expect(await echo.call('admin', { metadata: { 'x-user': 'ann' } })).toBe('ok')
})

it('a transport is told whom the dispatcher lets in', async () => {
  await using echo = await startEchoes({ defaultAccess: 'authenticated' })
  expect(echo.endpoints.map(({ operation, admission }) => [operation.name, admission])).toEqual([
    ['slow', { access: 'authenticated', hasPolicy: false }],
    ['quick', { access: 'authenticated', hasPolicy: true }],
    ['admin', { access: { roles: ['admin'] }, hasPolicy: false }],
  ])
})

it('passes on the metadata that the service allows, and no other', async () => {
  const metadata = { 'x-request-id': 'r1', 'x-tenant-id': 't1', 'x-region': 'eu', authorization: 'Bearer x' }
  await using usual = await startEchoes()
  await usual.call('quick', { metadata })
  expect(usual.seen).toHaveBeenCalledWith(expect.anything(), { 'x-request-id': 'r1', 'x-tenant-id': 't1' })
  await using own = await startEchoes({ forwardMetadata: ['x-region'] })
  await own.call('quick', { metadata })
  expect(own.seen).toHaveBeenCalledWith(expect.anything(), { 'x-request-id': 'r1', 'x-region': 'eu' })
})

it.each<[Partial<ServiceOptions>, string]>([
  [{ maxConcurrentCalls: 0 }, 'maxConcurrentCalls must be a whole number from 1, found 0'],
  [{ maxQueuedCalls: -1 }, 'maxQueuedCalls must be a whole number from 0, found -1'],
  [{ forwardMetadata: ['X-Region'] }, 'forwardMetadata: expected lower-case names of metadata, found "X-Region"'],
  [{ interceptors: [undefined as never] }, 'interceptors[0] of the service is undefined: import cycle?'],
  [{ authenticate: 'x' as never }, 'authenticate of the service is no function but string'],
  [{ defaultAccess: 'admin' as never }, 'defaultAccess: access must be'],
])('%j is refused by name', async (options, message) => {
  await expect(startEchoes(options)).rejects.toThrow(message)
})

it('an event whose sender is asked for needs somebody who asks', async () => {
  const saved = event('demo.saved.v1', { key: 'text', payload: Text })
  const renewed = event('demo.saved.v2', { key: 'text', payload: Text, upcasts: [upcast(saved, (old) => old)] })
  const transport = (topics: readonly string[]): Transport => ({
    name: 'letters',
    carries: () => true,
    carriesEvents: true,
    authenticatesEvents: true,
    carriesTopic: (topic) => topics.includes(topic),
    bind: () => {
      throw new Error('bound')
    },
  })
  const start = (topics: readonly string[]) =>
    defineService({
      name: 'echo',
      version: '1.0.0',
      admin: false,
      handlers: [defineConsumer(renewed, () => () => undefined)],
      transports: () => [transport(topics)],
    }).start({ environment: { LOG_LEVEL: 'silent' } })
  const message =
    'event demo.saved.v1 comes by transport letters, which asks who sends it, but the service has no authenticate'
  await expect(start(['demo.saved.v1'])).rejects.toMatchObject({
    problems: expect.arrayContaining([{ code: 'wiring.access', message }]),
  })
  await expect(start([])).rejects.not.toThrow('asks who sends it')
})

it('a policy cannot judge a stream', async () => {
  const uploads = contract('demo.v1.UploadService', { sum: { input: stream(Text), output: Text } })
  const handler = defineHandler(uploads, () => ({ sum: async () => ({ text: '' }) }), {
    operations: { sum: { policy: () => true } },
  })
  await expect(startEchoes({ handlers: [handler] })).rejects.toThrow('sum has a policy, but its input is a stream')
})
