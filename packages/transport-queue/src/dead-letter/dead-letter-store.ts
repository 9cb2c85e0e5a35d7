import { isUnreadable, type Logger, unlessAborted } from '@tenon/core/transport'
import { isRecordTooLarge } from '../driver/record-too-large.ts'
import type { AssignedPartition, ReceivedRecord, RecordToSend } from '../queue-driver.ts'
import type { QueueSettings } from '../queue-options.ts'
import { within } from '../wait.ts'
import { ThinLines } from '../thin-lines.ts'
import { type Burial, deadLetterForms, deadLetterTopic, omittedParts } from './dead-letter.ts'

export interface StoreSurroundings {
  readonly partition: AssignedPartition
  readonly consumer: Pick<Burial, 'group' | 'handler'>
  readonly settings: QueueSettings
  readonly log: Logger
  /** How long to wait before what could not be stored is tried again, one wait after the other. */
  delays(): Iterator<number, never>
}

/** How a message was given up. */
export type GivenUp = Pick<Burial, 'error' | 'attemptCount'> & {
  /** Epoch milliseconds; undefined when it was never handled. */
  readonly firstFailedAt: number | undefined
}

type Tell = (error: unknown, text: string) => void

/** Stores what a consumer gives up in the messages of one partition. */
export class DeadLetterStore {
  readonly #surroundings: StoreSurroundings

  constructor(surroundings: StoreSurroundings) {
    this.#surroundings = surroundings
  }

  /** Stores a message as a dead letter, however often that takes. False when the partition is given up before. Never rejects. */
  async bury(record: ReceivedRecord, { error, attemptCount: triedCount, firstFailedAt }: GivenUp): Promise<boolean> {
    const { partition, consumer, log, settings } = this.#surroundings
    const { group, handler } = consumer
    // Its handler never saw what nobody can read.
    const attemptCount = isUnreadable(error) ? 0 : triedCount
    const failedAt = settings.clock.now()
    const burial = { error, group, handler, attemptCount, firstFailedAt: firstFailedAt ?? failedAt, failedAt }
    const topic = deadLetterTopic(record.topic, group)
    const letter = new ShrinkingLetter(deadLetterForms(record, burial))
    const delays = this.#surroundings.delays()
    const lines = new ThinLines(settings.clock)
    const tell = (error: unknown, text: string) => {
      if (lines.isDue(text)) log.error({ offset: record.offset, err: error }, text)
    }
    while (!(await this.#store(letter, tell))) {
      if (partition.revoked.aborted) return false
      await settings.clock.wait(delays.next().value, partition.revoked)
      if (partition.revoked.aborted) return false
      await this.#ensureTopic(topic, tell)
    }
    const facts = { offset: record.offset, code: error.code, reason: error.reason, attemptCount, err: error }
    log.error(facts, `${handler} gave a message up; it is in ${topic}${letter.lack}`)
    return true
  }

  /** False when it was not stored, for now. Leaves out ever more of the message where the broker finds it too large, so that none blocks anything. */
  async #store(letter: ShrinkingLetter, tell: Tell): Promise<boolean> {
    const { partition, settings } = this.#surroundings
    const bound = { timeoutMs: settings.requestTimeoutMs, signal: partition.lost }
    for (;;) {
      try {
        await settings.driver.produce([letter.form], bound)
        return true
      } catch (cause) {
        tell(cause, `a message could not be stored in ${letter.form.topic}`)
        if (!isRecordTooLarge(cause) || !letter.shrink()) return false
      }
    }
  }

  /** It was there at the start, or could not be created then. Whether it is there now, storing tells. */
  async #ensureTopic(topic: string, tell: Tell): Promise<void> {
    const { partition, settings } = this.#surroundings
    const { driver, partitionCount, requestTimeoutMs } = settings
    const created = within(
      driver.ensureTopics([{ topic, partitionCount }]),
      requestTimeoutMs,
      'the broker did not answer',
    )
    try {
      await unlessAborted(created, partition.lost)
    } catch (error) {
      tell(error, `topic ${topic} is not there and could not be created`)
    }
  }
}

/** A dead letter in the form that is tried next. */
class ShrinkingLetter {
  readonly #forms: ReturnType<typeof deadLetterForms>
  #current: IteratorResult<RecordToSend, RecordToSend>

  constructor(forms: ReturnType<typeof deadLetterForms>) {
    this.#forms = forms
    this.#current = forms.next()
  }

  get form(): RecordToSend {
    return this.#current.value
  }

  /** What the form leaves out, for people; nothing where it is whole. */
  get lack(): string {
    const omitted = omittedParts(this.form)
    return omitted.length === 0 ? '' : ` without its ${omitted.join(', ')}, which the broker found too large`
  }

  /** Goes on to a smaller form; false when there is none. */
  shrink(): boolean {
    if (this.#current.done) return false
    this.#current = this.#forms.next()
    return true
  }
}
