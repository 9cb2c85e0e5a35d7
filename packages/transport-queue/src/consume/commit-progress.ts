import type { AssignedPartition } from '../queue-driver.ts'

export interface CommitSurroundings {
  /** Longest time between an outcome and its commit; 0 for none at all. */
  readonly intervalMs: number
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

  /** Commits what is not committed. Never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#running = this.#waiting ??= this.#running.then(() => this.#commit())
    return this.#running
  }

  async #commit(): Promise<void> {
    this.#waiting = undefined
    const nextOffset = this.#uncommitted
    if (nextOffset === undefined) return
    try {
      if (!(await this.#partition.commit(nextOffset))) this.#surroundings.refused(nextOffset)
      if (this.#uncommitted === nextOffset) this.#uncommitted = undefined
    } catch (error) {
      this.#surroundings.failed(error)
      this.#tryAgain()
    }
  }

  /** Perhaps no outcome comes any more whose commit would cover it. A partition that is given up gets a last commit anyway. */
  #tryAgain(): void {
    if (this.#partition.revoked.aborted) return
    const delayMs = Math.max(this.#surroundings.intervalMs, againAfterMs)
    this.#timer ??= setTimeout(() => void this.flush(), delayMs)
  }
}

/** Shortest time after which a commit that failed is tried again. A guess: a broker that is away is not asked without end. */
const againAfterMs = 200
