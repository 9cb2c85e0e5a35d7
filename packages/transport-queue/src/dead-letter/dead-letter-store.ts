import { type Logger, unlessAborted } from '@tenon/core/transport'
import { isRecordTooLarge } from '../driver/record-too-large.ts'
import type { AssignedPartition, ReceivedRecord, RecordToSend } from '../queue-driver.ts'
import type { QueueSettings } from '../queue-options.ts'
import { within } from '../wait.ts'
import { countDeadLetter } from '../telemetry/message-metrics.ts'
import { ThinLines } from '../thin-lines.ts'
import { type Burial, deadLetterForms, deadLetterTopic, type GivenUp, omittedParts } from './dead-letter.ts'

export interface StoreSurroundings {
  readonly partition: AssignedPartition
  readonly consumer: Pick<Burial, 'group' | 'handler'>
  readonly settings: QueueSettings
  readonly log: Logger
  /** How long to wait before what could not be stored is tried again, one wait after the other. */
  delays(): Iterator<number, never>
}

/** That a dead letter was not stored. */
export interface Refusal {
  /** Where it should go. */
  readonly topic: string
  /** How long to wait before it is tried again. */
  readonly delayMs: number
  /** How often it was not stored, from 1. */
  readonly refusalCount: number
}

/** Waits before a dead letter is tried again. Whether its message was set aside meanwhile, and is nobody's here any more. Never rejects. */
export type AwaitTry = (refusal: Refusal) => Promise<boolean>

type Tell = (error: unknown, text: string) => void

/** Stores what a consumer gives up in the messages of one partition. */
export class DeadLetterStore {
  readonly #surroundings: StoreSurroundings

  constructor(surroundings: StoreSurroundings) {
    this.#surroundings = surroundings
  }

  /**
   * Stores a message as a dead letter, however often that takes, unless it is set aside before the next try. False when the partition is
   * given up before. Never rejects.
   */
  async bury(record: ReceivedRecord, givenUp: GivenUp, awaitTry: AwaitTry): Promise<boolean> {
    const { partition, consumer, log, settings } = this.#surroundings
    const { group, handler } = consumer
    const { error, attemptCount } = givenUp
    const topic = deadLetterTopic(record.topic, group)
    const letter = new ShrinkingLetter(deadLetterForms(record, { ...givenUp, group, handler }))
    const delays = this.#surroundings.delays()
    const lines = new ThinLines(settings.clock)
    const tell = (error: unknown, text: string) => {
      if (lines.isDue(text)) log.error({ offset: record.offset, err: error }, text)
    }
    for (let refusalCount = 1; !(await this.#store(letter, tell)); refusalCount++) {
      if (partition.revoked.aborted) return false
      if (await awaitTry({ topic, delayMs: delays.next().value, refusalCount })) return true
      if (partition.revoked.aborted) return false
      await this.#ensureTopic(topic, tell)
    }
    const facts = { offset: record.offset, code: error.code, reason: error.reason, attemptCount, err: error }
    countDeadLetter({ driver: settings.driver, topic: record.topic, group }, error.code)
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
