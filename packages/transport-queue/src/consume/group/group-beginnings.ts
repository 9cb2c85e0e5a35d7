import { type ConsumerStart, unlessAborted } from '@tenon/core/transport'
import type { AssignedPartition, MemberState } from '../../queue-driver.ts'
import { firstOf, type QueueClock } from '../../wait.ts'
import type { GroupWatch } from '../watch/group-watch.ts'

export interface BeginningSurroundings {
  readonly group: string
  /** Where the group begins in each topic that says so. */
  readonly starts: ReadonlyMap<string, ConsumerStart>
  readonly clock: QueueClock
  readonly watch: Pick<GroupWatch, 'begins' | 'hasBegun'>
  /** What the driver says of the membership. */
  state(): MemberState
}

/** How far the partitions have begun that this process was given: whether it is known where, and what was set aside of them. */
export class GroupBeginnings {
  readonly #surroundings: BeginningSurroundings
  /** Since when it is not known where they begin, of topics with a start. */
  readonly #unknown = new Map<AssignedPartition, number>()

  constructor(surroundings: BeginningSurroundings) {
    this.#surroundings = surroundings
  }

  /** A partition was given. Gives what is to be called when it has begun, or is given up; safe to call twice. */
  given(partition: AssignedPartition): () => void {
    const { clock, starts, watch } = this.#surroundings
    const { topic, partition: index } = partition
    const beginning = { partition: index, givenAt: clock.now() }
    let isOver = false
    const begin = () => {
      this.#unknown.delete(partition)
      if (!isOver) watch.begins(topic, beginning)
    }
    // Where somebody else has to say it, the driver tells what holds it up.
    if (starts.has(topic)) this.#unknown.set(partition, clock.now())
    if (starts.has(topic)) void partition.startOffset().then(begin)
    else begin()
    return () => {
      isOver = true
      this.#unknown.delete(partition)
      watch.hasBegun(topic, beginning)
    }
  }

  /**
   * Resolves when it is known where all partitions begin that this process owns, or that was waited for long enough: who is ready misses
   * nothing from then on, also where it begins at the end.
   *
   * @throws the signal's reason
   */
  async known(signal: AbortSignal): Promise<void> {
    const { clock, state } = this.#surroundings
    if (this.#unknown.size === 0 && state() !== 'joining') return
    await firstOf([(over) => this.#untilKnown(over), (over) => clock.wait(startTimeoutMs, over)], signal)
    signal.throwIfAborted()
  }

  /** Of which topics it is not known where their partitions begin, in words; nothing while it is known, or not asked for yet. */
  get unknown(): readonly string[] {
    const { group } = this.#surroundings
    return this.#topics(0).map((topic) => `group ${group} does not know yet where it begins in ${topic}`)
  }

  /** The same for those of which that was waited for long enough. */
  get longUnknown(): readonly string[] {
    const { group } = this.#surroundings
    return this.#topics(startTimeoutMs).map(
      (topic) => `group ${group} does not know where it begins in ${topic}, and reads nothing of it`,
    )
  }

  #topics(waitedMs: number): readonly string[] {
    const latestAt = this.#surroundings.clock.now() - waitedMs
    const late = [...this.#unknown].filter(([, sinceAt]) => sinceAt <= latestAt)
    return [...new Set(late.map(([{ topic }]) => topic))]
  }

  async #untilKnown(over: AbortSignal): Promise<void> {
    const { state, clock } = this.#surroundings
    while (!over.aborted) {
      const waiting = [...this.#unknown.keys()]
      await unlessAborted(Promise.all(waiting.map((partition) => partition.startOffset())), over)
      // What is given in the place of what was given up is asked, too.
      if (state() !== 'joining' && !waiting.some(({ revoked }) => revoked.aborted)) return
      await clock.wait(lookMs, over)
    }
  }
}

/** How long a service is not ready for it, at most: somebody else may have to say it who never does. A guess: twice as long as members take to be missed. */
const startTimeoutMs = 60_000
/** Between looks at a group that is being joined anew. A guess. */
const lookMs = 100
