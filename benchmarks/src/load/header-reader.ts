/**
 * Reads header blocks for the one field that tells how a call ended, with its table of earlier fields. Texts are compared as they
 * were sent, for there is one way to compress each; nothing is ever dropped from the table, for a sender that dropped a field does
 * not name it again.
 *
 * @see RFC 7541 (HPACK), section 6
 */
export class HeaderReader {
  readonly #table: Field[] = []

  /** Whether `grpc-status` is there and 0. */
  isOk(block: Buffer): boolean {
    const cursor = new Cursor(block)
    let isOk = false
    while (!cursor.isAtEnd) {
      const { name, value } = this.#next(cursor)
      if (statusNames.has(name)) isOk = okValues.has(value)
    }
    return isOk
  }

  #next(cursor: Cursor): Field {
    const kind = cursor.peek()
    if (kind & 0x80) return this.#at(cursor.integer(7))
    if (kind & 0x40) {
      const field = this.#literal(cursor, cursor.integer(6))
      this.#table.push(field)
      return field
    }
    if (kind & 0x20) {
      cursor.integer(5)
      return other
    }
    return this.#literal(cursor, cursor.integer(4))
  }

  #literal(cursor: Cursor, nameIndex: number): Field {
    const name = nameIndex === 0 ? cursor.text() : this.#at(nameIndex).name
    return { name, value: cursor.text() }
  }

  /** The newest field has the lowest number above those that everyone knows, of which none is looked for. */
  #at(index: number): Field {
    return this.#table[this.#table.length - (index - staticCount)] ?? other
  }
}

interface Field {
  readonly name: string
  readonly value: string
}

const other: Field = { name: '', value: '' }
/** @see RFC 7541 appendix A */
const staticCount = 61
/** As it is, and in the code of RFC 7541 appendix B, whose mark is the first bit of the length. */
const statusNames: ReadonlySet<string> = new Set([
  '\u000bgrpc-status',
  '\u0088\u009a\u00ca\u00c8\u00b2\u00124\u00da\u008f',
])
const okValues: ReadonlySet<string> = new Set(['\u00010', '\u0081\u0007'])

class Cursor {
  readonly #block: Buffer
  #at = 0

  constructor(block: Buffer) {
    this.#block = block
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#block.length
  }

  peek(): number {
    return this.#block[this.#at] ?? 0
  }

  /** @see RFC 7541 section 5.1 */
  integer(bits: number): number {
    const mask = (1 << bits) - 1
    let value = this.#take() & mask
    if (value < mask) return value
    for (let shift = 0; ; shift += 7) {
      const byte = this.#take()
      value += (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }

  /** With its length in front, which also tells how it is coded. */
  text(): string {
    const start = this.#at
    const length = this.integer(7)
    this.#at += length
    return this.#block.toString('latin1', start, this.#at)
  }

  #take(): number {
    const byte = this.#block[this.#at++]
    if (byte === undefined) throw new Error('a header block ends within a field')
    return byte
  }
}
