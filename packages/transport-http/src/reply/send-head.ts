import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'

/** Sends the head of a reply whose body is written to the connection itself. */
export function sendHead(reply: FastifyReply, status: number): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
  reply.hijack()
  reply.raw.statusCode = status
  reply.raw.flushHeaders()
}

/** Ends a reply in the middle of its body so that its caller cannot take it for complete. */
export function cutReply(out: ServerResponse): void {
  const stream: unknown = Reflect.get(out, 'stream')
  // Over HTTP/2 a stream that is only destroyed looks as if it had ended.
  if (hasClose(stream)) stream.close(internalError)
  else out.destroy()
}

/** @see RFC 9113 section 7, INTERNAL_ERROR */
const internalError = 0x02

function hasClose(stream: unknown): stream is { close(code: number): void } {
  return typeof stream === 'object' && stream !== null && 'close' in stream && typeof stream.close === 'function'
}

/** Resolves when the caller has read on, or is gone. */
export async function writable(out: ServerResponse): Promise<void> {
  const settled = new AbortController()
  try {
    await Promise.race([once(out, 'drain', { signal: settled.signal }), once(out, 'close', { signal: settled.signal })])
  } finally {
    settled.abort()
  }
}
