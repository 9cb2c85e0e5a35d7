/** The bytes of base64 text; undefined for text that is not exactly how these bytes are written. @see RFC 4648 section 4 */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  // Memory of its own: a handler that looks at `.buffer` must not find what others had in a shared pool.
  const bytes = new Uint8Array((text.length / 4) * 3 - padding)
  const buffer = Buffer.from(bytes.buffer)
  // Node skips what it cannot read, so only writing the bytes again shows whether all of the text was meant.
  const isWhole = buffer.write(text, 'base64') === bytes.length && buffer.toString('base64') === text
  return isWhole ? bytes : undefined
}

export function toBase64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64')
}
