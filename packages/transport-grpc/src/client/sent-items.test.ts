import { type Call, defineHandler, defineService } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { type Contract, contract, contractInfo, stream } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { grpcClient, grpcTransport } from '../index.ts'

const Reading = Type.Object({ value: Type.Integer({ minimum: 0 }), note: Type.Optional(Type.String()) })
type Reading = { readonly value: number; readonly note?: string }
type Readings = AsyncIterable<Reading>

const meters = contract('demo.meter.v1.MeterService', {
  sumReadings: { input: stream(Reading), output: Type.Object({ total: Type.Integer() }), errors: ['aborted'] },
  echoReadings: { input: stream(Reading), output: stream(Reading), errors: ['aborted'] },
})
/** What a caller believes may be sent. */
const believed = contract('demo.meter.v1.MeterService', {
  sumReadings: { input: stream(Type.Object({ value: Type.Number() })), output: Type.Object({ total: Type.Integer() }) },
})

interface Behaviour {
  readonly sum?: (readings: Readings, call: Call) => Promise<number>
  readonly echo?: (readings: Readings, call: Call) => Readings
}

async function start({ sum = addUp, echo = (readings) => readings }: Behaviour = {}) {
  const handler = defineHandler(meters, () => ({
    sumReadings: async (readings, call) => ({ total: await sum(readings, call) }),
    echoReadings: async function* (readings, call) {
      yield* echo(readings, call)
    },
  }))
  const started = await defineService({
    name: 'meter',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [grpcTransport({ port: 0 })],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const address = `127.0.0.1:${started.addresses[0]?.port}`
  const channel = grpcClient().open({ contract: contractInfo(meters as Contract), address })
  return {
    address,
    channel,
    client: buildClient(meters, channel),
    [Symbol.asyncDispose]: async () => {
      await channel.close()
      await started.stop()
    },
  }
}

async function addUp(readings: Readings): Promise<number> {
  let total = 0
  for await (const { value } of readings) total += value
  return total
}

/** Items that know how many of them were asked for, and whether they were let go. */
function counted(total = Number.POSITIVE_INFINITY, note?: string) {
  const closed = Promise.withResolvers<void>()
  let askedCount = 0
  const items = async function* (): AsyncGenerator<Reading> {
    try {
      while (askedCount < total) {
        askedCount += 1
        yield { value: askedCount, ...(note === undefined ? {} : { note }) }
      }
    } finally {
      closed.resolve()
    }
  }
  return { items: items(), closed: closed.promise, askedCount: () => askedCount }
}

const failureOf = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  )

test('any number of items is sent and answered once', async () => {
  await using demo = await start()
  expect(await demo.client.sumReadings([{ value: 1 }, { value: 2 }])).toEqual({ total: 3 })
  expect(await demo.client.sumReadings([])).toEqual({ total: 0 })
  const { items, closed } = counted(1_000)
  expect(await demo.client.sumReadings(items)).toEqual({ total: 500_500 })
  await closed
})

test('both directions go at once', async () => {
  await using demo = await start()
  const answers: (() => void)[] = []
  const inputs = async function* (): AsyncGenerator<Reading> {
    for (let value = 1; value <= 3; value += 1) {
      yield { value }
      // The next one only after this one came back.
      await new Promise<void>((resolve) => answers.push(resolve))
    }
  }
  const received: number[] = []
  for await (const { value } of demo.client.echoReadings(inputs())) {
    received.push(value)
    answers.shift()?.()
  }
  expect(received).toEqual([1, 2, 3])
})

test('a callee that reads slowly holds the inputs back, over 100 000 items', { timeout: 60_000 }, async () => {
  const total = 100_000
  const go = Promise.withResolvers<void>()
  const first = Promise.withResolvers<void>()
  let [readCount, furthest] = [0, 0]
  const source = counted(total, 'x'.repeat(200))
  await using demo = await start({
    sum: async (readings) => {
      for await (const _ of readings) {
        readCount += 1
        furthest = Math.max(furthest, source.askedCount() - readCount)
        if (readCount === 1) first.resolve()
        if (readCount <= 10) await go.promise
      }
      return readCount
    },
  })
  const answer = demo.client.sumReadings(source.items)
  await first.promise
  for (let round = 0; round < 100; round += 1) await demo.client.sumReadings([])
  go.resolve()
  expect(await answer).toEqual({ total })
  // What a window of HTTP/2 and the buffers at its ends hold.
  expect(furthest).toBeLessThan(1_000)
})

test('a caller that reads slowly holds the inputs back too, through the handler', { timeout: 20_000 }, async () => {
  const total = 10_000
  const source = counted(total, 'x'.repeat(200))
  await using demo = await start()
  let [readCount, furthest] = [0, 0]
  for await (const _ of demo.client.echoReadings(source.items)) {
    readCount += 1
    furthest = Math.max(furthest, source.askedCount() - readCount)
    if (readCount <= 10) for (let round = 0; round < 10; round += 1) await demo.client.sumReadings([])
  }
  expect(readCount).toBe(total)
  // The same in both directions, and what waits for the caller.
  expect(furthest).toBeLessThan(2_000)
})

test('the inputs are let go when the call ends, whoever ends it', async () => {
  await using demo = await start({
    sum: async (readings) => {
      for await (const { value } of readings) if (value > 10) throw new ServiceError('aborted', 'enough')
      return 0
    },
  })
  const refused = counted()
  expect(await failureOf(demo.client.sumReadings(refused.items))).toMatchObject({ code: 'aborted', message: 'enough' })
  await refused.closed
  const late = counted()
  expect(await failureOf(demo.client.sumReadings(late.items, { timeoutMs: 1 }))).toBeInstanceOf(ServiceError)
  await late.closed
  const left = counted()
  for await (const { value } of demo.client.echoReadings(left.items)) if (value > 10) break
  await left.closed
  const caller = new AbortController()
  const cancelled = counted()
  const reading = demo.client.echoReadings(cancelled.items, { signal: caller.signal })[Symbol.asyncIterator]()
  await reading.next()
  caller.abort()
  let error: unknown
  while (error === undefined) error = await failureOf(reading.next())
  expect(error).toMatchObject({ code: 'cancelled' })
  await cancelled.closed
})

test('an early answer is the answer, while inputs are still being sent', async () => {
  await using demo = await start({
    sum: async (readings) => {
      for await (const { value } of readings) return value
      return 0
    },
    echo: async function* (readings) {
      for await (const reading of readings) {
        for (let value = 0; value < 100; value += 1) yield { ...reading, value }
        break
      }
    },
  })
  const summed = counted(undefined, 'x'.repeat(10_000))
  expect(await demo.client.sumReadings(summed.items)).toEqual({ total: 1 })
  await summed.closed
  const echoed = counted(undefined, 'x'.repeat(10_000))
  const received: number[] = []
  for await (const { value } of demo.client.echoReadings(echoed.items)) {
    received.push(value)
    // Slower than it comes, so that the end is there before the last item was read.
    await demo.client.sumReadings([])
  }
  expect(received).toEqual(Array.from({ length: 100 }, (_, value) => value))
  await echoed.closed
})

test("inputs that fail end the call with their own error, and the callee's input with cancelled", async () => {
  const arrived = Promise.withResolvers<void>()
  const seen = Promise.withResolvers<unknown>()
  const read = async (readings: Readings) => {
    arrived.resolve()
    return addUp(readings).catch((error: unknown) => {
      seen.resolve(error)
      throw error
    })
  }
  await using demo = await start({
    sum: read,
    // oxlint-disable-next-line eslint/require-yield -- it only reads
    echo: async function* (readings) {
      await read(readings)
    },
  })
  const broken = new Error('the sensor is gone')
  const failing = async function* (): AsyncGenerator<Reading> {
    yield { value: 1 }
    await arrived.promise
    throw broken
  }
  expect(await failureOf(demo.client.sumReadings(failing()))).toBe(broken)
  expect(await seen.promise).toMatchObject({ code: 'cancelled' })
  const reading = demo.client.echoReadings(failing())[Symbol.asyncIterator]()
  expect(await failureOf(reading.next())).toBe(broken)
  expect(await failureOf(demo.client.sumReadings([{ value: -1 }]))).toMatchObject({ code: 'invalid_argument' })
})

test('an item that protobuf does not take is invalid_argument', async () => {
  await using demo = await start()
  const channel = grpcClient().open({ contract: contractInfo(believed as Contract), address: demo.address })
  const operation = contractInfo(believed as Contract).operations[0]
  const items = async function* () {
    yield 'no object'
  }
  const outgoing = { metadata: {}, timeoutMs: undefined, signal: undefined }
  if (operation)
    expect(await failureOf(channel.clientStream(operation, items(), outgoing))).toMatchObject({
      code: 'invalid_argument',
      message: 'the input cannot be encoded',
    })
  await channel.close()
})
