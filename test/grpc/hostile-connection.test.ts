import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
  settings,
  uint32,
} from './raw-connection.ts'
import { type MeasuredProcess, startTarget } from './target-process.ts'
import { isServed } from './raw-call.ts'

let target: MeasuredProcess

beforeAll(async () => {
  target = await startTarget()
}, 30_000)

afterAll(async () => {
  target.child.kill('SIGTERM')
  expect(await target.ended, target.output()).toBe(0)
})

/** A connection that breaks the protocol, and what the server says when it gives it up. */
interface Attack {
  readonly name: string
  readonly parts: readonly Uint8Array[]
  /** One of these, as the version of Node has it. */
  readonly code: number
  readonly orCode?: number
}

const weigh = '/test.v1.TargetService/Weigh'
const begun = [preface, settings]
const onStream = (type: number, more: object = {}) => frame({ type, stream: 1, ...more })
const bytes = (length: number) => Buffer.alloc(length)
const call = callFrame(weigh, 1)
const openHeaders = onStream(frameType.headers, { payload: headerBlock(callFields(weigh)) })

const attacks: readonly Attack[] = [
  {
    name: 'a request of HTTP/1.1',
    parts: [Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')],
    code: errorCode.protocolError,
    orCode: errorCode.internalError,
  },
  {
    name: 'a handshake of TLS',
    parts: [Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...Array(40).fill(7)])],
    code: errorCode.protocolError,
    orCode: errorCode.internalError,
  },
  {
    name: 'garbage',
    parts: [Buffer.from('garbage '.repeat(10))],
    code: errorCode.protocolError,
    orCode: errorCode.internalError,
  },
  {
    name: 'garbage behind the preface',
    parts: [...begun, Buffer.from('garbage '.repeat(100))],
    code: errorCode.frameSizeError,
  },
  {
    name: 'a frame beyond the largest size',
    parts: [...begun, frame({ type: frameType.data, stream: 1, length: 0xff_ffff })],
    code: errorCode.frameSizeError,
  },
  {
    name: 'data of no stream',
    parts: [...begun, frame({ type: frameType.data, payload: bytes(1) })],
    code: errorCode.protocolError,
  },
  {
    name: 'data of a stream that is not open',
    parts: [...begun, onStream(frameType.data, { payload: bytes(1) })],
    code: errorCode.protocolError,
  },
  { name: 'headers on a stream of the server', parts: [...begun, callFrame(weigh, 2)], code: errorCode.protocolError },
  {
    name: 'headers that no table has',
    parts: [
      ...begun,
      onStream(frameType.headers, { flags: flag.endHeaders, payload: Buffer.from([0xff, 0xff, 0xff, 0x7f]) }),
    ],
    code: errorCode.compressionError,
  },
  {
    name: 'padding beyond the frame',
    parts: [
      ...begun,
      onStream(frameType.headers, { flags: flag.endHeaders | flag.padded, payload: Buffer.from([200, 1]) }),
    ],
    code: errorCode.protocolError,
  },
  {
    name: 'another frame between headers',
    parts: [...begun, openHeaders, frame({ type: frameType.ping, payload: bytes(8) })],
    code: errorCode.protocolError,
  },
  {
    name: 'a continuation of nothing',
    parts: [...begun, onStream(frameType.continuation)],
    code: errorCode.protocolError,
  },
  {
    name: 'continuations without an end',
    parts: [
      ...begun,
      openHeaders,
      ...Array.from({ length: 10_000 }, () => onStream(frameType.continuation, { payload: headerBlock([['a', 'b']]) })),
    ],
    code: errorCode.enhanceYourCalm,
    orCode: errorCode.internalError,
  },
  {
    name: 'empty continuations without an end',
    parts: [...begun, openHeaders, ...Array.from({ length: 10_000 }, () => onStream(frameType.continuation))],
    code: errorCode.enhanceYourCalm,
    orCode: errorCode.internalError,
  },
  {
    name: 'settings of 5 bytes',
    parts: [preface, frame({ type: frameType.settings, payload: bytes(5) })],
    code: errorCode.frameSizeError,
  },
  { name: 'settings of a stream', parts: [preface, onStream(frameType.settings)], code: errorCode.protocolError },
  {
    name: 'a window of 2^31',
    parts: [
      preface,
      frame({ type: frameType.settings, payload: Buffer.concat([Buffer.from([0, 4]), uint32(0x8000_0000)]) }),
    ],
    code: errorCode.flowControlError,
  },
  {
    name: 'a window that grows by nothing',
    parts: [...begun, frame({ type: frameType.windowUpdate, payload: uint32(0) })],
    code: errorCode.protocolError,
  },
  {
    name: 'a window that grows beyond 2^31',
    parts: [...begun, frame({ type: frameType.windowUpdate, payload: uint32(0x7fff_ffff) })],
    code: errorCode.flowControlError,
  },
  {
    name: 'a ping of 7 bytes',
    parts: [...begun, frame({ type: frameType.ping, payload: bytes(7) })],
    code: errorCode.frameSizeError,
  },
  {
    name: 'a reset of a stream that was never open',
    parts: [...begun, onStream(frameType.rstStream, { payload: uint32(8) })],
    code: errorCode.protocolError,
  },
  {
    name: 'a promise, which only servers make',
    parts: [...begun, call, onStream(5, { flags: flag.endHeaders, payload: uint32(2) })],
    code: errorCode.protocolError,
  },
]

describe('a connection that breaks HTTP/2 is given up, and others are served', () => {
  test.each(attacks)('$name: $code', async ({ parts, code, orCode = code }) => {
    const attacker = openRaw(target.port)
    await attacker.send(...parts)
    await attacker.closed
    expect(attacker.goawayCodes()).toSatisfy((codes: number[]) => codes.includes(code) || codes.includes(orCode))
    expect(await isServed(target.port)).toBe(true)
  })
})
