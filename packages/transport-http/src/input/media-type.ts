import type { IncomingHttpHeaders } from 'node:http'
import { requestFault } from '../http-status.ts'

/** What a body may be sent as. */
export interface BodyType {
  /** As it is told to callers: `application/json`. */
  readonly name: string
  /** What the header must look like. */
  readonly form: RegExp
  /** Whether it is text, and so must be UTF-8. */
  readonly isText: boolean
}

/** @see RFC 8259 section 11, and RFC 6839 section 3.1 for `+json` */
export const jsonType: BodyType = Object.freeze({
  name: 'application/json',
  form: /^(?:application\/json|[\w.!#$&^-]+\/[\w.!#$&^-]+\+json)\s*(?:;|$)/i,
  isText: true,
})

export const ndjsonType: BodyType = Object.freeze({
  name: 'application/x-ndjson',
  form: /^application\/x-ndjson\s*(?:;|$)/i,
  isText: true,
})

/** Bytes that are not ours to read, with or without parameters behind the type. */
export function rawType(name: string): BodyType {
  const form = new RegExp(`^${name.replaceAll(/[.+^$]/g, String.raw`\$&`)}\\s*(?:;|$)`, 'i')
  return Object.freeze({ name, form, isText: false })
}

/**
 * Refuses a body of another type, in another charset than UTF-8, or encoded in any way.
 *
 * @throws ServiceError `invalid_argument` with reason `unsupported_media_type`; its details say what would have been taken.
 * @see RFC 9110 section 15.5.16
 */
export function requireType(headers: IncomingHttpHeaders, type: BodyType): void {
  const found = headers['content-type']
  if (found !== type.name) requireForm(found, type)
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return
  const message = `the body must not be encoded, found content-encoding ${encoding}`
  throw requestFault('unsupported_media_type', message, { acceptEncoding: 'identity' })
}

function requireForm(found: string | undefined, { name, form, isText }: BodyType): void {
  const accept = { accept: name }
  if (found === undefined || !form.test(found)) {
    const message = `the body must be ${name}, found ${found === undefined ? 'no content-type' : found}`
    throw requestFault('unsupported_media_type', message, accept)
  }
  const charset = isText ? charsetOf(found) : undefined
  if (charset === undefined || charset === 'utf-8' || charset === 'utf8') return
  throw requestFault('unsupported_media_type', `the body must be UTF-8, found charset ${charset}`, accept)
}

/** In lower case, without quotes. @see RFC 9110 section 8.3.2 */
function charsetOf(contentType: string): string | undefined {
  const [, ...parameters] = contentType.toLowerCase().split(';')
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('charset='))
  return charset?.slice('charset='.length).replaceAll('"', '')
}
