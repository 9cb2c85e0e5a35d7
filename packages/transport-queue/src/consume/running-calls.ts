import type { AssignedPartition } from '../queue-driver.ts'
import type { QueueCall } from './queue-call.ts'
import type { Slots } from './slots.ts'

/** The calls of a partition that run. Each has a place, which it gives back when it ends, or before when the partition is lost. */
export class RunningCalls {
  readonly #slots: Slots
  readonly #running = new Set<QueueCall>()
  /** Whose handlers go on though nobody waits for them any more. */
  readonly #overtaken = new Set<QueueCall>()

  constructor({ lost }: Pick<AssignedPartition, 'lost'>, slots: Slots) {
    this.#slots = slots
    // One listener for all of them, since there is one for every message.
    lost.addEventListener('abort', () => this.#abandonAll(), { once: true })
  }

  /** Those that run, and those that were overtaken and still do. */
  get all(): readonly QueueCall[] {
    return [...this.#running, ...this.#overtaken]
  }

  begin(call: QueueCall): void {
    this.#running.add(call)
  }

  /** Gives its place back; false when that was done because the partition is lost. */
  end(call: QueueCall): boolean {
    const isOurs = this.#running.delete(call)
    if (isOurs) this.#slots.release()
    return isOurs
  }

  /** Its handler goes on though its time is over twice, and its message is handled again beside it. */
  overtake(call: QueueCall): void {
    this.#overtaken.add(call)
    void call.quiet.then(() => this.#overtaken.delete(call))
  }

  /** Tells all handlers that others may have their messages, and waits for none: one may go on for ever. */
  #abandonAll(): void {
    const abandoned = [...this.#running]
    this.#running.clear()
    this.#overtaken.clear()
    for (const call of abandoned) {
      call.abandon()
      this.#slots.release()
    }
  }
}
