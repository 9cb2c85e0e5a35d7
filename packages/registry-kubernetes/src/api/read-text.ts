/** @throws RangeError for text over the limit. */
export async function readText(pieces: AsyncIterable<Uint8Array>, maxLength: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of pieces) {
    text += decoder.decode(piece, { stream: true })
    if (text.length > maxLength) throw new RangeError(`a reply of more than ${maxLength} characters`)
  }
  return text + decoder.decode()
}
