import type { HttpOperation } from '@tenon/core/contract'
import type { FastifyReply } from 'fastify'
import { isListed, toEntityTag } from '../entity-tag.ts'

/** Sends fields of an output as headers; true when the caller has this version already. */
export type AddFields = (reply: FastifyReply, value: unknown) => boolean

/** Decides at boot which fields of the output are headers too; undefined where none is. */
export function compileFields({ method, status, etag, location }: HttpOperation): AddFields | undefined {
  if (etag === undefined && location === undefined) return undefined
  const isRedirect = status >= 300
  return (reply, value) => {
    const address = location === undefined ? undefined : fieldOf(value, location)
    if (typeof address === 'string') reply.header('location', toUriReference(address))
    else if (isRedirect) throw new TypeError('a redirect must have an address')
    const tag = etag === undefined ? undefined : toEntityTag(fieldOf(value, etag))
    if (tag === undefined) return false
    reply.header('etag', tag)
    const known = reply.request.headers['if-none-match']
    return method === 'GET' && known !== undefined && isListed(known, tag)
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/**
 * Percent-encodes what no address may hold, and leaves alone what is encoded already.
 *
 * @see RFC 3986 section 2
 */
export function toUriReference(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]|["<>\\^`{|}]/gu, encodeURIComponent)
}
