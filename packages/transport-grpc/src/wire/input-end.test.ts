import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Metadata } from '@grpc/grpc-js'
import { defineHandler, defineService } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { type Contract, contract, contractInfo, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { grpcClient, grpcTransport } from '../index.ts'
import { proveInputEnd, provesInputEnd } from './input-end.ts'

const Reading = Type.Object({ value: Type.Integer() })
const meters = contract('demo.end.v1.MeterService', {
  sumReadings: { input: stream(Reading), output: Type.Object({ total: Type.Integer() }) },
  echoReadings: { input: stream(Reading), output: stream(Reading) },
})

const prefaceBytes = 24
const frameHeadBytes = 9
const [dataFrame, resetFrame] = [0, 3]
const endStreamFlag = 1
/** As long as a packet takes that was lost once. */
const heldMs = 40

/** A network that loses every packet with a reset once, and knows how the inputs of calls ended before that. */
async function slowResets(target: number) {
  const ends: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((caller) => {
    const callee = connect(target, '127.0.0.1')
    for (const socket of [caller, callee]) sockets.add(socket.setNoDelay().on('error', () => undefined))
    callee.pipe(caller)
    passFrames(caller, callee, ends).catch(() => callee.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    ends,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** @see RFC 9113 section 4.1 */
async function passFrames(caller: Socket, callee: Socket, ends: string[]): Promise<void> {
  let rest: Buffer = Buffer.alloc(0)
  let headBytes = prefaceBytes
  for await (const chunk of caller) {
    rest = Buffer.concat([rest, chunk as Buffer])
    for (let size = frameBytes(rest, headBytes); size <= rest.length; size = frameBytes(rest, headBytes)) {
      const frame = rest.subarray(headBytes, size)
      if (frame[3] === dataFrame && ((frame[4] ?? 0) & endStreamFlag) !== 0) ends.push('half-closed')
      if (frame[3] === resetFrame) {
        ends.push('reset')
        await new Promise((resolve) => setTimeout(resolve, heldMs))
      }
      callee.write(rest.subarray(0, size))
      rest = rest.subarray(size)
      headBytes = 0
    }
  }
  callee.end()
}

/** How much is to be there before the next frame is whole. */
function frameBytes(bytes: Buffer, skippedBytes: number): number {
  if (bytes.length < skippedBytes + frameHeadBytes) return Number.POSITIVE_INFINITY
  return skippedBytes + frameHeadBytes + bytes.readUIntBE(skippedBytes, 3)
}

type Readings = AsyncIterable<{ readonly value: number }>

/** A service behind that network, and what its handlers are told at the end of their inputs. */
async function start() {
  const told: string[] = []
  const waiting: ((end: string) => void)[] = []
  const tell = (end: string) => {
    told.push(end)
    waiting.shift()?.(end)
  }
  const taken: (() => void)[] = []
  const read = async function* (readings: Readings) {
    try {
      for await (const reading of readings) {
        taken.shift()?.()
        yield reading
      }
      tell('complete')
    } catch (error) {
      tell((error as { code: string }).code)
      throw error
    }
  }
  const handler = defineHandler(meters, () => ({
    sumReadings: async (readings) => {
      let total = 0
      for await (const { value } of read(readings)) total += value
      return { total }
    },
    echoReadings: (readings) => read(readings),
  }))
  const started = await defineService({
    name: 'meter',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [grpcTransport({ port: 0 })],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const network = await slowResets(started.addresses[0]?.port ?? 0)
  const channel = grpcClient().open({ contract: contractInfo(meters as Contract), address: network.address })
  return {
    client: buildClient(meters, channel),
    ends: network.ends,
    told,
    nextTold: () => new Promise<string>((resolve) => waiting.push(resolve)),
    nextTaken: () => new Promise<void>((resolve) => taken.push(resolve)),
    [Symbol.asyncDispose]: async () => {
      await channel.close()
      await network[Symbol.asyncDispose]()
      await started.stop()
    },
  }
}

type Demo = Awaited<ReturnType<typeof start>>

/** One item, then nothing more until the call has ended. */
async function* oneReading(signal: AbortSignal) {
  yield { value: 1 }
  if (!signal.aborted) await once(signal, 'abort')
}

const breaks: readonly [string, (demo: Demo) => Promise<unknown>][] = [
  [
    'is cancelled by a signal',
    async ({ client, nextTaken }) => {
      const caller = new AbortController()
      const { signal } = caller
      const taken = nextTaken()
      const answer = client.sumReadings(oneReading(signal), { signal })
      await taken
      caller.abort()
      await answer.catch(() => undefined)
    },
  ],
  [
    'has a source that fails',
    async ({ client, nextTaken }) => {
      const taken = nextTaken()
      const failing = async function* () {
        yield { value: 1 }
        await taken
        throw new Error('the sensor is gone')
      }
      await client.sumReadings(failing()).catch(() => undefined)
    },
  ],
  [
    'is left by the reader of its answers',
    async ({ client }) => {
      const left = new AbortController()
      for await (const _ of client.echoReadings(oneReading(left.signal))) break
      left.abort()
    },
  ],
]

test.each(breaks)('an input that %s is cancelled to the callee, however late the reset comes', async (_what, cut) => {
  await using demo = await start()
  for (let count = 0; count < 10; count += 1) {
    const told = demo.nextTold()
    await cut(demo)
    expect(await told).toBe('cancelled')
  }
  expect(demo.ends).toEqual(Array.from({ length: 10 }, () => 'reset'))
})

test('an input that the deadline ends is not half-closed', async () => {
  await using demo = await start()
  // The connection is there before time begins to count.
  await demo.client.sumReadings([])
  const left = new AbortController()
  const told = demo.nextTold()
  const answer = demo.client.sumReadings(oneReading(left.signal), { timeoutMs: 100 })
  await expect(answer).rejects.toMatchObject({ code: 'deadline_exceeded' })
  expect(await told).toBe('deadline_exceeded')
  left.abort()
  expect(demo.ends.filter((end) => end === 'half-closed')).toHaveLength(1)
})

test('an input that is complete is half-closed, and its end believed', async () => {
  await using demo = await start()
  expect(await demo.client.sumReadings([{ value: 1 }, { value: 2 }])).toEqual({ total: 3 })
  const echoed: number[] = []
  for await (const { value } of demo.client.echoReadings([{ value: 1 }, { value: 2 }])) echoed.push(value)
  expect(echoed).toEqual([1, 2])
  expect([demo.ends, demo.told]).toEqual([
    ['half-closed', 'half-closed'],
    ['complete', 'complete'],
  ])
})

test('a caller that says nothing of its end proves nothing', () => {
  const metadata = new Metadata()
  expect(provesInputEnd(metadata)).toBe(false)
  proveInputEnd(metadata)
  expect(provesInputEnd(metadata)).toBe(true)
})
