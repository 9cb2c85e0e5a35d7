import type { Logger } from '@tenon/core/transport'
import type { QueueClock } from '../../wait.ts'
import type { TopicLag } from './topic-lag.ts'

export interface JoinWatchSurroundings {
  /** Undefined for a broadcast. */
  readonly group: string | undefined
  /** Who waits, and for what. */
  readonly wait: JoinWait
  /** How long it may have to wait. */
  readonly graceMs: number
  readonly clock: Pick<QueueClock, 'now'>
  readonly log: Logger
  /** That of any of its topics: whether the broker answers for the group. */
  readonly lag: Pick<TopicLag, 'read' | 'partitions'> | undefined
  /** Whether it waits now. */
  isJoining(): boolean
}

/** In words: `group user has not been given its partitions`. */
export interface JoinWait {
  readonly title: string
  /** What has not been so far, such as `been given its partitions`. */
  readonly lack: string
}

/** Finds a group that is not given its partitions, or a broadcast that cannot begin, though its broker answers. */
export class JoinWatch {
  readonly #surroundings: JoinWatchSurroundings
  /** Since when it waits and the broker answers. */
  #sinceAt: number | undefined
  #isTooLong = false

  constructor(surroundings: JoinWatchSurroundings) {
    this.#surroundings = surroundings
  }

  /** Since when the group waits, once that is too long; in epoch milliseconds. */
  get stuckSinceAt(): number | undefined {
    return this.#isTooLong ? this.#sinceAt : undefined
  }

  /** Counts nothing that was before now: it does not wait, or this process stood still. */
  grace(): void {
    const { clock, isJoining } = this.#surroundings
    if (this.#isTooLong) this.#tellEnded()
    this.#sinceAt = isJoining() ? clock.now() : undefined
    this.#isTooLong = false
  }

  /** It is not to join any more. */
  stop(): void {
    this.#sinceAt = undefined
    this.#isTooLong = false
  }

  /** Asks the broker while it waits. Never rejects. */
  async look(): Promise<void> {
    const { clock, graceMs, lag, isJoining } = this.#surroundings
    if (!isJoining()) return this.grace()
    const sinceAt = (this.#sinceAt ??= clock.now())
    await lag?.read()
    // Who does not answer counts as away; and it may have been given its partitions meanwhile.
    if (lag?.partitions === undefined || !isJoining()) return this.grace()
    if (this.#sinceAt !== sinceAt || this.#isTooLong || clock.now() - sinceAt < graceMs) return
    this.#isTooLong = true
    this.#tell(sinceAt)
  }

  #tell(sinceAt: number): void {
    const { group, wait, log } = this.#surroundings
    log.error({ group, sinceAt }, `${stuckText(wait, sinceAt)}; the service is not live until it is`)
  }

  #tellEnded(): void {
    const { group, wait, log, isJoining } = this.#surroundings
    const { title, lack } = wait
    log.warn(
      { group },
      isJoining() ? `${title} has not ${lack} and ${judgedAnew}` : `${title} waits no more to have ${lack}`,
    )
  }
}

/** What an operator is to read of it. */
export function stuckText({ title, lack }: JoinWait, sinceAt: number): string {
  return `${title} has not ${lack} since ${new Date(sinceAt).toISOString()}, though its broker answers`
}

const judgedAnew = 'is judged anew: its broker does not answer, or this process stood still'
