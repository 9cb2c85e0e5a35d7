/** @see RFC 9113 section 6 */
export const frameTypes = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const

export const frameFlags = { endStream: 1, acknowledges: 1, endHeaders: 4, padded: 8, priority: 32 } as const

export const frameHeadBytes = 9

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly streamId: number
  readonly payload: Buffer
}

/** Cuts what comes in into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  read(chunk: Buffer, take: (frame: Frame) => void): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (bytes.length >= frameHeadBytes) {
      const end = frameHeadBytes + bytes.readUIntBE(0, 3)
      if (bytes.length < end) break
      take({
        type: bytes.readUInt8(3),
        flags: bytes.readUInt8(4),
        streamId: bytes.readUInt32BE(5),
        payload: bytes.subarray(frameHeadBytes, end),
      })
      bytes = bytes.subarray(end)
    }
    this.#rest = bytes
  }
}

export function writeFrame({ type, flags, streamId, payload }: Frame): Buffer {
  const head = Buffer.alloc(frameHeadBytes)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(streamId, 5)
  return Buffer.concat([head, payload])
}

/** @see RFC 9113 section 3.4 */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** Number and value of each setting. @see RFC 9113 section 6.5.1 */
export function writeSettings(settings: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(settings.length * 6)
  settings.forEach(([number, value], index) => {
    payload.writeUInt16BE(number, index * 6)
    payload.writeUInt32BE(value, index * 6 + 2)
  })
  return writeFrame({ type: frameTypes.settings, flags: 0, streamId: 0, payload })
}

export function writeWindowUpdate(bytes: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(bytes)
  return writeFrame({ type: frameTypes.windowUpdate, flags: 0, streamId: 0, payload })
}
