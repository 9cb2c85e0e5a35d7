import type { ReceivedRecord } from '../queue-driver.ts'
import { type DeadLetter, readDeadLetter } from './dead-letter.ts'
import type { LetterTest } from './letter-filter.ts'

export interface PageBounds {
  readonly group: string
  readonly fromOffset: number
  /** Behind the last record that was there when the list was asked for. */
  readonly endOffset: number
  /** Which letters it holds. */
  readonly fits: LetterTest
}

interface PlacedLetter {
  readonly offset: number
  readonly letter: DeadLetter
}

/** The oldest dead letters of one partition that were read and not taken, from an offset on. */
export class LetterPage {
  readonly #bounds: PageBounds
  readonly #letters: PlacedLetter[] = []
  #readOffset: number

  constructor(bounds: PageBounds) {
    this.#bounds = bounds
    this.#readOffset = bounds.fromOffset
  }

  get endOffset(): number {
    return this.#bounds.endOffset
  }

  /** Takes the next records before the end, until it holds so many letters. Whether it needs no more. */
  add(records: readonly ReceivedRecord[], mostCount: number): boolean {
    for (const record of records) {
      if (this.#isRead || this.letterCount >= mostCount) return true
      this.#add(record)
    }
    return this.#isRead || this.letterCount >= mostCount
  }

  /** Learns that there are no more records before the end, as where the last of them were removed. */
  end(): void {
    this.#readOffset = this.#bounds.endOffset
  }

  /** How many letters it holds. */
  get letterCount(): number {
    return this.#letters.length
  }

  /** When the oldest letter that is left was given up, in epoch milliseconds. */
  get oldestAt(): number | undefined {
    return this.#letters[0]?.letter.lastFailedAt
  }

  /** The oldest letter that is left. */
  take(): DeadLetter | undefined {
    return this.#letters.shift()?.letter
  }

  /** Where the next page begins, behind all that was taken. */
  get nextOffset(): number {
    return this.#letters[0]?.offset ?? this.#readOffset
  }

  /** Whether nothing is left that was there when the list was asked for. */
  get isComplete(): boolean {
    return this.nextOffset >= this.#bounds.endOffset
  }

  get #isRead(): boolean {
    return this.#readOffset >= this.#bounds.endOffset
  }

  #add(record: ReceivedRecord): void {
    const { group, fits } = this.#bounds
    const { offset } = record
    this.#readOffset = offset + 1
    const letter = readDeadLetter(record, group)
    if (letter !== undefined && fits(letter)) this.#letters.push({ offset, letter })
  }
}
