import type { GrpcCall } from './grpc-call.ts'
import { frameFlags, frameHeadBytes, frameTypes, writeFrame } from './http2-frame.ts'

/** The frames of a request, which are the same for every call of a connection but for the number of its stream. */
export class GrpcRequest {
  /** What it takes of the window that the server grants. */
  readonly bodyBytes: number
  readonly #first: Template
  readonly #other: Template

  constructor({ path, request }: Pick<GrpcCall, 'path' | 'request'>) {
    const fields = [[':path', path], ...ownFields] as const
    this.bodyBytes = request.length
    this.#first = new Template(firstBlock(fields), request)
    this.#other = new Template(otherBlock(fields.length), request)
  }

  /** For the first call of a connection, which fills the server's table of header fields, and for all others, which name their places in it. */
  write(streamId: number): Buffer {
    return (streamId === 1 ? this.#first : this.#other).write(streamId)
  }
}

/** What a gRPC client sends; compression is left out, because not every server would use it. */
const ownFields = [
  [':authority', '127.0.0.1'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
  ['user-agent', 'grpc-bench/1.0'],
  ['grpc-accept-encoding', 'identity'],
] as const

/** `:method: POST` and `:scheme: http`. @see RFC 7541 appendix A */
const knownFields = Buffer.from([0x83, 0x86])
const firstOwnIndex = 62

/** Each field in full, to be kept. @see RFC 7541 section 6.2.1 */
function firstBlock(fields: readonly (readonly [string, string])[]): Buffer {
  const literals = fields.map(([name, value]) => Buffer.concat([Buffer.from([0x40]), toText(name), toText(value)]))
  return Buffer.concat([knownFields, ...literals])
}

/** The newest has the lowest number. @see RFC 7541 sections 2.3.3 and 6.1 */
function otherBlock(count: number): Buffer {
  const indexed = Array.from({ length: count }, (_, index) => 0x80 | (firstOwnIndex + count - 1 - index))
  return Buffer.concat([knownFields, Buffer.from(indexed)])
}

function toText(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
}

class Template {
  readonly #bytes: Buffer
  readonly #dataAt: number

  constructor(block: Buffer, body: Buffer) {
    const headers = writeFrame({ type: frameTypes.headers, flags: frameFlags.endHeaders, streamId: 0, payload: block })
    const data = writeFrame({ type: frameTypes.data, flags: frameFlags.endStream, streamId: 0, payload: body })
    this.#bytes = Buffer.concat([headers, data])
    this.#dataAt = headers.length
  }

  write(streamId: number): Buffer {
    const bytes = Buffer.from(this.#bytes)
    bytes.writeUInt32BE(streamId, streamIdAt)
    bytes.writeUInt32BE(streamId, this.#dataAt + streamIdAt)
    return bytes
  }
}

/** Where in the head of a frame the number of its stream is. */
const streamIdAt = frameHeadBytes - 4
