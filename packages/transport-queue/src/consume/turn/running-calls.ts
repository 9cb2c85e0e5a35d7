import type { Outcome } from '@tenon/core/transport'
import type { AssignedPartition } from '../../queue-driver.ts'
import type { Batcher } from '../batch/batcher.ts'
import type { TopicConsumer } from '../plan/consumer-plan.ts'
import type { QueueCall } from '../queue-call.ts'
import type { Slots } from './slots.ts'
import type { MessageStage } from '../watch/consumer-report.ts'

export interface RunningSurroundings {
  readonly partition: Pick<AssignedPartition, 'lost' | 'revoked'>
  readonly slots: Slots
  readonly consumer: Pick<TopicConsumer, 'batch' | 'dispatch'>
  /** Where the handler takes several messages at once. */
  readonly batcher: Batcher | undefined
  /** What messages wait for that are not with their handler. */
  readonly stages: Map<number, MessageStage>
}

/** The calls of a partition that run. Each has a place, which it gives back when it ends, or before when the partition is lost. */
export class RunningCalls {
  readonly #slots: Slots
  readonly #dispatch: (call: QueueCall) => Promise<Outcome>
  readonly #running = new Set<QueueCall>()
  /** Whose handlers go on though nobody waits for them any more. */
  readonly #overtaken = new Set<QueueCall>()

  constructor({ partition, slots, consumer, batcher, stages }: RunningSurroundings) {
    const { lost, revoked } = partition
    const { batch } = consumer
    this.#slots = slots
    if (batcher === undefined || batch === undefined) this.#dispatch = (call) => consumer.dispatch(call)
    else {
      const from = { batch, revoked, stages }
      this.#dispatch = (call) => batcher.handle(call, from)
      revoked.addEventListener('abort', () => batcher.giveUp(revoked), { once: true })
    }
    // One listener for all of them, since there is one for every message.
    lost.addEventListener('abort', () => this.#abandonAll(), { once: true })
  }

  /** Those with their handler, and those that were overtaken and still are. */
  get all(): readonly QueueCall[] {
    return [...this.#running, ...this.#overtaken].filter(({ isWaiting }) => !isWaiting)
  }

  /** Hands a message that has a place to its handler, alone or with others. Never rejects. */
  begin(call: QueueCall): Promise<Outcome> {
    this.#running.add(call)
    return this.#dispatch(call)
  }

  /** Gives its place back; false when that was done because the partition is lost. */
  end(call: QueueCall): boolean {
    const isOurs = this.#running.delete(call)
    if (isOurs) this.#release(call)
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
      this.#release(call)
    }
  }

  #release(call: QueueCall): void {
    this.#slots.release()
    call.leaves()
  }
}
