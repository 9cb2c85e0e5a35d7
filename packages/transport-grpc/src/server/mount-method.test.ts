import { once } from 'node:events'
import { Client, type ClientDuplexStream, type ClientWritableStream, credentials, Metadata } from '@grpc/grpc-js'
import { type Call, defineHandler, defineService } from '@tenon/core'
import { type Contract, contract, contractInfo, stream } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { fromStatus } from '../wire/grpc-status.ts'
import { readDetails } from '../wire/status-details.ts'
import { grpcTransport } from '../index.ts'
import { compileCodec } from '../codec/message-codec.ts'
import { call as rawCall, open, serve } from '../listen/server.test-harness.ts'
import { toServiceShape } from '../proto/service-shape.ts'

const Reading = Type.Object({ value: Type.Integer({ minimum: 0 }), note: Type.Optional(Type.String()) })
const Sum = Type.Object({ total: Type.Integer(), count: Type.Integer() })

const meters = contract('demo.meter.v1.MeterService', {
  sumReadings: { input: stream(Reading), output: Sum, errors: ['failed_precondition'] },
  echoReadings: { input: stream(Reading), output: stream(Reading), errors: ['failed_precondition'] },
})
type Readings = AsyncIterable<{ readonly value: number; readonly note?: string }>

const codecs = toServiceShape(contractInfo(meters as Contract)).methods.map(({ request, response }) => ({
  request: compileCodec(request),
  response: compileCodec(response),
}))
const reading = (value: number, note?: string) =>
  codecs[0]?.request.encode({ value, ...(note === undefined ? {} : { note }) }) ?? Buffer.alloc(0)
const sumOf = (bytes: Buffer | undefined) => bytes && codecs[0]?.response.decode(bytes)
const echoOf = (bytes: unknown) => codecs[1]?.response.decode(bytes as Buffer)

interface Behaviour {
  readonly sum?: (readings: Readings, call: Call) => Promise<{ total: number; count: number }>
  readonly echo?: (readings: Readings, call: Call) => AsyncIterable<{ value: number }>
  readonly shutdownTimeoutMs?: number
}

const path = (method: string) => `/demo.meter.v1.MeterService/${method}`
const same = (bytes: Buffer): Buffer => bytes

