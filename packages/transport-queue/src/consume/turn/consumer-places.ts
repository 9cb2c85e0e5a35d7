import type { Logger } from '@tenon/core/transport'
import type { QueueSettings } from '../../queue-options.ts'
import { Batcher } from '../batch/batcher.ts'
import type { ConsumerPlan, TopicConsumer } from '../plan/consumer-plan.ts'
import { Slots } from './slots.ts'

/** What one handler may have in hand at a time, over all its partitions in this process. */
export class ConsumerPlaces {
  /** Of messages. */
  readonly slots: Slots
  /** Where it takes several at once. */
  readonly batcher: Batcher | undefined

  constructor({ settings, handler, batch }: TopicConsumer, { name, clock }: QueueSettings, log: Logger) {
    const { concurrency, maxHandlerMs } = settings
    this.slots = new Slots(concurrency * (batch?.maxCount ?? 1))
    const surroundings = { transport: name, handler, concurrency, maxHandlerMs, clock, log }
    this.batcher = batch && new Batcher({ ...surroundings, batch })
  }

  /** Begins nothing until `resume`. Safe to call twice, as that. */
  hold(): void {
    this.slots.hold()
    this.batcher?.hold()
  }

  resume(): void {
    this.slots.resume()
    this.batcher?.resume()
  }

  /** Whether no message gets a place until calls have theirs. */
  get isHeld(): boolean {
    return this.slots.isHeld
  }

  /** Whether none is free, so that a message waits for one that others have. */
  get areTaken(): boolean {
    return this.slots.areTaken || this.batcher?.areTaken === true
  }
}

/** By handler: one that reads older topics too has no more places for that. */
export function placesOf(
  { consumers }: Pick<ConsumerPlan, 'consumers'>,
  settings: QueueSettings,
  log: Logger,
): ReadonlyMap<string, ConsumerPlaces> {
  return new Map([...consumers.values()].map((one) => [one.handler, new ConsumerPlaces(one, settings, log)]))
}

/**
 * Lets no message wait for others any more. What waits is handled then, if that is asked for at the very beginning of a drain, before the
 * dispatcher lets nothing in.
 */
export function flushAll(places: ReadonlyMap<string, ConsumerPlaces>): void {
  for (const { batcher } of places.values()) batcher?.flush()
}
