import type { RecordHeader } from '../../queue-driver.ts'

/** Headers as one blob: for each its name and its value, with their lengths in 32 bits before them. */
export function writeHeaders(headers: readonly RecordHeader[]): Uint8Array {
  return Buffer.concat(headers.flatMap(([name, value]) => withLengths(Buffer.from(name), value)))
}

/** What `writeHeaders` has written. */
export function readHeaders(blob: Uint8Array): readonly RecordHeader[] {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength)
  const headers: RecordHeader[] = []
  for (let at = 0; at < bytes.length; ) {
    const nameEnd = at + 8 + bytes.readUInt32LE(at)
    const valueEnd = nameEnd + bytes.readUInt32LE(at + 4)
    headers.push([bytes.toString('utf8', at + 8, nameEnd), bytes.subarray(nameEnd, valueEnd)])
    at = valueEnd
  }
  return headers
}

function withLengths(name: Uint8Array, value: Uint8Array): readonly Uint8Array[] {
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32LE(name.byteLength, 0)
  lengths.writeUInt32LE(value.byteLength, 4)
  return [lengths, name, value]
}
