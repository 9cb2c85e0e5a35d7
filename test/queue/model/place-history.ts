import type { Handling, Place } from './journal.ts'
import type { LoggedMessage } from './message.ts'

/** One assignment of a partition, as the journal tells it. */
export interface Assignment {
  readonly name: string
  readonly member: string
  readonly history: PlaceHistory
  /** Stored by anybody before it began. */
  readonly beganAtOffset: number
  /** Whether its member died, and whether it was taken away before nothing of it ran any more. */
  isDead: boolean
  isCut: boolean
  isSettled: boolean
  /** The end of what it has said is done with, and whether the broker did not store the last of that. */
  committed: number
  hasFailedCommit: boolean
  /** Whether another assignment of the same partition has begun. */
  hasSuccessor: boolean
  readonly outcomes: Set<number>
  /** What it has begun since its last commit that was stored. */
  readonly uncommitted: Set<number>
  /** Keys of which a handler runs. */
  readonly running: Map<string, number>
}

/** What has become of the messages of one partition. */
export class PlaceHistory {
  readonly place: Place
  readonly messages: readonly LoggedMessage[]
  readonly assignments: Assignment[] = []
  readonly #byOffset: ReadonlyMap<number, number>
  readonly #outcomes = new Set<number>()
  readonly #previousOfKey: readonly (number | undefined)[]
  #prefixCount = 0
  /** The furthest that the broker has acknowledged. */
  stored = 0

  constructor(place: Place, messages: readonly LoggedMessage[]) {
    this.place = place
    this.messages = messages
    this.#byOffset = new Map(messages.map(({ offset }, index) => [offset, index]))
    const latest = new Map<string, number>()
    this.#previousOfKey = messages.map(({ key, isKeyed, offset }) => {
      const previous = latest.get(key)
      if (isKeyed) latest.set(key, offset)
      return previous
    })
  }

  /** The end of the longest beginning of the partition in which every message has an outcome. */
  get prefixEnd(): number {
    for (let next = this.messages[this.#prefixCount]; next; next = this.messages[++this.#prefixCount])
      if (!this.#outcomes.has(next.offset)) return next.offset
    return (this.messages.at(-1)?.offset ?? -1) + 1
  }

  /** The end of the run of outcomes that begins at the offset; 0 without one. */
  endOf(outcomes: ReadonlySet<number>, fromOffset: number): number {
    let end = 0
    for (const { offset } of this.messages) {
      if (offset < fromOffset) continue
      if (!outcomes.has(offset)) break
      end = offset + 1
    }
    return end
  }

  begin(name: string, member: string): Assignment {
    for (const earlier of this.assignments) earlier.hasSuccessor = true
    const assignment: Assignment = {
      name,
      member,
      history: this,
      beganAtOffset: this.stored,
      isDead: false,
      isCut: false,
      isSettled: false,
      committed: 0,
      hasFailedCommit: false,
      hasSuccessor: false,
      outcomes: new Set(),
      uncommitted: new Set(),
      running: new Map(),
    }
    this.assignments.push(assignment)
    return assignment
  }

  messageAt(offset: number): LoggedMessage | undefined {
    const index = this.#byOffset.get(offset)
    return index === undefined ? undefined : this.messages[index]
  }

  /** The newest other assignment in which the message came to an outcome. */
  earlierOwner({ offset }: Pick<Handling, 'offset'>, current: Assignment): Assignment | undefined {
    return this.assignments.findLast((other) => other !== current && other.outcomes.has(offset))
  }

  hasOutcome(offset: number): boolean {
    return this.#outcomes.has(offset)
  }

  addOutcome(offset: number): void {
    this.#outcomes.add(offset)
  }

  /** The message before it of the same key, when that has no outcome yet. */
  overtaken({ offset }: Pick<Handling, 'offset'>): number | undefined {
    const previous = this.#previousOfKey[this.#byOffset.get(offset) ?? -1]
    return previous === undefined || this.hasOutcome(previous) ? undefined : previous
  }

  /** Messages without an outcome. */
  missing(): readonly LoggedMessage[] {
    return this.messages.filter(({ offset }) => !this.hasOutcome(offset))
  }
}
