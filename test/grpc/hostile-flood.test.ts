import { once } from 'node:events'
import { constants } from 'node:http2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { beginRaw, callRaw, framed, isServed, openSession } from './raw-call.ts'
import {
  callFields,
  callFrame,
  errorCode,
  flag,
  frame,
  frameType,
  headerBlock,
  openRaw,
  preface,
  repeatedField,
  type RawConnection,
  settings,
  uint32,
} from './raw-connection.ts'
import { settled } from './settled.ts'
import { type MeasuredProcess, startTarget } from './target-process.ts'

let target: MeasuredProcess

beforeAll(async () => {
  target = await startTarget()
  // What is compiled and kept once is no growth.
  for (let index = 0; index < 50; index += 1) await isServed(target.port)
}, 30_000)

afterAll(async () => {
  target.child.kill('SIGTERM')
  expect(await target.ended, target.output()).toBe(0)
})

const service = '/test.v1.TargetService'
const [weigh, wait, count] = [`${service}/Weigh`, `${service}/Wait`, `${service}/Count`] as const
const reset = (stream: number) => frame({ type: frameType.rstStream, stream, payload: uint32(errorCode.cancel) })
const ping = frame({ type: frameType.ping, payload: Buffer.alloc(8) })

/** A call with more headers, in as many frames as they need. */
function callWith(more: Uint8Array): Buffer {
  const block = Buffer.concat([headerBlock(callFields(weigh)), more])
  const frameCount = Math.ceil(block.length / 16_384)
  const frames = Array.from({ length: frameCount }, (_, index) =>
    frame({
      type: index === 0 ? frameType.headers : frameType.continuation,
      flags: index === frameCount - 1 ? flag.endHeaders : 0,
      stream: 1,
      payload: block.subarray(index * 16_384, (index + 1) * 16_384),
    }),
  )
  return Buffer.concat(frames)
}

/** The frames of each of that many calls, whose streams a client numbers by odd numbers. */
function calls(callCount: number, make: (stream: number) => readonly Uint8Array[]): readonly Uint8Array[] {
  return Array.from({ length: callCount }, (_, index) => make(index * 2 + 1)).flat()
}

const openedAndReset = (stream: number) => [callFrame(wait, stream), reset(stream)]

/**
 * How the server left the connection, whose caller begins to read: it would answer another ping, last of all. What it says when it
 * closes may be lost, because more was on the way to it.
 */
async function endOf(attacker: RawConnection): Promise<'closed' | 'still open'> {
  const { socket, send, closed, frames, goawayCodes } = attacker
  socket.resume()
  await send(lastPing)
  const isAnswered = () => frames().some(({ payload }) => lastPing.subarray(9).equals(payload))
  while (!socket.destroyed && !isAnswered()) await Promise.race([once(socket, 'data'), closed])
  const codes = goawayCodes()
  if (codes.length > 0) expect(codes.filter(isCalming), String(codes)).not.toEqual([])
  for (const code of codes) expect([...calming, errorCode.noError]).toContain(code)
  return isAnswered() ? 'still open' : 'closed'
}

/** What we, or Node, say to a caller who is too much for us. Behind ours Node adds NO_ERROR when the session is destroyed. */
const calming: readonly number[] = [errorCode.enhanceYourCalm, errorCode.internalError]

const isCalming = (code: number) => calming.includes(code)

const lastPing = frame({ type: frameType.ping, payload: Buffer.alloc(8, 1) })

async function leave({ socket, closed }: RawConnection): Promise<void> {
  socket.destroy()
  await closed
}

