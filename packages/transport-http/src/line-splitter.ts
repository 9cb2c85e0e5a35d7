const newline = 0x0a

/** Takes bytes apart into lines, whatever pieces they come in. Blank lines, which only show that a peer lives, are left out. */
export class LineSplitter {
  readonly #limitBytes: number
  readonly #toError: (index: number) => Error
  #parts: Buffer[] = []
  #lengthBytes = 0
  #index = 0

  /** @param toError Makes what is thrown for a line that is longer than the limit, by its place from 0. */
  constructor(limitBytes: number, toError: (index: number) => Error) {
    this.#limitBytes = limitBytes
    this.#toError = toError
  }

  /** The lines that end in the next piece. */
  *split(chunk: Buffer): Generator<Buffer, void> {
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#add(chunk.subarray(start, end))
      start = end + 1
      yield* this.end()
    }
    this.#add(chunk.subarray(start))
  }

  /** The line that has come so far, where something is on it. */
  *end(): Generator<Buffer, void> {
    const [only] = this.#parts
    const line = only && this.#parts.length === 1 ? only : Buffer.concat(this.#parts, this.#lengthBytes)
    this.#parts = []
    this.#lengthBytes = 0
    if (line.every((byte) => blanks.has(byte))) return
    this.#index += 1
    yield line
  }

  #add(part: Buffer): void {
    if (part.length === 0) return
    this.#lengthBytes += part.length
    if (this.#lengthBytes > this.#limitBytes) throw this.#toError(this.#index)
    this.#parts.push(part)
  }
}

/** Space, tab and carriage return. */
const blanks: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d])
