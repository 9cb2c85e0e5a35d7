import { once } from 'node:events'
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Client,
  type ClientReadableStream,
  credentials,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { defineHandler, defineService, hook, type Logger } from '@tenon/core'
import { contract, stream } from '@tenon/core/contract'
import { grpcTransport } from '@tenon/transport-grpc'
import Type from 'typebox'
import { expect, onTestFinished, test } from 'vitest'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const same = (bytes: Buffer): Buffer => bytes
/** A message without fields. */
const nothing = Buffer.alloc(0)
const path = (method: string) => `/demo.v1.Calls/${method}`

/** A caller on a connection of its own. */
function caller(port: number) {
  const options = { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_retries': 0 }
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options)
  onTestFinished(() => client.close())
  return {
    /** The status code of a unary call. */
    ping: () =>
      new Promise<status>((resolve) => {
        client.makeUnaryRequest(path('Ping'), same, same, nothing, (error) => resolve(error?.code ?? status.OK))
      }),
    watch: (): ClientReadableStream<Buffer> => client.makeServerStreamRequest(path('Watch'), same, same, nothing),
  }
}

test('grpc-js 1.14.7 refuses callers as soon as it shuts down, waits for an open stream for ever, and cancels it when forced', async () => {
  const wire = { requestStream: false, requestSerialize: same, requestDeserialize: same } as const
  const answer = { responseSerialize: same, responseDeserialize: same } as const
  const ping: handleUnaryCall<Buffer, Buffer> = (_call, done) => done(null, nothing)
  const opened = Promise.withResolvers<Parameters<handleServerStreamingCall<Buffer, Buffer>>[0]>()
  const watch: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    call.write(nothing)
    opened.resolve(call)
  }
  const server = new Server()
  server.addService(
    {
      Ping: { path: path('Ping'), responseStream: false, ...wire, ...answer },
      Watch: { path: path('Watch'), responseStream: true, ...wire, ...answer },
    },
    { Ping: ping, Watch: watch },
  )
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  const watching = caller(port).watch()
  await once(watching, 'data')
  let isShutDown = false
  server.tryShutdown(() => (isShutDown = true))
  expect(await caller(port).ping()).toBe(status.UNAVAILABLE)
  const call = await opened.promise
  const next = once(watching, 'data')
  call.write(nothing)
  await next
  expect(isShutDown).toBe(false)
  const failed = once(watching, 'error') as Promise<[ServiceError]>
  server.forceShutdown()
  expect((await failed)[0].code).toBe(status.CANCELLED)
})

test('a service serves callers until it drains, and ends an open stream at its deadline so that callers come back', async () => {
  const calls = contract('demo.v1.Calls', {
    ping: { input: Type.Object({}), output: Type.Object({}) },
    watch: { input: Type.Object({}), output: stream(Type.Object({})) },
  })
  const noticed = Promise.withResolvers<void>()
  const turnsAway = Promise.withResolvers<void>()
  const handler = defineHandler(calls, () => ({
    ping: () => ({}),
    // Ends neither by itself nor by any signal.
    async *watch() {
      yield {}
      await new Promise(() => undefined)
    },
  }))
  const service = defineService({
    name: 'demo',
    version: '1.0.0',
    handlers: [handler],
    transports: () => [grpcTransport({ port: 0 })],
    admin: false,
    shutdownTimeoutMs: 1_000,
    // Stands for the time that load balancers need.
    onDrain: [hook('load balancers', () => (turnsAway.resolve(), noticed.promise))],
  })
  const started = await service.start({ log: silent })
  const port = started.addresses[0]?.port ?? 0
  const watching = caller(port).watch()
  await once(watching, 'data')
  const failed = once(watching, 'error') as Promise<[ServiceError]>
  const stopped = started.stop()
  await turnsAway.promise
  expect(await caller(port).ping()).toBe(status.OK)
  noticed.resolve()
  expect((await failed)[0].code).toBe(status.UNAVAILABLE)
  // Work was cut, and that is told.
  expect((await stopped).exitCode).toBe(1)
})
