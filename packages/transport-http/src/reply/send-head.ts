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

/** Resolves when the caller has read on, or is gone. */
export async function writable(out: ServerResponse): Promise<void> {
  const settled = new AbortController()
  try {
    await Promise.race([once(out, 'drain', { signal: settled.signal }), once(out, 'close', { signal: settled.signal })])
  } finally {
    settled.abort()
  }
}
