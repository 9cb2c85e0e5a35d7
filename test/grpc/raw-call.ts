import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2'
import { onTestFinished } from 'vitest'

/** How a call that was made by hand ended. */
export interface RawReply {
  readonly httpStatus: number | undefined
  /** Undefined when there came none: the stream was reset, or it is no gRPC reply. */
  readonly grpcStatus: number | undefined
  readonly message: string
  readonly headers: IncomingHttpHeaders
  /** The messages, without their frames. */
  readonly body: Buffer
  /** The HTTP/2 error that the stream was reset with; 0 for none. */
  readonly resetCode: number
}

export interface RawRequest {
  readonly path: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** What is sent, piece by piece. */
  readonly chunks?: readonly Uint8Array[]
  /** Whether nothing says that the request is complete. */
  readonly isLeftOpen?: boolean
}

/** An HTTP/2 connection that ends with the test. */
export function openSession(port: number): ClientHttp2Session {
  const session = connectTo(port)
  onTestFinished(() => session.destroy())
  return session
}

function connectTo(port: number): ClientHttp2Session {
  // In megabytes: what waits to be sent is an attacker's own affair.
  const session = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 1_000 })
  session.on('error', () => undefined)
  return session
}

/** Makes a call of plain HTTP/2, with whatever bytes. */
export async function callRaw(session: ClientHttp2Session, request: RawRequest): Promise<RawReply> {
  const stream = beginRaw(session, request)
  const reply = readReply(stream)
  for (const chunk of request.chunks ?? []) await written(stream, chunk)
  if (request.isLeftOpen !== true) stream.end()
  return reply
}

/** Begins a call and sends nothing but its headers. */
export function beginRaw(session: ClientHttp2Session, { path, headers = {} }: RawRequest): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  // A server that has answered may reset what is still being sent.
  stream.on('error', () => undefined)
  return stream
}

/** Whether a caller that means no harm is answered, on a connection of its own. */
export async function isServed(port: number): Promise<boolean> {
  const session = connectTo(port)
  const { grpcStatus } = await callRaw(session, {
    path: '/test.v1.TargetService/Weigh',
    chunks: [framed(Buffer.alloc(0))],
  })
  session.destroy()
  return grpcStatus === 0
}

/** A message in its frame. @see gRPC over HTTP/2, Length-Prefixed-Message */
export function framed(message: Uint8Array, { flag = 0, length = message.length } = {}): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt8(flag)
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, message])
}

async function readReply(stream: ClientHttp2Stream): Promise<RawReply> {
  let headers: IncomingHttpHeaders = {}
  let trailers: IncomingHttpHeaders = {}
  const parts: Buffer[] = []
  stream.on('response', (given) => (headers = given))
  stream.on('trailers', (given) => (trailers = given))
  stream.on('data', (part: Buffer) => void parts.push(part))
  await once(stream, 'close')
  const all = { ...headers, ...trailers }
  const status = all['grpc-status']
  return {
    httpStatus: headers[':status'] === undefined ? undefined : Number(headers[':status']),
    grpcStatus: status === undefined ? undefined : Number(status),
    message: decodeURIComponent(String(all['grpc-message'] ?? '')),
    headers: all,
    body: Buffer.concat(parts).subarray(5),
    resetCode: stream.rstCode,
  }
}

/** Resolves when it is written, or the stream takes nothing any more. */
function written(stream: ClientHttp2Stream, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableEnded || stream.destroyed) return resolve()
    stream.once('close', resolve)
    stream.write(chunk, () => {
      stream.off('close', resolve)
      resolve()
    })
  })
}
