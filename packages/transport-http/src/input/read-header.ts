import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import type { JsonSchema } from '@tenon/core/contract'
import { compileTextReader, invalidArgument } from '@tenon/core/transport'
import { readEntityTags } from '../entity-tag.ts'
import { listItems, unquote } from '../header-list.ts'
import { requestFault } from '../http-status.ts'

/**
 * Reads one input field from the headers of a request; undefined where there is none.
 *
 * @throws ServiceError `invalid_argument`
 */
export type ReadHeader = (headers: IncomingHttpHeaders) => unknown

/** Decides at boot how the field is read from its header: a version, a list, or one text. */
export function compileHeaderReader(field: string, name: string, schema: JsonSchema): ReadHeader {
  const read = compileTextReader(schema)
  const isList = schema['type'] === 'array'
  const toText = textReader(field)
  if (name === 'if-match' || name === 'if-none-match') return versionReader(name, { read, isList })
  return (headers) => {
    const found = headers[name]
    if (found === undefined) return undefined
    const text = toText(typeof found === 'string' ? found : found.join(', '))
    return read(isList ? listItems(text, 'quoted-string').map(unquote) : text)
  }
}

/** Node reads a byte of a header as a character each; ours is UTF-8. @see RFC 9110 section 5.5: opaque octets */
function textReader(field: string): (text: string) => string {
  return (text) => {
    if (!/\P{ASCII}/u.test(text)) return text
    const bytes = Buffer.from(text, 'latin1')
    if (isUtf8(bytes)) return bytes.toString()
    throw invalidArgument([{ field: `/${field}`, message: 'must be UTF-8', rule: 'unicode' }])
  }
}

interface VersionForm {
  readonly read: (text: string | readonly string[]) => unknown
  readonly isList: boolean
}

/**
 * The version that a condition names.
 *
 * @see RFC 9110 section 13.1.1: a weak tag never fulfils `If-Match`
 */
function versionReader(name: 'if-match' | 'if-none-match', { read, isList }: VersionForm): ReadHeader {
  return (headers) => {
    const header = headers[name]
    if (header === undefined) return undefined
    // Any version there is: a condition of `If-Match` on nothing but that, which a write finds out anyway.
    if (header.trim() === '*') return name === 'if-match' ? undefined : read(isList ? ['*'] : '*')
    const tags = readEntityTags(header)
    const [first, ...others] = tags ?? []
    if (first === undefined || (others.length > 0 && !isList)) {
      const expected = isList ? 'versions in double quotes' : 'one version in double quotes'
      throw requestFault('malformed_header', `${name} must be ${expected}, or *`, { header: name })
    }
    const usable = [first, ...others].filter(({ isWeak }) => name === 'if-none-match' || !isWeak)
    const versions = usable.map(({ version }) => version)
    const [version] = versions
    if (version === undefined) throw requestFault('version_mismatch', 'a weak version in if-match matches none')
    return read(isList ? versions : version)
  }
}
