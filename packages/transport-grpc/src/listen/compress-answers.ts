import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { gzip } from 'node:zlib'

/** Below that gzip saves little and costs the same. A guess. */
const leastBytes = 1_024

/** What stands before a message: whether it is compressed, and its length. @see gRPC over HTTP/2, Length-Prefixed-Message */
const prefixBytes = 5

/**
 * Compresses the messages that are written to a stream, if its caller accepts that. grpc-js compresses no answers; it writes a
 * message at a time, whole, and waits until it is written.
 *
 * @see grpc-js 1.14, server-interceptors.ts, serializeMessage and sendMessage
 */
export function compressAnswers(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  if (!acceptsGzip(headers['grpc-accept-encoding'])) return
  const [respond, write, end] = [stream.respond.bind(stream), stream.write.bind(stream), stream.end.bind(stream)]
  let isPacking = false
  let isEnded = false
  const writePacked = (message: Buffer, done: (error?: Error | null) => void) => {
    isPacking = true
    gzip(message.subarray(prefixBytes), (error, packed) => {
      isPacking = false
      if (error) done(error)
      else if (!stream.destroyed) write(toFrame(packed), done)
      if (isEnded && !stream.destroyed) end()
    })
    return true
  }
  Object.assign(stream, {
    respond: (given: OutgoingHttpHeaders, options: object) => respond({ ...given, 'grpc-encoding': 'gzip' }, options),
    write: (message: Buffer, done: (error?: Error | null) => void) =>
      message.length - prefixBytes < leastBytes ? write(message, done) : writePacked(message, done),
    end: () => {
      isEnded = true
      if (!isPacking) end()
      return stream
    },
  })
}

function acceptsGzip(accepted: string | string[] | undefined): boolean {
  return String(accepted ?? '')
    .split(',')
    .some((name) => name.trim() === 'gzip')
}

function toFrame(packed: Buffer): Buffer {
  const prefix = Buffer.alloc(prefixBytes)
  prefix.writeUInt8(1)
  prefix.writeUInt32BE(packed.length, 1)
  return Buffer.concat([prefix, packed])
}
