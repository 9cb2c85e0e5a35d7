import type { AssignedPartition } from '../../queue-driver.ts'
import type { MessageStage, OldestMessage } from './consumer-report.ts'
import type { HandlerRun, WatchedLoop } from './watched-loop.ts'

/**
 * The loop over what was set aside of a partition, as one of that partition: its messages are named by where they lay in it. What lies
 * unread in the source is no business of it, so it never counts as fetching.
 */
export class ReadBackWatch implements WatchedLoop {
  readonly partition: AssignedPartition
  readonly #loop: WatchedLoop

  constructor(source: AssignedPartition, loop: WatchedLoop) {
    this.partition = source
    this.#loop = loop
  }

  get motion(): WatchedLoop['motion'] {
    return { movedAt: this.#loop.motion.movedAt, nextOffset: undefined, isFetching: false }
  }

  get oldest(): OldestMessage | undefined {
    return this.#loop.oldest
  }

  get uncommittedOffset(): number | undefined {
    return this.#loop.uncommittedOffset
  }

  get stages(): ReadonlyMap<number, MessageStage> {
    return this.#loop.stages
  }

  get runs(): Iterable<HandlerRun> {
    return this.#loop.runs
  }

  get isAwaitingRoom(): boolean {
    return this.#loop.isAwaitingRoom
  }
}
