import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { SizeObserver } from '@tenon/core/telemetry'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { receivedBytesOf } from './input/body-pump.ts'

/** Tells how large the body of a request was, and that of its reply, when the reply is over. What has no body tells nothing. */
export function measureBodies({ request, reply }: MeasuredExchange, sizes: SizeObserver): void {
  const { raw } = reply
  const counted = countWritten(raw)
  raw.once('close', () => {
    const received = receivedBytes(request)
    if (received !== undefined) sizes.addBytes('request', received)
    const sent = sentBytes(reply, counted())
    if (sent !== undefined) sizes.addBytes('response', sent)
  })
}

/** A request and its reply, as far as they are looked at here. */
interface MeasuredExchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** A body that came in whole has the size that its header says, which is that on the wire; what Node does not say it counts as it reads. */
function receivedBytes({ body, headers }: FastifyRequest): number | undefined {
  if (body instanceof Readable) return receivedBytesOf(body)
  if (!Buffer.isBuffer(body)) return undefined
  const { 'content-length': length } = headers
  return length === undefined ? body.length : Number(length)
}

/** A reply that Fastify writes in one piece says its size, unless a plugin changes it on its way. */
function sentBytes(reply: FastifyReply, countedBytes: number): number | undefined {
  // Over HTTP/2 Node takes a body for it, and drops that.
  if (reply.request.method === 'HEAD') return undefined
  if (countedBytes > 0) return countedBytes
  const length = reply.getHeader('content-length')
  return length === undefined || !reply.raw.writableFinished ? undefined : Number(length)
}

/** Counts what is written in pieces, by whatever writes it: no server tells how much of a stream it sent. */
function countWritten(out: ServerResponse): () => number {
  let countBytes = 0
  const write = out.write.bind(out)
  out.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    countBytes += Buffer.byteLength(chunk)
    return Reflect.apply(write, out, [chunk, ...rest]) as boolean
  }
  return () => countBytes
}
