import { type ServiceError as GrpcError, getChannelzHandlers } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { open as openClient, serve as serveTalks } from '../client/client.test-harness.ts'
import { begin, call, open, readReply, serve } from '../listen/server.test-harness.ts'

test.each([true, false])('reflection answers only where it is on: %s', async (hasReflection) => {
  await using demo = await serve({ hasReflection })
  using session = open(demo.port)
  for (const version of ['v1', 'v1alpha']) {
    const asked = begin(session, { path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo` })
    const reply = readReply(asked)
    asked.end()
    const { headers, trailers } = await reply
    expect({ ...headers, ...trailers }['grpc-status']).toBe(hasReflection ? '0' : '12')
  }
  expect((await call(session)).trailers['grpc-status']).toBe('0')
})

/** Handlers of grpc-js's own service, as they are called by it. */
type Listing = (
  call: {
    readonly request: {
      readonly start_server_id: number
      readonly start_channel_id: number
      readonly max_results: number
    }
  },
  done: (
    error: GrpcError | null,
    value?: { readonly server?: readonly unknown[]; readonly channel?: readonly unknown[] },
  ) => void,
) => void

test('neither servers nor clients are in channelz', async () => {
  await using demo = await serveTalks()
  await using caller = openClient(demo.port)
  await caller.client.say({ text: 'a' })
  const { GetServers, GetTopChannels } = getChannelzHandlers() as unknown as Readonly<Record<string, Listing>>
  const list = (listing: Listing | undefined) =>
    new Promise((resolve) => {
      const request = { start_server_id: 0, start_channel_id: 0, max_results: 0 }
      listing?.({ request }, (error, value) => resolve(error ?? value?.server ?? value?.channel))
    })
  expect(await Promise.all([list(GetServers), list(GetTopChannels)])).toEqual([[], []])
})
