import { appendFileSync, readFileSync } from 'node:fs'
import type { DatedFact, Fact, Journal } from './journal.ts'

/** A journal that several processes write, each line at once: what a killed process had written is there. */
export class FileJournal implements Journal {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** The system appends one line after another, so their order is that in which things happened. @see POSIX write(), O_APPEND */
  add(fact: Fact): void {
    appendFileSync(this.#path, `${JSON.stringify({ ...fact, at: Date.now() })}\n`)
  }

  /** What is written so far, without a line that is being written. */
  read(): readonly DatedFact[] {
    const lines = readFileSync(this.#path, { encoding: 'utf8', flag: 'a+' }).split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line))
  }
}
