/**
 * The lines that each piece of a stream completes; what stands behind the last line end is kept for the next piece.
 *
 * @throws RangeError for a line over the limit.
 * @throws SyntaxError for a stream that ends in the middle of a line.
 */
export async function* linesOf(
  pieces: AsyncIterable<Uint8Array>,
  maxLength: number,
): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const piece of pieces) {
    const [first = '', ...others] = decoder.decode(piece, { stream: true }).split('\n')
    const lines = [rest + first, ...others]
    rest = lines.pop() ?? ''
    if (rest.length > maxLength) throw new RangeError(`a line of more than ${maxLength} characters`)
    if (lines.length > 0) yield lines.filter((line) => line !== '')
  }
  if (rest !== '') throw new SyntaxError('a line without an end')
}
