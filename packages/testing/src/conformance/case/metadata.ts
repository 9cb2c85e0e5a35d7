import { type Call, currentCall } from '@tenon/core'
import { outgoingMetadata } from '@tenon/core/client'
import { requireEqual, requireSuccess, requireTrue } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'
import type { Served, Stage } from '../stage.ts'

const metadata = behavioursOf('metadata')

/** A service whose handler lets its call be looked at. */
async function watched(
  stage: Stage,
  look: (call: Call) => unknown,
): Promise<Served & { readonly seen: readonly unknown[] }> {
  const seen: unknown[] = []
  const served = await stage.serve({
    handle: (_input, call) => {
      seen.push(look(call))
      return {}
    },
  })
  return Object.assign(served, { seen })
}

/** What travels beside input and output. */
export const metadataCases = [
  metadata('what the caller sends reaches the handler', {
    run: async (stage) => {
      await using served = await watched(stage, (call) => call.metadata['x-tenant-id'])
      requireSuccess(await served.call({}, { metadata: { 'x-tenant-id': 'north pole' } }))
      requireEqual(served.seen, ['north pole'])
    },
  }),
  metadata('what the caller does not send is undefined', {
    run: async (stage) => {
      await using served = await watched(stage, (call) => call.metadata['x-tenant-id'])
      requireSuccess(await served.call({}))
      requireEqual(served.seen, [undefined])
    },
  }),
  metadata("a call is named by the caller's request id", {
    run: async (stage) => {
      await using served = await watched(stage, (call) => call.id)
      requireSuccess(await served.call({}, { metadata: { 'x-request-id': 'req-1.a:b_C' } }))
      requireEqual(served.seen, ['req-1.a:b_C'])
    },
  }),
  ...[
    ['has spaces', 'a b'],
    ['is longer than 128 characters', 'x'.repeat(129)],
    ['could forge a line of a log', 'a"}{"level":60'],
  ].map(([words, id = '']) =>
    metadata(`a request id that ${words} names no call`, {
      run: async (stage) => {
        await using served = await watched(stage, (call) => call.id)
        requireSuccess(await served.call({}, { metadata: { 'x-request-id': id } }))
        const [given] = served.seen
        requireTrue(typeof given === 'string' && given !== id && given !== '', 'the call should have an id of its own')
      },
    }),
  ),
  metadata('the handler finds its call around it', {
    run: async (stage) => {
      await using served = await watched(stage, (call) => currentCall()?.id === call.id)
      requireSuccess(await served.call({}))
      requireEqual(served.seen, [true])
    },
  }),
  metadata('tenant, trace and request id go along with outgoing calls, and a credential does not', {
    run: async (stage) => {
      await using served = await watched(stage, () => outgoingMetadata())
      const sent = {
        'x-tenant-id': 't1',
        'x-request-id': 'req-1',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      }
      requireSuccess(await served.call({}, { metadata: { ...sent, authorization: 'Bearer x', 'x-other': 'y' } }))
      requireEqual(served.seen, [sent], 'outgoing metadata should be')
    },
  }),
  metadata('the call says which operation it is of, and that it is the first attempt', {
    run: async (stage) => {
      await using served = await watched(stage, ({ operation, attempt }) => ({ operation, attempt }))
      requireSuccess(await served.call({}))
      requireEqual(served.seen, [{ operation: 'tenon.conformance.v1.CaseService/act', attempt: 1 }])
    },
  }),
  metadata('a header that the handler sets reaches the caller', {
    needs: ['headers'],
    run: async ({ serve }) => {
      await using served = await serve({
        handle: (_input, call) => {
          call.setHeader('X-Total-Count', '12')
          return {}
        },
      })
      requireEqual(requireSuccess(await served.call({})).headers['x-total-count'], '12', 'the header should be')
    },
  }),
  metadata('a header that the handler sets reaches the caller with an error too', {
    needs: ['headers'],
    run: async ({ serve }) => {
      await using served = await serve({
        handle: (_input, call) => {
          call.setHeader('x-trace-hint', 'abc')
          throw new Error('broken')
        },
      })
      const reply = await served.call({})
      requireTrue(!reply.ok, 'the call should fail')
      requireEqual(reply.headers['x-trace-hint'], 'abc', 'the header should be')
    },
  }),
]