/** A service, and a caller that knows nothing of Tenon. */
async function start({ sum, echo, shutdownTimeoutMs = 2_000 }: Behaviour = {}) {
  const handler = defineHandler(meters, () => ({
    sumReadings: async (readings, call) => (sum ? sum(readings, call) : addUp(readings)),
    echoReadings: async function* (readings, call) {
      yield* echo ? echo(readings, call) : readings
    },
  }))
  const started = await defineService({
    name: 'meter',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [grpcTransport({ port: 0, maxRequestBytes: 1_000_000 })],
    shutdownTimeoutMs,
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const client = new Client(`127.0.0.1:${started.addresses[0]?.port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    // Nothing is kept for another attempt, so that writing waits for the server from the first message on.
    'grpc.per_rpc_retry_buffer_size': 0,
  })
  return {
    started,
    /** The call, and what it comes to. */
    sum(options: { deadline?: number } = {}) {
      const { promise, resolve } = Promise.withResolvers<{ value: unknown; error: ServiceError | undefined }>()
      const call = client.makeClientStreamRequest(
        path('SumReadings'),
        same,
        same,
        new Metadata(),
        options,
        (error, bytes) => resolve({ value: sumOf(bytes), error: error ? fromStatus(error) : undefined }),
      )
      return { call, answer: promise }
    },
    echo(options: { deadline?: number } = {}) {
      const call = client.makeBidiStreamRequest(path('EchoReadings'), same, same, new Metadata(), options)
      const { promise, resolve } = Promise.withResolvers<ServiceError | undefined>()
      call.on('error', () => undefined)
      call.once('status', (status) => resolve(status.code === 0 ? undefined : fromStatus(status)))
      return { call, items: call[Symbol.asyncIterator](), end: promise }
    },
    [Symbol.asyncDispose]: async () => {
      await started.stop()
      client.close()
    },
  }
}

async function addUp(readings: Readings) {
  let [total, count] = [0, 0]
  for await (const { value } of readings) {
    total += value
    count += 1
  }
  return { total, count }
}

type Sending = ClientWritableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>

/** Writes the way a client should, until the call takes no more or has ended. */
async function writeAll(call: Sending, messages: Iterable<Buffer>, signal: AbortSignal): Promise<number> {
  let count = 0
  for (const message of messages) {
    if (signal.aborted) break
    count += 1
    if (!call.write(message)) await once(call, 'drain', { signal }).catch(() => undefined)
  }
  return count
}

test('a client stream is read to its half-close and answered once', async () => {
  await using demo = await start()
  const { call, answer } = demo.sum()
  for (const value of [1, 2, 3]) call.write(reading(value))
  call.end()
  expect(await answer).toEqual({ value: { total: 6, count: 3 }, error: undefined })
})

test('a client stream without items is an empty one', async () => {
  await using demo = await start()
  const { call, answer } = demo.sum()
  call.end()
  expect((await answer).value).toEqual({ total: 0, count: 0 })
})

test('both directions of a bidirectional stream go at the same time, and outlast the half-close', async () => {
  const last = Promise.withResolvers<void>()
  await using demo = await start({
    echo: async function* (readings) {
      yield* readings
      await last.promise
      yield { value: 99 }
    },
  })
  const { call, items, end } = demo.echo()
  for (const value of [1, 2]) {
    call.write(reading(value))
    expect(echoOf((await items.next()).value)).toEqual({ value })
  }
  call.end()
  last.resolve()
  expect(echoOf((await items.next()).value)).toEqual({ value: 99 })
  expect((await items.next()).done).toBe(true)
  expect(await end).toBeUndefined()
})

test('an item that does not fit ends the call and names the item and its field', async () => {
  await using demo = await start()
  const { call, answer } = demo.sum()
  call.write(reading(1))
  call.write(reading(-1))
  expect((await answer).error).toMatchObject({
    code: 'invalid_argument',
    details: { violations: [{ field: '/1/value', rule: 'minimum' }] },
  })
  const echoed = demo.echo()
  echoed.call.write(Buffer.from([0xff, 0xff]))
  expect(await echoed.items.next().catch((error: unknown) => error)).toBeInstanceOf(Error)
  expect(await echoed.end).toMatchObject({ code: 'invalid_argument', reason: 'undecodable' })
})

test('an item above the limit is resource_exhausted', async () => {
  await using demo = await start()
  const { call, answer } = demo.sum()
  call.write(reading(1, 'x'.repeat(1_000_001)))
  expect((await answer).error?.code).toBe('resource_exhausted')
})

test('a caller that leaves ends the input as cancelled, and fires the signal of the call', async () => {
  for (const kind of ['sum', 'echo'] as const) {
    const seen = Promise.withResolvers<void>()
    const thrown = Promise.withResolvers<unknown>()
    const aborted = Promise.withResolvers<unknown>()
    const read = async (readings: Readings, { signal }: Call) => {
      signal.addEventListener('abort', () => aborted.resolve(signal.reason))
      try {
        for await (const _ of readings) seen.resolve()
        thrown.resolve('the end')
      } catch (error) {
        thrown.resolve(error)
        throw error
      }
    }
    await using demo = await start({
      sum: async (readings, call) => {
        await read(readings, call)
        return { total: 0, count: 0 }
      },
      // oxlint-disable-next-line eslint/require-yield -- it only reads
      echo: async function* (readings, call) {
        await read(readings, call)
      },
    })
    const { call } = kind === 'sum' ? demo.sum() : demo.echo()
    call.write(reading(1))
    await seen.promise
    call.cancel()
    expect(await thrown.promise).toMatchObject({ code: 'cancelled' })
    expect(await aborted.promise).toMatchObject({ code: 'cancelled' })
  }
})

test('the deadline ends a handler that waits for its caller', async () => {
  const thrown = Promise.withResolvers<unknown>()
  await using demo = await start({
    sum: async (readings) =>
      addUp(readings).catch((error: unknown) => {
        thrown.resolve(error)
        throw error
      }),
  })
  const warm = demo.echo()
  warm.call.end()
  await warm.items.next()
  const { call, answer } = demo.sum({ deadline: Date.now() + 200 })
  call.write(reading(1))
  expect((await answer).error?.code).toBe('deadline_exceeded')
  expect(await thrown.promise).toMatchObject({ code: 'deadline_exceeded' })
})

test('a handler that stops reading early answers at once, also while the caller goes on writing', async () => {
  await using demo = await start({
    sum: async (readings) => {
      for await (const { value } of readings) return { total: value, count: 1 }
      return { total: 0, count: 0 }
    },
    echo: async function* (readings) {
      for await (const { value } of readings) {
        yield { value }
        break
      }
      yield { value: 7 }
    },
  })
  const summed = demo.sum()
  const isSummed = new AbortController()
  const message = reading(5, 'x'.repeat(10_000))
  const endless = function* () {
    for (;;) yield message
  }
  const writing = writeAll(summed.call, endless(), isSummed.signal)
  expect((await summed.answer).value).toEqual({ total: 5, count: 1 })
  isSummed.abort()
  await writing
  const echoed = demo.echo()
  const isEchoed = new AbortController()
  const echoing = writeAll(echoed.call, endless(), isEchoed.signal)
  expect(echoOf((await echoed.items.next()).value)).toEqual({ value: 5 })
  expect(echoOf((await echoed.items.next()).value)).toEqual({ value: 7 })
  isEchoed.abort()
  await echoing
})

test('a handler that reads slowly holds its caller back', async () => {
  const [total, bytes] = [1_000, 10_000]
  const first = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  await using demo = await start({
    sum: async (readings) => {
      let count = 0
      for await (const _ of readings) {
        count += 1
        if (count === 1) first.resolve()
        await go.promise
      }
      return { total: 0, count }
    },
  })
  const { call, answer } = demo.sum()
  let written = 0
  const messages = function* () {
    for (; written < total; written += 1) yield reading(written, 'x'.repeat(bytes))
  }
  const writing = writeAll(call, messages(), new AbortController().signal)
  await first.promise
  // Whoever else calls meanwhile is served, which gives the writer all the turns it could want.
  for (let round = 0; round < 20; round += 1) {
    const other = demo.echo()
    other.call.end()
    await other.items.next()
  }
  expect(written).toBeLessThan(total / 4)
  go.resolve()
  await writing
  call.end()
  expect((await answer).value).toEqual({ total: 0, count: total })
})

test('a drain lets input streams finish and refuses new ones', async () => {
  const seen = Promise.withResolvers<void>()
  const draining = Promise.withResolvers<void>()
  await using demo = await start({
    sum: async (readings, call) => {
      call.draining.addEventListener('abort', () => draining.resolve())
      let count = 0
      for await (const _ of readings) {
        count += 1
        seen.resolve()
      }
      return { total: 0, count }
    },
  })
  const { call, answer } = demo.sum()
  call.write(reading(1))
  await seen.promise
  const stopped = demo.started.stop()
  await draining.promise
  expect((await demo.sum().answer).error).toMatchObject({ code: 'unavailable', reason: 'draining' })
  call.write(reading(2))
  call.end()
  expect((await answer).value).toEqual({ total: 0, count: 2 })
  expect((await stopped).exitCode).toBe(0)
})

test('an input stream that is open at the end of the drain is unavailable', async () => {
  const seen = Promise.withResolvers<void>()
  await using demo = await start({
    shutdownTimeoutMs: 100,
    echo: async function* (readings) {
      for await (const item of readings) {
        seen.resolve()
        yield item
      }
    },
  })
  const { call, items, end } = demo.echo()
  call.write(reading(1))
  await Promise.all([seen.promise, items.next()])
  const [{ exitCode }, error] = await Promise.all([demo.started.stop(), end, items.next().catch(() => undefined)])
  expect([exitCode, error?.code]).toEqual([1, 'unavailable'])
})

test('own details beyond 8 KiB of headers are left out one by one, and logged by name', async () => {
  const entries = Array.from({ length: 200 }, (_, index) => [`entry${index}`, 'x'.repeat(20)])
  const details = { orderId: 'o-1', dump: 'x'.repeat(20_000), ...Object.fromEntries(entries) }
  await using demo = await serve({}, () => {
    throw new ServiceError('aborted', 'x'.repeat(2_000), { reason: 'r'.repeat(200), details })
  })
  using session = open(demo.port)
  const { headers, trailers } = await rawCall(session)
  const told = Object.entries({ ...headers, ...trailers })
  // As RFC 9113 counts a header list, in section 6.5.2.
  const sizes = told.map(([name, value]) => name.length + String(value).length + 32)
  const sizeBytes = sizes.reduce((sum, size) => sum + size, 0)
  expect(sizeBytes).toBeGreaterThan(8_000)
  expect(sizeBytes).toBeLessThanOrEqual(8_192)
  const bytes = Buffer.from(String(trailers['grpc-status-details-bin'] ?? headers['grpc-status-details-bin']), 'base64')
  const { orderId, ...kept } = readDetails(bytes).details ?? {}
  const count = Object.keys(kept).length
  expect([orderId, kept]).toEqual(['o-1', Object.fromEntries(entries.slice(0, count))])
  const leftOut = ['dump', ...entries.slice(count).map(([name]) => name)]
  expect(demo.lines).toContainEqual({
    fields: { operation: 'demo.v1.Echo/say', details: leftOut },
    message: 'details were left out that gRPC cannot carry',
  })
})
