import type { DeadLetterStore } from '../../dead-letter/dead-letter-store.ts'
import type { GivenUp } from '../../dead-letter/dead-letter.ts'
import type { ReceivedRecord } from '../../queue-driver.ts'
import type { QueueSettings } from '../../queue-options.ts'
import { countSkipped } from '../../telemetry/message-metrics.ts'
import type { Telling } from '../tell-outcome.ts'

export interface Dropping extends Telling {
  readonly settings: Pick<QueueSettings, 'clock' | 'driver'>
}

/** What becomes of the messages of a broadcast that cannot be handled: a line of log each, and a count, since every process would bury its own. */
export class DroppedMessages implements Pick<DeadLetterStore, 'bury'> {
  readonly #telling: Dropping

  constructor(telling: Dropping) {
    this.#telling = telling
  }

  async bury({ topic, offset }: ReceivedRecord, { error, attemptCount }: GivenUp): Promise<true> {
    const { log, consumer, settings } = this.#telling
    const facts = { offset, code: error.code, reason: error.reason, attemptCount, err: error }
    countSkipped({ driver: settings.driver, topic, group: undefined }, error.code)
    log.error(facts, `${consumer.handler} gave a message up; a broadcast has no dead letters, so it is dropped`)
    return true
  }
}
