import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** @see RFC 9113 section 6 */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

/** @see RFC 9113 section 7 */
export const errorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const

export const flag = { ack: 1, endStream: 1, endHeaders: 4, padded: 8 } as const

/** @see RFC 9113 section 3.4 */
export const preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export interface Frame {
  readonly type: number
  readonly flags?: number
  readonly stream?: number
  readonly payload?: Uint8Array
  /** What the frame says of its length, where that is a lie. */
  readonly length?: number
}

/** @see RFC 9113 section 4.1 */
export function frame({
  type,
  flags = 0,
  stream = 0,
  payload = Buffer.alloc(0),
  length = payload.length,
}: Frame): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

export const settings: Buffer = frame({ type: frameType.settings })

/** A number in four bytes. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A header block in which every field is written out. @see RFC 7541 section 6.2.2 */
export function headerBlock(fields: Iterable<readonly [name: string, value: string]>): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of fields) parts.push(Buffer.from([0]), literal(name), literal(value))
  return Buffer.concat(parts)
}

/** A field that the other side keeps, and any number of bytes that each stand for it. @see RFC 7541 sections 6.1 and 6.2.1 */
export function repeatedField([name, value]: readonly [string, string], times: number): Buffer {
  const firstOfDynamicTable = 0x80 | 62
  return Buffer.concat([Buffer.from([0x40]), literal(name), literal(value), Buffer.alloc(times, firstOfDynamicTable)])
}

/** The headers of a call. */
export function callFields(path: string): readonly (readonly [string, string])[] {
  return [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'x'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ]
}

/** The headers of a call, in one frame. */
export function callFrame(path: string, stream: number): Buffer {
  return frame({ type: frameType.headers, flags: flag.endHeaders, stream, payload: headerBlock(callFields(path)) })
}

/** A connection of bytes, that ends with the test. */
export interface RawConnection {
  readonly socket: Socket
  /** Sends; resolves when it was taken, or the other side takes nothing any more. */
  readonly send: (...parts: readonly Uint8Array[]) => Promise<void>
  /** The frames that came so far. */
  readonly frames: () => readonly Required<Frame>[]
  /** Resolves when the other side has closed the connection. */
  readonly closed: Promise<void>
  /** Says all that comes before a call, and waits for what the server says. */
  readonly begin: () => Promise<void>
  /** What the other side said when it gave the connection up, which it may say twice. */
  readonly goawayCodes: () => readonly number[]
}

export function openRaw(port: number): RawConnection {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  let received = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
  })
  const frames = () => [...readFrames(received)]
  return {
    socket,
    send: (...parts) => write(socket, Buffer.concat(parts)),
    frames,
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
    begin: async () => {
      await write(socket, Buffer.concat([preface, settings]))
      while (!frames().some(({ type }) => type === frameType.settings)) await once(socket, 'data')
      await write(socket, frame({ type: frameType.settings, flags: flag.ack }))
    },
    goawayCodes: () =>
      frames()
        .filter(({ type }) => type === frameType.goaway)
        .map(({ payload }) => Buffer.from(payload).readUInt32BE(4)),
  }
}

function* readFrames(bytes: Buffer): Generator<Required<Frame>> {
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3)
    const end = at + 9 + length
    if (end > bytes.length) return
    const [type = 0, flags = 0] = bytes.subarray(at + 3, at + 5)
    yield { type, flags, stream: bytes.readUInt32BE(at + 5), payload: bytes.subarray(at + 9, end), length }
    at = end
  }
}

async function write(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.destroyed || socket.write(bytes)) return
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.once('drain', resolve)
  socket.once('close', resolve)
  await promise
  socket.off('drain', resolve)
  socket.off('close', resolve)
}

/** A text that is not compressed. @see RFC 7541 section 5.2, and 5.1 for its length */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text)
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}
