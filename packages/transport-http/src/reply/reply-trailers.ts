import type { Outcome } from '@tenon/core/transport'
import type { FastifyReply } from 'fastify'
import { listName } from '../trailer-list.ts'

type Trailers = Outcome['trailers']

/**
 * Sends what the handler wants told behind its output with the head of a reply that is written at once, and names it there, so
 * that a caller can tell it from the headers.
 */
export function setTrailers(reply: FastifyReply, trailers: Trailers): void {
  const entries = sendable(trailers)
  if (entries.length === 0) return
  for (const [name, value] of entries) reply.header(name, value)
  reply.header(listName, entries.map(([name]) => name).join(', '))
}

/**
 * Ends a stream with what the handler wants told behind it, if the caller takes trailer fields.
 *
 * @see RFC 9110 section 10.1.4 (`te: trailers`) and 6.5.1
 */
export function addTrailers(reply: FastifyReply, trailers: Trailers): void {
  const entries = sendable(trailers)
  if (entries.length > 0 && takesTrailers(reply.request.headers['te']))
    reply.raw.addTrailers(Object.fromEntries(entries))
}

function takesTrailers(te: unknown): boolean {
  return typeof te === 'string' && /(?:^|,)\s*trailers\s*(?:,|;|$)/i.test(te)
}

function sendable(trailers: Trailers): readonly (readonly [string, string])[] {
  return trailers === undefined ? [] : Object.entries(trailers).filter(([name]) => !isForbidden(name))
}

/** Whoever reads a trailer has acted already on what these say. @see RFC 9110 section 6.5.1 */
function isForbidden(name: string): boolean {
  return forbidden.has(name) || name.startsWith('content-')
}

const forbidden: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'connection',
  'host',
  'keep-alive',
  'location',
  'set-cookie',
  'te',
  listName,
  'trailer',
  'transfer-encoding',
  'upgrade',
  'vary',
  'www-authenticate',
])
