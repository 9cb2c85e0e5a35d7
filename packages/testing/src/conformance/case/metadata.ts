import { type Call, currentCall } from '@tenon/core'
import { outgoingMetadata } from '@tenon/core/client'
import { requireEqual, requireSuccess, requireTrue } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'
import type { Served, Stage } from '../stage.ts'

const metadata = behavioursOf('metadata')

/** All bytes; what base64 and its form for URLs spell in other ways, with and without padding; and none. */
const binary: Readonly<Record<string, string>> = {
  'x-all-bin': Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index)).toString('base64'),
  'x-sign-bin': '+/8=',
  'x-whole-bin': 'AP//',
  'x-none-bin': '',
}
const binaryNames = Object.keys(binary)

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
  metadata('a trailer that the handler sets reaches the caller behind its reply', {
    needs: ['trailers'],
    run: async ({ serve }) => {
      await using served = await serve({
        handle: (_input, call) => {
          call.setTrailer('X-Cost', '12')
          return {}
        },
      })
      requireEqual(requireSuccess(await served.call({})).trailers?.['x-cost'], '12', 'the trailer should be')
    },
  }),
  metadata('a trailer that the handler sets reaches the caller with an error too', {
    needs: ['trailers'],
    run: async ({ serve }) => {
      await using served = await serve({
        handle: (_input, call) => {
          call.setTrailer('x-trace-hint', 'abc')
          throw new Error('broken')
        },
      })
      const reply = await served.call({})
      requireTrue(!reply.ok, 'the call should fail')
      requireEqual(reply.trailers?.['x-trace-hint'], 'abc', 'the trailer should be')
    },
  }),
  metadata('bytes reach the handler as base64', {
    needs: ['metadata.binary'],
    run: async (stage) => {
      await using served = await watched(stage, (call) => binaryNames.map((name) => call.metadata[name]))
      requireSuccess(await served.call({}, { metadata: binary }))
      requireEqual(served.seen, [binaryNames.map((name) => binary[name])], 'the handler should see')
    },
  }),
  metadata('bytes go along with outgoing calls as they came', {
    needs: ['metadata.binary'],
    run: async ({ serve }) => {
      let found: unknown
      const handle = () => {
        found = outgoingMetadata()
        return {}
      }
      await using served = await serve({ handle, service: { forwardMetadata: binaryNames } })
      requireSuccess(await served.call({}, { metadata: { ...binary, 'x-request-id': 'req-1' } }))
      requireEqual(found, { ...binary, 'x-request-id': 'req-1' }, 'outgoing metadata should be')
    },
  }),
  metadata('bytes that the handler sets as a trailer reach the caller as base64', {
    needs: ['metadata.binary', 'trailers'],
    run: async ({ serve }) => {
      const handle = (_input: never, call: Call) => {
        for (const name of binaryNames) call.setTrailer(name, binary[name] ?? '')
        return {}
      }
      await using served = await serve({ handle })
      const { trailers = {} } = requireSuccess(await served.call({}))
      requireEqual(Object.fromEntries(binaryNames.map((name) => [name, trailers[name]])), binary, 'trailers should be')
    },
  }),
  metadata('bytes that the handler sets as a header reach the caller as base64', {
    needs: ['metadata.binary', 'headers'],
    run: async ({ serve }) => {
      const handle = (_input: never, call: Call) => {
        for (const name of binaryNames) call.setHeader(name, binary[name] ?? '')
        return {}
      }
      await using served = await serve({ handle })
      const { headers } = requireSuccess(await served.call({}))
      requireEqual(Object.fromEntries(binaryNames.map((name) => [name, headers[name]])), binary, 'headers should be')
    },
  }),
]
