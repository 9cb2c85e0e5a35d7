import type { Logger } from '@tenon/core/transport'
import type { PartitionProgress, QueueDriver } from '../../queue-driver.ts'
import { lagOf } from '../../partition-lag.ts'
import { type QueueClock, within } from '../../wait.ts'
import type { ConsumerReport } from './consumer-report.ts'

export interface LagSurroundings {
  readonly topic: string
  /** Undefined where the driver says of itself how far that is. */
  readonly group: string | undefined
  readonly driver: Pick<QueueDriver, 'describe'>
  readonly clock: Pick<QueueClock, 'now'>
  readonly log: Logger
}

type KnownLag = Pick<ConsumerReport, 'lagCount' | 'lagReadAt' | 'isLagCurrent'>

/** How many messages of a topic a group has not committed, as far as the broker said. Asks it only when it is told to. */
export class TopicLag {
  readonly #surroundings: LagSurroundings
  #partitions: readonly PartitionProgress[] = []
  #readAt: number | undefined
  #isCurrent = false
  /** Whether the log says so already. */
  #isAway = false
  #reading: Promise<void> | undefined

  constructor(surroundings: LagSurroundings) {
    this.#surroundings = surroundings
  }

  /** What is known; what was known before while the broker does not answer. */
  get known(): KnownLag {
    const lagCount = this.#readAt === undefined ? undefined : lagOf(this.#partitions)
    return { lagCount, lagReadAt: this.#readAt, isLagCurrent: this.#isCurrent }
  }

  /** How far the group has come in each partition; undefined when the broker did not answer when it was last asked. */
  get partitions(): readonly PartitionProgress[] | undefined {
    return this.#isCurrent ? this.#partitions : undefined
  }

  /** Asks the broker, once for all that ask at the same time. Never rejects. */
  read(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<void> {
    const { driver, topic, group, clock, log } = this.#surroundings
    try {
      const asked = driver.describe(topic, group)
      this.#partitions = await within(asked, answerTimeoutMs, `no answer within ${answerTimeoutMs} ms`)
      this.#readAt = clock.now()
      this.#isCurrent = true
      this.#isAway = false
    } catch (error) {
      this.#isCurrent = false
      // Once for an outage, however often somebody asks.
      if (!this.#isAway) log.warn({ err: error, topic, group }, 'the lag of a consumer could not be read')
      this.#isAway = true
    }
  }
}

/** Who looks at a report does not wait for ever. A guess. */
const answerTimeoutMs = 5_000
