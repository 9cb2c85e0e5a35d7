import type { AssignedPartition } from '../../queue-driver.ts'

export interface CommitSurroundings {
  /** Longest time between an outcome and its commit; 0 for none at all. */
  readonly intervalMs: number
  /** Told of a commit that the broker has. */
  stored(nextOffset: number): void
  /** Told of a commit that failed; it is tried again, unless the next one covers it before. */
  failed(error: unknown): void
  /** Told of a commit that was refused: the partition is another member's now. */
  refused(nextOffset: number): void
}

/** Commits what is done with in one partition, a while after it is, and never two commits at a time. */
export class CommitProgress {
  readonly #partition: AssignedPartition
  readonly #surroundings: CommitSurroundings
  #isHastened = false
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
    try {
      const isStored = await this.#partition.commit(nextOffset)
      this.#answered(nextOffset, isStored)
    } catch (error) {
      this.#isCommitting = false
      this.#surroundings.failed(error)
      this.#tryAgain(nextOffset)
    }
  }

  #answered(nextOffset: number, isStored: boolean): void {
    this.#isCommitting = false
    if (this.#uncommitted === nextOffset) this.#uncommitted = undefined
    if (!isStored) {
      this.#surroundings.refused(nextOffset)
      return this.#tryAgain(nextOffset)
    }
    this.#hasFailed = false
    // What failed before is covered, and to commit it now would go back.
    if (this.#uncommitted === undefined) this.#stopTimer()
    this.#surroundings.stored(nextOffset)
  }

  /**
   * Perhaps no outcome comes any more whose commit would cover it, and nothing more is taken before it is stored. What was refused
   * is another's soon; if it is not, the broker was asked between two generations. A partition that is given up gets a last commit
   * anyway.
   */
  #tryAgain(nextOffset: number): void {
    this.#hasFailed = true
    this.#stopTimer()
    if (this.#partition.revoked.aborted) return
    this.#timer = setTimeout(() => {
      this.#uncommitted ??= nextOffset
      void this.flush()
    }, againAfterMs)
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** After which a commit that was not stored is tried again. A guess: a broker that is away is not asked without end. */
const againAfterMs = 200