describe('a flood leaves less than 20 MB behind, and others are served', () => {
  test('ten connections with 10,000 calls each that are opened and cancelled, which are closed before all are taken', {
    timeout: 120_000,
  }, async () => {
    await target.leavesLittle(async () => {
      for (let connection = 0; connection < 10; connection += 1) {
        const attacker = openRaw(target.port)
        await attacker.begin()
        const sent = attacker.send(...calls(10_000, openedAndReset))
        expect(await isServed(target.port)).toBe(true)
        await sent
        await attacker.closed
      }
    })
  })

  // As fast as the limit of resets allows: every one of them reaches a handler.
  test('500 calls on each of twenty connections that are cancelled when they have begun', {
    timeout: 120_000,
  }, async () => {
    await target.leavesLittle(async () => {
      for (let connection = 0; connection < 20; connection += 1) {
        const session = openSession(target.port)
        const streams = Array.from({ length: 500 }, () => beginRaw(session, { path: wait }))
        await Promise.all(streams.map((stream) => once(stream, 'ready')))
        for (const stream of streams) stream.end(framed(Buffer.alloc(0)))
        expect(await isServed(target.port)).toBe(true)
        const closed = streams.map((stream) => once(stream, 'close'))
        for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL)
        await Promise.all(closed)
        session.destroy()
      }
    })
  })

  test.each([
    { what: 'pings', bytes: ping, end: 'closed' },
    { what: 'settings', bytes: settings, end: 'closed' },
    {
      what: 'windows that grow by one',
      end: 'still open',
      bytes: frame({ type: frameType.windowUpdate, payload: uint32(1) }),
    },
    {
      what: 'priorities',
      end: 'closed',
      bytes: frame({ type: frameType.priority, stream: 1, payload: Buffer.alloc(5, 1) }),
    },
    { what: 'empty data frames', end: 'closed', bytes: frame({ type: frameType.data, stream: 1 }) },
    {
      what: 'frames of a type that nobody knows',
      end: 'closed',
      bytes: frame({ type: 200, payload: Buffer.alloc(8) }),
    },
  ])(
    '100,000 $what from a caller who reads nothing, whose connection is then $end',
    { timeout: 60_000 },
    async ({ bytes, end }) => {
      await target.leavesLittle(async () => {
        const attacker = openRaw(target.port)
        await attacker.begin()
        await attacker.send(callFrame(weigh, 1))
        attacker.socket.pause()
        const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => bytes))
        for (let index = 0; index < 100; index += 1) await attacker.send(thousand)
        expect(await endOf(attacker)).toBe(end)
        expect(await isServed(target.port)).toBe(true)
        await leave(attacker)
      })
    },
  )

  test.each([
    { what: '5,000 headers', more: headerBlock(Array.from({ length: 5_000 }, () => ['x', 'y'])) },
    { what: 'a header of 60,000 characters', more: headerBlock([['x-a', 'a'.repeat(60_000)]]) },
    { what: 'a header of a megabyte', more: headerBlock([['x-a', 'a'.repeat(1_000_000)]]) },
    {
      what: 'a header of 3,000 characters, repeated 50,000 times',
      more: repeatedField(['x', 'a'.repeat(3_000)], 50_000),
    },
  ])(
    'a hundred connections with a call with $what, each of which is refused',
    { timeout: 60_000 },
    async ({ more }) => {
      const call = callWith(more)
      await target.leavesLittle(async () => {
        for (let index = 0; index < 100; index += 1) {
          const attacker = openRaw(target.port)
          await attacker.begin()
          await attacker.send(call)
          await refused(attacker)
          await leave(attacker)
        }
        expect(await isServed(target.port)).toBe(true)
      })
    },
  )

  test('500 connections that say nothing, and are closed', { timeout: 60_000 }, () => crowd(Buffer.alloc(0)))
  test('500 connections with half a preface, which are closed', { timeout: 60_000 }, () =>
    crowd(preface.subarray(0, 12)),
  )

  test.each([
    { what: 'no call', bytes: Buffer.concat([preface, settings]) },
    { what: 'a call without a message', bytes: Buffer.concat([preface, settings, callFrame(weigh, 1)]) },
  ])('500 connections with $what, which their callers leave', { timeout: 60_000 }, async ({ bytes }) => {
    await target.leavesLittle(async () => {
      const attackers = await openMany(bytes)
      expect(await isServed(target.port)).toBe(true)
      await Promise.all(attackers.map(leave))
    })
  })

  test('1,500 calls at a time on a connection that was told of 1,000, which is closed', {
    timeout: 60_000,
  }, async () => {
    await target.leavesLittle(async () => {
      const attacker = openRaw(target.port)
      await attacker.begin()
      await attacker.send(...calls(1_500, (stream) => [callFrame(wait, stream)]))
      await attacker.closed
      expect(attacker.goawayCodes()).toContain(errorCode.protocolError)
      expect(await isServed(target.port)).toBe(true)
    })
  })
})

