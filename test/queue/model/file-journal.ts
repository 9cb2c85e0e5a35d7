import { appendFileSync, closeSync, openSync, readSync } from 'node:fs'
import type { DatedFact, Fact, Journal } from './journal.ts'

/** A journal that several processes write, each line at once: what a killed process had written is there. */
export class FileJournal implements Journal {
  readonly #path: string
  readonly #facts: DatedFact[] = []
  /** Up to where the file has been read. */
  #position = 0

  constructor(path: string) {
    this.#path = path
  }

  /** The system appends one line after another, so their order is that in which things happened. @see POSIX write(), O_APPEND */
  add(fact: Fact): void {
    appendFileSync(this.#path, `${JSON.stringify({ ...fact, at: Date.now() })}\n`)
  }

  /** What is written so far. Reads only what is new. */
  read(): readonly DatedFact[] {
    const bytes = this.#readOn()
    const end = bytes.lastIndexOf('\n') + 1
    const lines = bytes.subarray(0, end).toString().split('\n').slice(0, -1)
    for (const line of lines) this.#facts.push(JSON.parse(line))
    this.#position += end
    return this.#facts
  }

  #readOn(): Buffer {
    const file = openSync(this.#path, 'a+')
    try {
      const pieces: Buffer[] = []
      for (let position = this.#position; ; ) {
        const piece = Buffer.alloc(pieceBytes)
        const count = readSync(file, piece, 0, pieceBytes, position)
        if (count === 0) return Buffer.concat(pieces)
        pieces.push(piece.subarray(0, count))
        position += count
      }
    } finally {
      closeSync(file)
    }
  }
}

const pieceBytes = 262_144
