import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf'
import { StructSchema } from '@bufbuild/protobuf/wkt'

/** How much of a service's own details may travel. */
export interface OwnDetailsLimit {
  /** The room that is left in the headers in which they travel. */
  readonly limitBytes: number
  /** Is told the names of those that do not fit, or that JSON or protobuf cannot say. */
  readonly onRefused?: ((names: readonly string[]) => void) | undefined
}

/**
 * A service's own error details as a google.protobuf.Struct: as many whole entries as there is room for, in their order; undefined
 * when there are none. An entry is never cut: half of it could say something else.
 *
 * @see google/protobuf/struct.proto, whose values are those of JSON
 */
export function writeOwnDetails(
  details: Readonly<Record<string, unknown>>,
  { limitBytes, onRefused }: OwnDetailsLimit,
): Uint8Array | undefined {
  // Entries of a map are repeated fields, so that messages of one entry each make the whole message.
  const written: Uint8Array[] = []
  const refused: string[] = []
  let leftBytes = limitBytes
  for (const [name, value] of Object.entries(details)) {
    const bytes = writeEntry({ [name]: value }, leftBytes)
    if (bytes === undefined) refused.push(name)
    else written.push(bytes)
    leftBytes -= bytes?.length ?? 0
  }
  if (refused.length > 0) onRefused?.(refused)
  return leftBytes === limitBytes ? undefined : Buffer.concat(written)
}

/** @throws Error for bytes that are no Struct. */
export function readOwnDetails(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  return toJson(StructSchema, fromBinary(StructSchema, bytes)) as Readonly<Record<string, unknown>>
}

/** Undefined for an entry that does not fit or cannot be said; no bytes for one that JSON leaves out. */
function writeEntry(entry: Readonly<Record<string, unknown>>, leftBytes: number): Uint8Array | undefined {
  try {
    const text = JSON.stringify(entry).toWellFormed()
    if (text === '{}') return new Uint8Array()
    // A value of megabytes is not converted to be thrown away.
    if (text.length > leftBytes * mostCharactersOfByte) return undefined
    const bytes = toBinary(StructSchema, fromJson(StructSchema, JSON.parse(text) as JsonValue))
    return bytes.length > leftBytes || !isReadable(bytes) ? undefined : bytes
  } catch {
    // What cannot be said, such as a bigint, is no reason to lose the others.
    return undefined
  }
}

/** @see RFC 8259 section 7: a control character is `\u0000`, and one byte in UTF-8 */
const mostCharactersOfByte = 6

/** Not so when values lie deeper in values than readers take, who would then lose all details. */
function isReadable(bytes: Uint8Array): boolean {
  return Object.keys(readOwnDetails(bytes)).length > 0
}
