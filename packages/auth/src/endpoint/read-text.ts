/** The text of a body. @throws Error once there is more of it than so many bytes, of which no more is read */
export async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = []
  let byteCount = 0
  for await (const part of body) {
    byteCount += part.byteLength
    if (byteCount > maxBytes) throw new Error(`the server answered with more than ${maxBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}
