import { Metadata as GrpcMetadata } from '@grpc/grpc-js'
import type { Metadata } from '@tenon/core/transport'
import { inputEndName } from './input-end.ts'

/** Metadata made ready for the wire, and the names of those entries that gRPC cannot carry. */
export interface WrittenMetadata {
  readonly metadata: GrpcMetadata
  readonly refused: readonly string[]
}

/** The first value of each key; bytes, whose keys end in `-bin`, as base64. */
export function readMetadata(metadata: GrpcMetadata): Metadata {
  const texts: Record<string, string> = {}
  for (const [key, value] of Object.entries(metadata.getMap()))
    texts[key] = typeof value === 'string' ? value : value.toString('base64')
  return texts
}

/** Never throws: what gRPC cannot carry, or what is beyond the limit, is left out and named. */
export function writeMetadata(
  entries: Readonly<Record<string, string>>,
  limitBytes: number = largestBytes,
): WrittenMetadata {
  const metadata = new GrpcMetadata()
  const refused: string[] = []
  let leftBytes = limitBytes
  for (const [name, text] of Object.entries(entries)) {
    const sizeBytes = name.length + text.length + entryBytes
    const value = isReserved(name) || sizeBytes > leftBytes ? undefined : toValue(name, text)
    if (value === undefined) {
      if (name !== sizeName) refused.push(name)
    } else {
      leftBytes -= sizeBytes
      metadata.set(name, value)
    }
  }
  return { metadata, refused }
}

/** More than that a peer may refuse, and Node closes the connection beyond 64 KiB. @see gRPC over HTTP/2, Request-Headers: 8 KiB */
export const largestBytes = 8_192
/** @see RFC 9113 section 6.5.2, SETTINGS_MAX_HEADER_LIST_SIZE */
const entryBytes = 32

/** Undefined for what gRPC cannot carry. */
function toValue(name: string, text: string): string | Buffer | undefined {
  if (!keyForm.test(name)) return undefined
  if (!name.endsWith('-bin')) return valueForm.test(text) ? text : undefined
  return base64Form.test(text) ? Buffer.from(text, 'base64') : undefined
}

/** @see gRPC over HTTP/2, Custom-Metadata: Header-Name and ASCII-Value */
const keyForm = /^[0-9a-z_.-]+$/
const valueForm = /^[\x20-\x7e]*$/
/** @see RFC 4648 section 4; the padding may be left out */
const base64Form = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/

/** The size of a download, which its handler says for HTTP. Here nobody misses it, so its loss is not worth a word. */
const sizeName = 'content-length'

/** Names that belong to the protocol, or that only our client may vouch for. */
function isReserved(name: string): boolean {
  return name.startsWith('grpc-') || name === inputEndName || protocolNames.has(name)
}

/** @see gRPC over HTTP/2, Call-Definition, and RFC 9113 section 8.2.2 (connection-specific header fields) */
const protocolNames: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'content-type',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])