/** Connections that send no more than this, which the server closes. */
async function crowd(bytes: Uint8Array): Promise<void> {
  await target.leavesLittle(async () => {
    const attackers = await openMany(bytes)
    expect(await isServed(target.port)).toBe(true)
    await Promise.all(attackers.map(({ closed }) => closed))
  })
}

async function openMany(bytes: Uint8Array): Promise<readonly RawConnection[]> {
  const attackers = Array.from({ length: 500 }, () => openRaw(target.port))
  await Promise.all(
    attackers.map(async ({ socket, send }) => {
      await once(socket, 'connect')
      await send(bytes)
    }),
  )
  return attackers
}

/** Waits until the call is reset, or its connection closed. */
async function refused(attacker: RawConnection): Promise<void> {
  while (!attacker.socket.destroyed && !isReset(attacker))
    await Promise.race([once(attacker.socket, 'data'), attacker.closed])
}

function isReset(attacker: RawConnection): boolean {
  const reply = attacker.frames().find(({ type }) => type === frameType.rstStream)
  return reply !== undefined && Buffer.from(reply.payload).readUInt32BE() === errorCode.enhanceYourCalm
}

test.each([
  { what: 'opens and cancels 5,000 calls', frames: calls(5_000, openedAndReset) },
  { what: 'pings ten times', frames: Array.from({ length: 10 }, () => ping) },
])('a connection that $what is told to calm down, and closed', async ({ frames }) => {
  const attacker = openRaw(target.port)
  await attacker.begin()
  await attacker.send(...frames)
  await attacker.closed
  const codes = attacker.goawayCodes()
  expect(codes.filter(isCalming), String(codes)).not.toEqual([])
  expect(await isServed(target.port)).toBe(true)
})

test('a hundred calls whose answers nobody reads hold less than 20 MB, and others are served', async () => {
  const before = await target.heapMegabytes()
  const attacker = openSession(target.port)
  const message = framed(Buffer.from([0x08, 0xff, 0xff, 0xff, 0x7f]))
  const streams = Array.from({ length: 100 }, () => beginRaw(attacker, { path: count }))
  for (const stream of streams) stream.end(message)
  await Promise.all(streams.map((stream) => once(stream, 'response')))
  expect(await isServed(target.port)).toBe(true)
  expect((await target.heapMegabytes()) - before).toBeLessThan(20)
})

test('of 50 MB from a caller who reads no answer less than 10 MB are taken, and less than 20 MB of memory held', async () => {
  const before = await target.heapMegabytes()
  const stream = beginRaw(openSession(target.port), { path: `${service}/Echo` })
  const said = Buffer.alloc(1_000, 'a')
  const message = framed(Buffer.concat([Buffer.from([0x0a, 0xe8, 0x07]), said]))
  const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => message))
  for (let index = 0; index < 50; index += 1) stream.write(thousand)
  await once(stream, 'response')
  expect(await isServed(target.port)).toBe(true)
  expect(await settled(() => stream.writableLength)).toBeGreaterThan(40_000_000)
  expect((await target.heapMegabytes()) - before).toBeLessThan(20)
})

test.each([
  { what: 'another content type', headers: { 'content-type': 'application/json' }, httpStatus: 415 },
  { what: 'no content type', headers: { 'content-type': '' }, httpStatus: 415 },
  { what: 'another method', headers: { ':method': 'GET' }, httpStatus: 405 },
])('a request with $what is told by HTTP: $httpStatus', async ({ headers, httpStatus }) => {
  const reply = await callRaw(openSession(target.port), { path: weigh, headers })
  expect(reply).toMatchObject({ httpStatus, grpcStatus: undefined })
  expect(reply.body).toHaveLength(0)
  expect(await isServed(target.port)).toBe(true)
})
