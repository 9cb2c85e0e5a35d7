import type { MessageOrder } from '@tenon/core/contract'
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
  /** The same for what it has said of the retry topic. */
  hasFailedBeside: boolean
  /** Whether another assignment of the same partition has begun. */
  hasSuccessor: boolean
  readonly outcomes: Set<number>
  /** What it has begun since its last commit that was stored. */
  readonly uncommitted: Set<number>
  /** The same of records of the retry topic, by their offsets there. */
  readonly uncommittedAside: Set<number>
  /** Lanes of which a handler runs. */
  readonly running: Map<string, number>
}

/** What has become of the messages of one partition. */
export class PlaceHistory {
  readonly place: Place
  readonly messages: readonly LoggedMessage[]
  readonly assignments: Assignment[] = []
  readonly #byOffset: ReadonlyMap<number, number>
  readonly #outcomes = new Set<number>()
  /** In order of lane: the message before it, and which lane each is of, by offset. */
  readonly #previousOfLane: readonly (number | undefined)[]
  /** When each was set aside first, counted from 1. */
  readonly #parked = new Map<number, number>()
  readonly #parkedLate = new Set<number>()
  readonly #lanesOf: ReadonlyMap<number, string>
  /** The last message of each that came to an outcome. */
  readonly #lastOfLane = new Map<string, number>()
  #prefixCount = 0
  /** The furthest that the broker has acknowledged. */
  stored = 0

  constructor(place: Place, messages: readonly LoggedMessage[], order: MessageOrder) {
    this.place = place
    this.messages = messages
    this.#byOffset = new Map(messages.map(({ offset }, index) => [offset, index]))
    this.#lanesOf = new Map(
      messages.flatMap((message) => {
        const lane = laneOf(message, order)
        return lane === undefined ? [] : [[message.offset, lane] as const]
      }),
    )
    const latest = new Map<string, number>()
    this.#previousOfLane = messages.map(({ offset }) => {
      const lane = this.laneAt(offset)
      if (lane === undefined) return undefined
      const previous = latest.get(lane)
      latest.set(lane, offset)
      return previous
    })
  }

  /** What a message has its order in; undefined for one that has none. */
  laneAt(offset: number): string | undefined {
    return this.#lanesOf.get(offset)
  }

  /** The end of the longest beginning of the partition in which every message has an outcome, or is set aside. */
  get prefixEnd(): number {
    for (let next = this.messages[this.#prefixCount]; next; next = this.messages[++this.#prefixCount])
      if (!this.#outcomes.has(next.offset) && !this.isParked(next.offset)) return next.offset
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
      hasFailedBeside: false,
      hasSuccessor: false,
      outcomes: new Set(),
      uncommitted: new Set(),
      uncommittedAside: new Set(),
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

  park(offset: number, { hasSuccessor }: Pick<Assignment, 'hasSuccessor'>): void {
    if (hasSuccessor) this.#parkedLate.add(offset)
    if (!this.isParked(offset)) this.#parked.set(offset, this.#parked.size + 1)
  }

  get parkedCount(): number {
    return this.#parked.size
  }

  /** Whether it was set aside by somebody who had lost the partition. */
  wasParkedLate(offset: number): boolean {
    return this.#parkedLate.has(offset)
  }

  isParked(offset: number): boolean {
    return this.#parked.has(offset)
  }

  /** Whether a message that was set aside before this one has no outcome in an assignment. */
  isBehindParked(offset: number, outcomes: ReadonlySet<number>): boolean {
    const turn = this.#parked.get(offset) ?? 0
    return [...this.#parked].some(([other, otherTurn]) => otherTurn < turn && !outcomes.has(other))
  }

  /** The last outcome of each lane that does not come last in the partition of those of its lane that have one. */
  notLast(): readonly (readonly [offset: number, after: number])[] {
    const furthest = new Map<string, number>()
    for (const offset of this.#outcomes) {
      const lane = this.laneAt(offset)
      if (lane !== undefined) furthest.set(lane, Math.max(furthest.get(lane) ?? -1, offset))
    }
    return [...this.#lastOfLane].flatMap(([lane, offset]) => {
      const after = furthest.get(lane) ?? offset
      return after > offset ? [[offset, after] as const] : []
    })
  }

  /** An outcome that nobody else's can follow. */
  addOwned(offset: number): void {
    const lane = this.laneAt(offset)
    if (lane === undefined) return
    // What a fenced owner has set aside of a message that its successor handled comes once more, behind later ones: note 0044.
    const isBehind = offset < (this.#lastOfLane.get(lane) ?? -1)
    if (!isBehind || !this.wasParkedLate(offset)) this.#lastOfLane.set(lane, offset)
  }

  hasOutcome(offset: number): boolean {
    return this.#outcomes.has(offset)
  }

  addOutcome(offset: number): void {
    this.#outcomes.add(offset)
  }

  /** The message before it of the same lane, when that has no outcome yet. */
  overtaken({ offset }: Pick<Handling, 'offset'>): number | undefined {
    const previous = this.#previousOfLane[this.#byOffset.get(offset) ?? -1]
    return previous === undefined || this.hasOutcome(previous) ? undefined : previous
  }

  /** The names of messages in whose lane at least one fails. */
  failingNames(): readonly string[] {
    const lanes = new Set(
      this.messages.flatMap(({ offset, hasFailures }) => (hasFailures ? [this.laneAt(offset)] : [])),
    )
    const isFailing = ({ offset, hasFailures }: LoggedMessage) => {
      const lane = this.laneAt(offset)
      return hasFailures || (lane !== undefined && lanes.has(lane))
    }
    return this.messages.filter(isFailing).map(({ key, number }) => `${key} ${number}`)
  }

  /** Messages without an outcome. */
  missing(): readonly LoggedMessage[] {
    return this.messages.filter(({ offset }) => !this.hasOutcome(offset))
  }
}

/** Messages of a lane keep their order: those of a key, or of all the partition, or none. */
function laneOf({ key, isKeyed }: LoggedMessage, order: MessageOrder): string | undefined {
  if (order === 'key') return isKeyed ? key : undefined
  return order === 'partition' ? 'the partition' : undefined
}
