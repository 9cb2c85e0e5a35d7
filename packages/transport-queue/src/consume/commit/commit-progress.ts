import type { AssignedPartition } from '../../queue-driver.ts'

export interface CommitSurroundings {
  /** Longest time between an outcome and its commit; 0 for none at all. */
  readonly intervalMs: number
  /** Told of a commit that the broker has. */
  stored(nextOffset: number): void
  /** Told of a commit that the broker does not have, or has not said that it has. */
  notStored(commit: LostCommit): void
}

export interface LostCommit {
  readonly nextOffset: number
  /** Undefined when it was refused: the partition is another member's, or the broker was asked between two generations. */
  readonly error?: unknown
  /** Whether it is tried again, alone or by one that covers it. The last of a partition that is given up is not. */
  readonly isTriedAgain: boolean
}

/** Commits what is done with in one partition, a while after it is, and never two commits at a time. */
export class CommitProgress {
  readonly #partition: AssignedPartition
  readonly #surroundings: CommitSurroundings
  #isHastened = false
  #isEnding = false
  /** Up to where all is done with, until the broker has it. */
  #uncommitted: number | undefined
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  /** The commit that comes after the running one, for all that wait for it. */
  #waiting: Promise<void> | undefined
  #isCommitting = false
  /** Whether the last commit was not stored. It has a time at which it is tried again. */
  #hasFailed = false

  constructor(partition: AssignedPartition, surroundings: CommitSurroundings) {
    this.#partition = partition
    this.#surroundings = surroundings
  }

  /** Says that all before the offset is done with. Gives the commit to wait for where each outcome is committed on its own. */
  advance(nextOffset: number): Promise<void> | undefined {
    const { intervalMs } = this.#surroundings
    this.#uncommitted = nextOffset
    if (intervalMs === 0 || this.#isHastened) return this.flush()
    this.#timer ??= setTimeout(() => void this.flush(), intervalMs)
    return undefined
  }

  /** From now on commits each outcome on its own. */
  hasten(): void {
    this.#isHastened = true
    void this.flush()
  }

  /** Commits now, unless a commit is under way, or waits for its time to be tried again. */
  hurry(): void {
    if (this.#isCommitting || this.#waiting !== undefined || this.#hasFailed) return
    void this.flush()
  }

  /** Commits what is not committed a last time. Never rejects. */
  end(): Promise<void> {
    this.#isEnding = true
    return this.flush()
  }

  /** Commits what is not committed. Never rejects. */
  flush(): Promise<void> {
    this.#stopTimer()
    this.#running = this.#waiting ??= this.#running.then(() => this.#commit())
    return this.#running
  }

  async #commit(): Promise<void> {
    this.#waiting = undefined
    const nextOffset = this.#uncommitted
    if (nextOffset === undefined) return
    this.#isCommitting = true
    const lost = await this.#ask(nextOffset)
    this.#isCommitting = false
    if (lost) this.#tryAgain(lost)
    else this.#stored(nextOffset)
  }

  /** Undefined when it is stored. */
  async #ask(nextOffset: number): Promise<Omit<LostCommit, 'isTriedAgain'> | undefined> {
    try {
      return (await this.#partition.commit(nextOffset)) ? undefined : { nextOffset }
    } catch (error) {
      return { nextOffset, error }
    }
  }

  #stored(nextOffset: number): void {
    this.#hasFailed = false
    if (this.#uncommitted === nextOffset) {
      this.#uncommitted = undefined
      this.#stopTimer()
    }
    this.#surroundings.stored(nextOffset)
  }

  /**
   * Perhaps no outcome comes any more whose commit would cover it, and nothing more is taken before it is stored. What was refused
   * is another's soon; if it is not, the broker was asked between two generations.
   */
  #tryAgain(lost: Omit<LostCommit, 'isTriedAgain'>): void {
    this.#hasFailed = true
    this.#stopTimer()
    const isTriedAgain = !this.#isEnding || this.#waiting !== undefined
    this.#surroundings.notStored({ ...lost, isTriedAgain })
    if (!this.#isEnding) this.#timer = setTimeout(() => void this.flush(), againAfterMs)
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** After which a commit that was not stored is tried again. A guess: a broker that is away is not asked without end. */
const againAfterMs = 200
