import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { OpenReplies } from '../reply/open-replies.ts'
import type { FixedHeaders } from '../plugin/security-headers.ts'

/** What is the same for all replies of a server. */
export interface ReplyMatter {
  readonly replies: OpenReplies
  /** Set where a reply has none of the same name itself. Known before the server listens, though not when it is made. */
  fixedHeaders: FixedHeaders | undefined
}

/** Headers as `writeHead` takes them. */
export type GivenHeaders = OutgoingHttpHeaders | OutgoingHttpHeader[]

/** A reply whose headers can still be set. */
export interface HeadedReply {
  getHeaderNames(): string[]
  hasHeader(name: string): boolean
  setHeader(name: string, value: string): unknown
}

/**
 * The HTTP/1 replies of a server. They say `Connection: close` once callers are to go elsewhere, whoever writes them and however
 * long ago they began; so it is decided when the head is written.
 *
 * @see RFC 9112 section 9.6
 */
export function replyClass(matter: ReplyMatter): typeof ServerResponse {
  const { replies } = matter
  const Reply = class extends ServerResponse {
    override writeHead(statusCode: number, message?: string | GivenHeaders, given?: GivenHeaders): this {
      const { fixedHeaders } = matter
      if (replies.isWithdrawn) this.shouldKeepAlive = false
      // One of the two forms that Node takes; it tells them apart by itself.
      if (fixedHeaders === undefined) return super.writeHead(statusCode, message as string, given)
      if (typeof message === 'string') return super.writeHead(statusCode, message, addFixed(this, fixedHeaders, given))
      return super.writeHead(statusCode, addFixed(this, fixedHeaders, given ?? message))
    }
  }
  // The same but for the type of request it is for, which Node leaves open.
  return Reply as typeof ServerResponse
}

/** What a head is written with, so that it has the fixed headers too. */
export function addFixed(
  reply: HeadedReply,
  fixedHeaders: FixedHeaders,
  given: GivenHeaders | undefined,
): GivenHeaders | undefined {
  // Node writes an object as it is when nothing was set before, which is how Fastify writes.
  if (!Array.isArray(given) && reply.getHeaderNames().length === 0) return { ...fixedHeaders, ...given }
  for (const [name, value] of Object.entries(fixedHeaders)) if (!reply.hasHeader(name)) reply.setHeader(name, value)
  return given
}
