import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf'
import { StructSchema } from '@bufbuild/protobuf/wkt'

/**
 * A service's own error details as a google.protobuf.Struct; undefined when there are none, or too many for the headers in
 * which they would travel: half of them could say something else.
 *
 * @see google/protobuf/struct.proto, whose values are those of JSON
 */
export function writeOwnDetails(details: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  const text = toText(details)
  if (text === '{}' || text.length > longestOwnDetailsBytes) return undefined
  const bytes = toBinary(StructSchema, fromJson(StructSchema, JSON.parse(text) as JsonValue))
  return bytes.length > longestOwnDetailsBytes ? undefined : bytes
}

/** @throws Error for bytes that are no Struct. */
export function readOwnDetails(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  return toJson(StructSchema, fromBinary(StructSchema, bytes)) as Readonly<Record<string, unknown>>
}

/** Bytes, so that all details together stay within the 8 KiB of headers that callers take. */
const longestOwnDetailsBytes = 512

/** What JSON cannot say, such as a bigint, is no reason to lose code and message. */
function toText(details: object): string {
  try {
    return JSON.stringify(details).toWellFormed()
  } catch {
    return '{}'
  }
}
