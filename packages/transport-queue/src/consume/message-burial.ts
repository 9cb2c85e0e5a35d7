import { isUnreadable } from '@tenon/core/transport'
import type { DeadLetterStore, Refusal } from '../dead-letter/dead-letter-store.ts'
import type { GivenUp } from '../dead-letter/dead-letter.ts'
import type { AssignedPartition, ReceivedRecord } from '../queue-driver.ts'
import type { QueueClock } from '../wait.ts'
import type { BackOff } from './back-off.ts'
import type { MessageEnd } from './message-opener.ts'
import type { RetryHistory } from './retry-schedule.ts'

export interface BurialSurroundings {
  readonly deadLetters: Pick<DeadLetterStore, 'bury'>
  readonly backOff: Pick<BackOff, 'during' | 'wait'>
  readonly partition: Pick<AssignedPartition, 'revoked'>
  readonly clock: QueueClock
}

/** A history of a message that is to be buried. */
export interface EndHistory extends RetryHistory {
  readonly givenUp: GivenUp
}

/**
 * Buries the messages of a partition that were given up. One whose dead letter is refused again and again waits like a message that is
 * handled again later: it may be set aside, so that it holds up no other key, and is buried from there.
 */
export class MessageBurial {
  readonly #surroundings: BurialSurroundings
  /** Where dead letters are refused, by the offsets of their messages. */
  readonly #refusing = new Map<number, string>()

  constructor(surroundings: BurialSurroundings) {
    this.#surroundings = surroundings
  }

  /** What it cannot do, in words; undefined while no dead letter is refused. */
  get hindrance(): string | undefined {
    const [topic] = this.#refusing.values()
    return topic === undefined ? undefined : `it cannot store dead letters in ${topic}, and tries again`
  }

  /** Buries a message, or sets it aside. False when the partition is given up before. Never rejects. */
  bury(record: ReceivedRecord, { error, attemptCount, schedule }: MessageEnd): Promise<boolean> {
    const failedAt = this.#surroundings.clock.now()
    const firstFailedAt = schedule?.firstFailedAt ?? failedAt
    // Its handler never saw what nobody can read.
    const givenUp = { error, attemptCount: isUnreadable(error) ? 0 : attemptCount, firstFailedAt, failedAt }
    const history = schedule?.historyUntil(failedAt) ?? { dueAt: failedAt, firstFailedAt, ...notHandled }
    return this.#bury(record, { ...history, givenUp }, shortRefusalCount)
  }

  /** The same for one that was set aside to be buried. */
  buryAnew(record: ReceivedRecord, history: EndHistory): Promise<boolean> {
    return this.#bury(record, history, 1)
  }

  async #bury(record: ReceivedRecord, history: EndHistory, longFromCount: number): Promise<boolean> {
    const { deadLetters, backOff, partition, clock } = this.#surroundings
    const stage = { stage: 'buried', sinceAt: clock.now() } as const
    const awaitTry = async ({ topic, delayMs, refusalCount }: Refusal) => {
      if (refusalCount < longFromCount) return clock.wait(delayMs, partition.revoked).then(() => false)
      this.#refusing.set(record.offset, topic)
      return backOff.wait(record, stage, { ...history, dueAt: clock.now() + delayMs })
    }
    try {
      return await backOff.during(record, stage, deadLetters.bury(record, history.givenUp, awaitTry))
    } finally {
      this.#refusing.delete(record.offset)
    }
  }
}

const notHandled = { failureCount: 0, countedCount: 0 }
/** A topic is made, or a broker back, after fewer. A guess. */
const shortRefusalCount = 3
