import { randomUUID } from 'node:crypto'
import type { ErrorCode } from '@tenon/core/transport'

/** That a message was halted. */
export interface Halt {
  /** Until the next one it is not handled again. */
  readonly round: string
  readonly code: ErrorCode
  readonly attemptCount: number
  /** In epoch milliseconds. */
  readonly sinceAt: number
}

/** Which messages one assignment of a partition has halted, in memory or set aside. Another assignment goes by none of them. */
export class HaltedMessages {
  #round = randomUUID()
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Halts a message from now on. */
  add(facts: Omit<Halt, 'round'>): Halt {
    this.#count += 1
    return { ...facts, round: this.#round }
  }

  /** Whether a message is still halted. */
  has({ round }: Halt): boolean {
    return round === this.#round
  }

  /** Halts none of them any longer. How many there were. */
  release(): number {
    const count = this.#count
    this.#count = 0
    this.#round = randomUUID()
    return count
  }
}
