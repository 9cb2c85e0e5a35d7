import type { ReceivedRecord } from '../queue-driver.ts'
import { type DeadLetter, readDeadLetter } from './dead-letter.ts'
import type { LetterTest } from './letter-filter.ts'

export interface PageBounds {
  readonly group: string
  /** Most letters that it holds. */
  readonly maxCount: number
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

/** The oldest dead letters of one partition, from an offset on. */
export class LetterPage {
  readonly #bounds: PageBounds
  readonly #letters: PlacedLetter[] = []
  #readOffset: number

  constructor(bounds: PageBounds) {
    this.#bounds = bounds
    this.#readOffset = bounds.fromOffset
  }

  /** Whether it needs no more records. */
  get isFull(): boolean {
    return this.#readOffset >= this.#bounds.endOffset || this.#letters.length >= this.#bounds.maxCount
  }

  get endOffset(): number {
    return this.#bounds.endOffset
  }

  /** Takes the next records before the end, as many as it needs. */
  add(records: readonly ReceivedRecord[]): void {
    for (const record of records) {
      if (this.isFull) return
      this.#add(record)
    }
  }

  /** Learns that there are no more records before the end, as where the last of them were removed. */
  end(): void {
    this.#readOffset = this.#bounds.endOffset
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

  #add(record: ReceivedRecord): void {
    const { group, fits } = this.#bounds
    const { offset } = record
    this.#readOffset = offset + 1
    const letter = readDeadLetter(record, group)
    if (letter !== undefined && fits(letter)) this.#letters.push({ offset, letter })
  }
}
