/** What keeping a piece costs beyond its bytes, however small it is. A guess: some 210 bytes of heap were measured with Node 24. */
const pieceBytes = 256

/** What is shorter is joined with what came before it. A guess: from there on a copy costs more than a piece. */
const smallBytes = 1_024

/** Longest piece that is made of small ones. A guess. */
const joinedBytes = 16_384

/** The bytes of a body that nobody has asked for yet, in the order in which they came. Many small pieces become few. */
export class WaitingBytes {
  readonly #pieces: Piece[] = []
  #costBytes = 0

  /** How much memory they take, about. */
  get costBytes(): number {
    return this.#costBytes
  }

  add(bytes: Buffer): void {
    const last = this.#pieces.at(-1)
    if (last !== undefined && isJoinable(last, bytes)) return this.#join(last, bytes)
    this.#pieces.push({ memory: bytes, lengthBytes: bytes.length, isOwn: false })
    this.#costBytes += bytes.length + pieceBytes
  }

  /** The first of them, of which nothing is kept; undefined when there are none. */
  take(): Buffer | undefined {
    const piece = this.#pieces.shift()
    if (piece === undefined) return undefined
    const { memory, lengthBytes } = piece
    this.#costBytes -= memory.length + pieceBytes
    return memory.subarray(0, lengthBytes)
  }

  clear(): void {
    this.#pieces.length = 0
    this.#costBytes = 0
  }

  #join(last: Piece, bytes: Buffer): void {
    const lengthBytes = last.lengthBytes + bytes.length
    if (lengthBytes > last.memory.length) {
      // Zeroed, for who is given the piece can see all of its memory.
      const memory = Buffer.alloc(Math.min(joinedBytes, Math.max(smallBytes, 2 * lengthBytes)))
      last.memory.copy(memory, 0, 0, last.lengthBytes)
      this.#costBytes += memory.length - last.memory.length
      last.memory = memory
      last.isOwn = true
    }
    bytes.copy(last.memory, last.lengthBytes)
    last.lengthBytes = lengthBytes
  }
}

interface Piece {
  memory: Buffer
  /** How much of the memory is filled. */
  lengthBytes: number
  /** Whether it was made of small ones. */
  isOwn: boolean
}

function isJoinable(last: Piece, { length }: Buffer): boolean {
  if (length >= smallBytes || last.lengthBytes + length > joinedBytes) return false
  return last.isOwn || last.lengthBytes < smallBytes
}
