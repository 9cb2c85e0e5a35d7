import { isUtf8 } from 'node:buffer'
import { type HttpOperation, type Operation, rawOutputOf } from '@tenon/core/contract'
import { compileJsonReader, ServiceError } from '@tenon/core/transport'
import type { WireReply } from './connection-pool.ts'
import { toReplyError } from './reply-error.ts'

/**
 * Decides once how a reply that is one value is read: JSON with native values where the schema says so, the bytes themselves,
 * or for a redirect nothing but its `Location`.
 *
 * @throws ServiceError what the remote said; `internal` for a reply that is too large or cannot be read.
 */
export function compileValueReader(
  operation: Operation,
  http: HttpOperation,
  limitBytes: number,
): (reply: WireReply) => Promise<unknown> {
  const isRaw = rawOutputOf(operation) !== undefined
  // An object whose reply has no body has no field.
  const isObject = operation.outputJsonSchema['type'] === 'object'
  const toNative = compileJsonReader(operation.outputJsonSchema) ?? ((value: unknown) => value)
  return async (reply) => {
    const { status, headers } = reply
    const nothing = isObject ? {} : undefined
    const { location } = http
    const body = await readWhole(reply, limitBytes)
    if (status === http.status && body.length === 0 && location !== undefined && headers.location !== undefined)
      return { [location]: headers.location }
    if (status < 200 || status > 299) throw toReplyError(reply, body)
    if (status === 204 || status === 205) return nothing
    if (isRaw) return new Uint8Array(body)
    if (body.length === 0) return nothing
    return toNative(parseJson(headers['content-type'], body))
  }
}

/** The media types that a caller of the operation reads. */
export function acceptedTypes(operation: Operation): string {
  return `${rawOutputOf(operation) ?? 'application/json'}, application/problem+json`
}

/** @throws ServiceError `internal` with reason `reply_too_large` */
export async function readWhole(reply: WireReply, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let lengthBytes = 0
  for await (const chunk of reply.body()) {
    lengthBytes += chunk.length
    if (lengthBytes > limitBytes) throw replyTooLarge('reply', limitBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, lengthBytes)
}

/** The remote's fault, which trying again does not mend. */
export function replyTooLarge(what: 'reply' | 'record', limitBytes: number): ServiceError {
  const message = `a ${what} of the remote is longer than the ${limitBytes} bytes of maxResponseBytes`
  return new ServiceError('internal', message, { reason: 'reply_too_large' })
}

/** @throws ServiceError `internal` with reason `undecodable` */
export function parseText(bytes: Buffer): unknown {
  try {
    if (isUtf8(bytes)) return JSON.parse(bytes.toString())
  } catch {
    // The parser's own message quotes the reply.
  }
  throw undecodable('it is not JSON')
}

/** @see RFC 8259 section 11, and RFC 6839 section 3.1 for `+json` */
const jsonType = /^(?:application\/json|[\w.!#$&^-]+\/[\w.!#$&^-]+\+json)\s*(?:;|$)/i

function parseJson(contentType: string | undefined, body: Buffer): unknown {
  if (contentType === undefined || !jsonType.test(contentType))
    throw undecodable(`it is not JSON but ${contentType ?? 'of no type'}`)
  return parseText(body)
}

function undecodable(why: string): ServiceError {
  return new ServiceError('internal', `the remote's answer cannot be decoded: ${why}`, { reason: 'undecodable' })
}
