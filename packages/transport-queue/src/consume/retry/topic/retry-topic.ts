import { type Logger, ServiceError } from '@tenon/core/transport'
import type { AssignedPartition } from '../../../queue-driver.ts'
import type { QueueSettings } from '../../../queue-options.ts'
import type { GroupedConsumer } from '../../plan/consumer-plan.ts'
import { retryTopic } from '../write/parked-message.ts'
import { createdMs } from './retry-retention.ts'
import { isForbidden } from './retry-rights.ts'
import type { SharedProgress } from './shared-progress.ts'

export interface RetrySurroundings {
  /** That of the source. */
  readonly source: AssignedPartition
  readonly consumer: Pick<GroupedConsumer, 'topic' | 'group' | 'settings'>
  readonly settings: QueueSettings
  readonly log: Logger
  readonly progress: SharedProgress
}

/** What an assignment finds of the topic. */
export interface FoundTopic {
  readonly hasTopic: boolean
  /** Why it cannot be used by this assignment, if so. */
  readonly refusal: ServiceError | undefined
}

/** The topic in which messages of a consumer are set aside, as one assignment knows it. It is made when it is first needed. */
export class RetryTopic {
  readonly name: string
  readonly #surroundings: RetrySurroundings
  #found: FoundTopic = { hasTopic: false, refusal: undefined }

  constructor(surroundings: RetrySurroundings) {
    const { topic, group } = surroundings.consumer
    this.name = retryTopic(topic, group)
    this.#surroundings = surroundings
  }

  found({ hasTopic, refusal }: FoundTopic): void {
    this.#found = { hasTopic, refusal }
    if (refusal === undefined || this.isForbidden(refusal)) return
    const { log, progress } = this.#surroundings
    const text = `topic ${this.name} cannot be used; messages that fail wait in memory`
    if (progress.lines.isDue(text)) log.warn({ err: refusal }, text)
  }

  /** It is gone: it is made anew. */
  gone(): void {
    this.#found = { ...this.#found, hasTopic: false }
  }

  /** Whether its broker says that it is not there, and is sure of that; not where it was made, or known to be gone, meanwhile. @throws ServiceError */
  async isGone(): Promise<boolean> {
    const { progress, consumer } = this.#surroundings
    const before = this.#found
    try {
      await progress.describe(this.name, consumer.group)
      return false
    } catch (error) {
      if (!ServiceError.is(error) || error.code !== 'not_found') throw error
      return this.#found === before
    }
  }

  /**
   * Makes it unless it is known to be there. Where it is to be read, if so: it may have been there all the time, though a broker said that it
   * was not, and what is done with then is not to come again. What fails is tried anew by the next call.
   *
   * @throws ServiceError `failed_precondition` for a topic with fewer partitions than are needed, `unavailable`; Error of the driver
   */
  async make(): Promise<number | undefined> {
    const { hasTopic, refusal } = this.#found
    if (refusal !== undefined) throw refusal
    if (hasTopic) return undefined
    const { progress, consumer, settings, source } = this.#surroundings
    const { length: partitionCount } = await progress.describe(consumer.topic, consumer.group)
    await settings.driver.ensureTopics([{ topic: this.name, partitionCount, keptMs: createdMs(this.#surroundings) }])
    const partitions = await progress.describe(this.name, consumer.group).catch(toUnavailable)
    const own = partitions.find(({ partition }) => partition === source.partition)
    // Somebody else may have made it meanwhile, and make it larger.
    if (own === undefined) throw tooFew(this.name, partitions.length, source.partition)
    this.#found = { hasTopic: true, refusal: undefined }
    return Math.max(own.earliestOffset, own.committedOffset ?? 0)
  }

  /** Whether it may not be used, for a reason that no waiting mends. Says so in the log, for all partitions together. */
  isForbidden(error: unknown): error is ServiceError {
    const { consumer, log, progress } = this.#surroundings
    return isForbidden(error, { topic: this.name, group: consumer.group, log, progress })
  }
}

/** Why a topic cannot be used for a partition of its source. */
export function tooFew(topic: string, partitionCount: number, partition: number): ServiceError {
  const text = `topic ${topic} has ${partitionCount} partitions, and needs more than ${partition}, as many as its source`
  return new ServiceError('failed_precondition', text)
}

/** It was made a moment ago. */
function toUnavailable(error: unknown): never {
  if (!ServiceError.is(error) || error.code !== 'not_found') throw error
  throw new ServiceError('unavailable', 'a topic that was just made is not known to its broker yet', { cause: error })
}
