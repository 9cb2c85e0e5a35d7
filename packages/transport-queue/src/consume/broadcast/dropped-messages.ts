import type { DeadLetterStore } from '../../dead-letter/dead-letter-store.ts'
import type { GivenUp } from '../../dead-letter/dead-letter.ts'
import type { ReceivedRecord } from '../../queue-driver.ts'
import type { Telling } from '../tell-outcome.ts'

/** What becomes of the messages of a broadcast that cannot be handled: a line of log each, since every process would bury its own. */
export class DroppedMessages implements Pick<DeadLetterStore, 'bury'> {
  readonly #telling: Telling

  constructor(telling: Telling) {
    this.#telling = telling
  }

  async bury({ offset }: ReceivedRecord, { error, attemptCount }: GivenUp): Promise<true> {
    const { log, consumer } = this.#telling
    const facts = { offset, code: error.code, reason: error.reason, attemptCount, err: error }
    log.error(facts, `${consumer.handler} gave a message up; a broadcast has no dead letters, so it is dropped`)
    return true
  }
}
