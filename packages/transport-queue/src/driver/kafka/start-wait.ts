import type { Membership } from '../../queue-driver.ts'

export interface StartWaitSurroundings {
  readonly membership: Pick<Membership, 'group' | 'log'>
  /** How long a member waits for another: until the group would have noticed that this one is gone. */
  readonly sessionTimeoutMs: number
}

/**
 * What a member knows of topics of which its group has committed nothing, over all its assignments. Whoever owns partition 0 says
 * where the group begins; it may never do so, as a process of an older release does not, and then another member does.
 *
 * Each of those first finds the offsets, then looks once more whether there is a commit, and only then commits. So what it commits lies before
 * all that comes after anybody's commit: of several that do so at once none can skip anything for another.
 */
export class StartWait {
  readonly #surroundings: StartWaitSurroundings
  readonly #sinceAt = new Map<string, number>()
  readonly #found = new Map<string, readonly number[]>()
  readonly #failures = new Map<string, unknown>()
  readonly #told = new Set<string>()

  constructor(surroundings: StartWaitSurroundings) {
    this.#surroundings = surroundings
  }

  /** Whether it has waited long enough for the owner of partition 0. The first question begins the wait. */
  isOver(topic: string): boolean {
    const now = Date.now()
    const sinceAt = this.#sinceAt.get(topic) ?? now
    this.#sinceAt.set(topic, sinceAt)
    return now - sinceAt >= this.#surroundings.sessionTimeoutMs
  }

  /** Where the group would begin, in order of the partitions; undefined before it was found. It stays: what is published later is not to be missed. */
  offsetsOf(topic: string): readonly number[] | undefined {
    return this.#found.get(topic)
  }

  found(topic: string, offsets: readonly number[]): void {
    this.#found.set(topic, offsets)
  }

  /** Somebody has said it. `other`: this member, in the place of the owner of partition 0. */
  settled(topic: string, who: 'owner' | 'other'): void {
    if (who === 'other') this.#tell(topic, saidByOther)
    for (const known of [this.#sinceAt, this.#found, this.#failures]) known.delete(topic)
  }

  /** It could not be asked or said. Told once, when the wait is over. */
  failed(topic: string, error: unknown): void {
    const { group, log } = this.#surroundings.membership
    this.#failures.set(topic, error)
    log.debug({ group, topic, err: error }, 'it could not be found out where a group begins; it is tried again')
    if (this.isOver(topic)) this.#tell(topic, notSaid)
  }

  #tell(topic: string, text: string): void {
    if (this.#told.has(topic)) return
    this.#told.add(topic)
    const { group, log } = this.#surroundings.membership
    const err = this.#failures.get(topic)
    log.warn({ group, topic, partition: 0, ...(err !== undefined && { err }) }, text)
  }
}

const saidByOther =
  'the owner of partition 0 has not said where its group begins in a topic, as one of an older release does not; another member has'
const notSaid =
  'it is not known where a group begins in a topic: the owner of partition 0 has not said it, and this member cannot; its partitions wait'
