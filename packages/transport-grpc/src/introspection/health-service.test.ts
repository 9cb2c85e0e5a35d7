import { once } from 'node:events'
import {
  Client,
  type ClientReadableStream,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
} from '@grpc/grpc-js'
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { expect, test } from 'vitest'
import { call as rawCall, frame, open, serve } from '../listen/server.test-harness.ts'
import { HealthService } from './health-service.ts'

const same = (bytes: Buffer): Buffer => bytes
const named = (service: string) => Buffer.from(new BinaryWriter().uint32(0x0a).string(service).finish())
const serving = Buffer.from([8, 1])
const notServing = Buffer.from([8, 2])
const unknown = Buffer.from([8, 3])
const method = (name: string) => `/grpc.health.v1.Health/${name}`

async function start({ isReady } = { isReady: true }) {
  const server = new Server({ 'grpc.enable_channelz': 0 })
  const health = new HealthService(['demo.v1.Shop'])
  health.mount(server)
  if (isReady) health.readinessChanged('ready')
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, found) =>
      error ? reject(error) : resolve(found),
    )
  })
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
  return {
    health,
    check: (request: Buffer) =>
      new Promise<Buffer | number>((resolve) => {
        client.makeUnaryRequest(method('Check'), same, same, request, (error, answer) =>
          resolve(error ? error.code : (answer ?? 0)),
        )
      }),
    list: () =>
      new Promise<Buffer>((resolve, reject) => {
        client.makeUnaryRequest(method('List'), same, same, Buffer.alloc(0), (error, answer) =>
          error ? reject(error) : resolve(answer ?? Buffer.alloc(0)),
        )
      }),
    watch: (request: Buffer) =>
      client
        .makeServerStreamRequest(method('Watch'), same, same, request, new Metadata(), {})
        .on('error', () => undefined),
    [Symbol.asyncDispose]: async () => {
      health.close()
      client.close()
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
    },
  }
}

const next = async (call: ClientReadableStream<Buffer>): Promise<unknown> => (await once(call, 'data'))[0]
const endOf = async (call: ClientReadableStream<Buffer>) =>
  new Promise<number>((resolve) => call.resume().once('status', ({ code }) => resolve(code)))

test('the server and each of its services are serving until they withdraw', async () => {
  await using demo = await start()
  const names = [Buffer.alloc(0), named(''), named('demo.v1.Shop')]
  expect(await Promise.all(names.map(demo.check))).toEqual([serving, serving, serving])
  demo.health.withdraw()
  expect(await Promise.all(names.map(demo.check))).toEqual([notServing, notServing, notServing])
})

test('nothing is serving before the service is ready, nor while it is not, and watches are told of each change once', async () => {
  await using demo = await start({ isReady: false })
  const call = demo.watch(named('demo.v1.Shop'))
  expect(await next(call)).toEqual(notServing)
  for (const [readiness, answer] of [
    ['ready', serving],
    ['not_ready', notServing],
    ['ready', serving],
  ] as const) {
    demo.health.readinessChanged(readiness)
    demo.health.readinessChanged(readiness)
    expect(await next(call)).toEqual(answer)
    expect(await demo.check(named(''))).toEqual(answer)
  }
  demo.health.withdraw()
  demo.health.readinessChanged('not_ready')
  demo.health.readinessChanged('ready')
  expect(await next(call)).toEqual(notServing)
  expect(await demo.check(named(''))).toEqual(notServing)
})

test('an unknown service is not found, and bytes that are no request are refused', async () => {
  await using demo = await start()
  expect(await demo.check(named('demo.v1.Lost'))).toBe(status.NOT_FOUND)
  expect(await demo.check(Buffer.from([0xff]))).toBe(status.INVALID_ARGUMENT)
  expect(await endOf(demo.watch(Buffer.from([0xff])))).toBe(status.INVALID_ARGUMENT)
})

test('a name of a megabyte is not found, and does not end the connection', async () => {
  await using demo = await serve()
  using session = open(demo.port)
  const asked = await rawCall(session, { path: method('Check'), body: frame('a'.repeat(1_000_000)) })
  expect({ ...asked.headers, ...asked.trailers }).toMatchObject({
    'grpc-status': String(status.NOT_FOUND),
    'grpc-message': 'no%20such%20service',
  })
  expect((await rawCall(session)).trailers['grpc-status']).toBe('0')
})

test('a watch is told once when the service withdraws, and ends when it closes', async () => {
  await using demo = await start()
  const call = demo.watch(named('demo.v1.Shop'))
  expect(await next(call)).toEqual(serving)
  demo.health.withdraw()
  demo.health.withdraw()
  expect(await next(call)).toEqual(notServing)
  const more: unknown[] = []
  call.on('data', (item) => more.push(item))
  demo.health.close()
  expect([await endOf(call), more]).toEqual([status.OK, []])
})

test('a watch of an unknown service says so and nothing else', async () => {
  await using demo = await start()
  const call = demo.watch(named('demo.v1.Lost'))
  expect(await next(call)).toEqual(unknown)
  const more: unknown[] = []
  call.on('data', (item) => more.push(item))
  demo.health.withdraw()
  demo.health.close()
  expect([await endOf(call), more]).toEqual([status.OK, []])
})

test('a watch of an unknown service is not kept with a name of any length', async () => {
  await using demo = await start()
  expect(await endOf(demo.watch(named('a'.repeat(1_000_000))))).toBe(status.NOT_FOUND)
  const call = demo.watch(named('a'.repeat(1_000)))
  expect(await next(call)).toEqual(unknown)
  const padded = demo.watch(
    Buffer.concat([named('demo.v1.Shop'), new BinaryWriter().uint32(0x12).string('a'.repeat(2_000)).finish()]),
  )
  expect(await next(padded)).toEqual(serving)
})

test('a watch whose caller left is forgotten', async () => {
  await using demo = await start()
  const call = demo.watch(named(''))
  expect(await next(call)).toEqual(serving)
  call.cancel()
  expect(await endOf(call)).toBe(status.CANCELLED)
  await demo.check(named(''))
  demo.health.withdraw()
  expect(await demo.check(named(''))).toEqual(notServing)
})

test('a list has the whole server and each of its services, as they are', async () => {
  await using demo = await start()
  const entry = (name: string, status: Buffer) => {
    const writer = new BinaryWriter().uint32(0x0a).fork().uint32(0x0a).string(name).uint32(0x12).bytes(status)
    return writer.join().finish()
  }
  const list = (status: Buffer) => Buffer.concat([entry('', status), entry('demo.v1.Shop', status)])
  expect(await demo.list()).toEqual(list(serving))
  demo.health.withdraw()
  expect(await demo.list()).toEqual(list(notServing))
})
