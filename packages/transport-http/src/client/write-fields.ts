import type { HttpOperation, NamedField, RouteSegment } from '@tenon/core/contract'
import { invalidArgument } from '@tenon/core/transport'
import { toEntityTag } from '../entity-tag.ts'

/** An input as an object. */
export type InputFields = Readonly<Record<string, unknown>>

/** An input divided among the places of a request. */
export interface WrittenFields {
  /** With the query, percent-encoded. */
  readonly path: string
  /** Header fields, and the cookies in one of them. */
  readonly headers: Readonly<Record<string, string>>
  /** What is left for the body. */
  readonly rest: InputFields
}

/** Decides once where each field of an input goes. @throws ServiceError `invalid_argument` naming a field that cannot go there. */
export function compileFieldWriter(http: HttpOperation): (input: InputFields) => WrittenFields {
  const { segments, parameters, query, headers, cookies, hasBody } = http
  const placed = new Set([...parameters, ...query, ...[...headers, ...cookies].map(({ field }) => field)])
  return (input) => {
    const undeclared = Object.keys(input).filter((name) => !placed.has(name))
    const names = hasBody ? query : [...query, ...undeclared]
    return {
      path: `/${segments.map((segment) => writeSegment(segment, input)).join('/')}${writeQuery(names, input)}`,
      headers: { ...writeHeaders(headers, input), ...writeCookies(cookies, input) },
      rest: hasBody ? Object.fromEntries(undeclared.map((name) => [name, input[name]])) : {},
    }
  }
}

/** Whether inputs of the operation have fields outside of the body. */
export function hasPlacedFields({ parameters, query, headers, cookies }: HttpOperation): boolean {
  return parameters.length + query.length + headers.length + cookies.length > 0
}

/** `encodeURIComponent` writes a colon as `%3A`, so that a value never ends in what looks like a custom verb. */
function writeSegment({ parameter, text }: RouteSegment, input: InputFields): string {
  if (parameter === undefined) return text
  const value = toText(parameter, input[parameter])
  if (value === '') throw misplaced(parameter, 'is part of the path and must not be empty', 'minLength')
  // Whoever stands between may take it for a step up, encoded or not. @see RFC 3986 section 6.2.2.3
  if (text === '' && /^\.{1,2}$/.test(value))
    throw misplaced(parameter, 'is part of the path and must not be a step in it', 'not')
  return `${encode(parameter, value)}${text}`
}

function writeQuery(names: readonly string[], input: InputFields): string {
  const pairs = names.flatMap((name) =>
    textsOf(name, input[name]).map((text) => `${encode(name, name)}=${encode(name, text)}`),
  )
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

function writeHeaders(fields: readonly NamedField[], input: InputFields): Readonly<Record<string, string>> {
  const written = fields.flatMap(({ field, name }) => {
    const value = input[field]
    const texts = textsOf(field, value)
    if (texts.length === 0) return []
    const isVersion = name === 'if-match' || name === 'if-none-match'
    const items = isVersion
      ? texts.flatMap((text) => toEntityTag(text) ?? [])
      : Array.isArray(value)
        ? texts.map(toListItem)
        : texts
    return [[name, toHeaderText(field, items.join(', '))] as const]
  })
  return Object.fromEntries(written)
}

/** @see RFC 9110 section 5.6.4: a quoted string */
function toListItem(text: string): string {
  return /^[^\s",\\]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** UTF-8, each byte of it as one character, which is how a header's text goes onto the wire. */
function toHeaderText(field: string, text: string): string {
  // What else a header cannot hold. @see RFC 9110 section 5.5
  if (!/^[^\p{Cc}]*$/u.test(text) || text.trim() !== text)
    throw misplaced(field, 'is sent in a header and must have no control characters, and no space around it', 'pattern')
  return Buffer.from(text).toString('latin1')
}

/** @see RFC 6265 section 4.2.1 */
function writeCookies(fields: readonly NamedField[], input: InputFields): { readonly cookie?: string } {
  const pairs = fields.flatMap(({ field, name }) =>
    textsOf(field, input[field]).map((text) => `${name}=${encode(field, text)}`),
  )
  return pairs.length === 0 ? {} : { cookie: pairs.join('; ') }
}

/** The texts of a field: none where it is absent, several where it is a list. */
function textsOf(field: string, value: unknown): readonly string[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value.map((item) => toText(field, item)) : [toText(field, value)]
}

function toText(field: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  throw misplaced(field, 'must be text, a number or a boolean where it is not in the body', 'type')
}

function encode(field: string, text: string): string {
  if (!text.isWellFormed()) throw misplaced(field, 'must be well-formed Unicode', 'unicode')
  return encodeURIComponent(text)
}

function misplaced(field: string, message: string, rule: string) {
  return invalidArgument([{ field: `/${field}`, message, rule }])
}
