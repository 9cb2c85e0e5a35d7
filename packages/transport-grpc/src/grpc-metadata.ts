import { Metadata as GrpcMetadata } from '@grpc/grpc-js'
import type { Metadata } from '@tenon/core/transport'

/** Text metadata made ready for the wire, and the names of those entries that gRPC cannot carry. */
export interface WrittenMetadata {
  readonly metadata: GrpcMetadata
  readonly refused: readonly string[]
}

/** The text values; binary ones, whose keys end in `-bin`, have no place in a call's metadata. */
export function readMetadata(metadata: GrpcMetadata): Metadata {
  const texts: Record<string, string> = {}
  for (const [key, value] of Object.entries(metadata.getMap())) if (typeof value === 'string') texts[key] = value
  return texts
}

/** Never throws: what gRPC cannot carry is left out and named. */
export function writeMetadata(entries: Readonly<Record<string, string>>): WrittenMetadata {
  const metadata = new GrpcMetadata()
  const refused: string[] = []
  for (const [name, value] of Object.entries(entries)) {
    if (keyForm.test(name) && valueForm.test(value) && !isReserved(name)) metadata.set(name, value)
    else refused.push(name)
  }
  return { metadata, refused }
}

/** @see gRPC over HTTP/2, Custom-Metadata: Header-Name and ASCII-Value */
const keyForm = /^[0-9a-z_.-]+$/
const valueForm = /^[\x20-\x7e]*$/

/** Names that belong to the protocol, and those that promise binary values. */
function isReserved(name: string): boolean {
  return name.startsWith('grpc-') || name.endsWith('-bin') || protocolNames.has(name)
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
