import { ServiceError } from '@tenon/core/transport'
import { isRecordTooLarge } from '../../driver/record-too-large.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { LetterMessage } from './letter-messages.ts'
import { Pace } from './pace.ts'
import { requireGoingOn } from './going-on.ts'
import type { RedriveSettings } from './redrive-options.ts'
import { settleRuns } from './settle-runs.ts'
import { readProgress } from './watch-group.ts'

export interface SenderWay {
  readonly driver: QueueDriver
  readonly settings: RedriveSettings
  readonly log: AuditLog
  /** The id of the run that sends. */
  readonly run: string
}

/** What became of a message that was to be sent. */
export type SendOutcome = 'redriven' | 'refused' | 'uncertain'

/** Sends batches, each with its intent before and its outcome behind it in the audit. */
export class BatchSender {
  readonly #way: SenderWay
  readonly #pace: Pace
  #batch = 0
  #mostBytes = mostBatchBytes

  constructor(way: SenderWay) {
    this.#way = way
    this.#pace = new Pace(way.settings.ratePerSecond, way.settings.clock)
  }

  /** Most that go together. */
  get most(): { readonly count: number; readonly bytes: number } {
    return { count: Math.min(this.#pace.batchCount, mostBatchCount), bytes: this.#mostBytes }
  }

  /** Sends messages when it is their turn, and tells the outcome of each as soon as it is known. */
  async send(
    messages: readonly LetterMessage[],
    settled: (message: LetterMessage, outcome: SendOutcome) => void,
  ): Promise<void> {
    const [first, second] = messages
    if (first === undefined) return
    const tell = (outcome: SendOutcome) => (message: LetterMessage) => settled(message, outcome)
    const { signal } = this.#way.settings
    await this.#pace.take(messages.length, signal)
    if (second === undefined) return this.#sendSingly(first, settled)
    requireGoingOn(signal)
    const refusal = await this.#sendOnce(messages)
    if (refusal === undefined) return messages.forEach(tell('redriven'))
    const { redriven, uncertain, left } = await this.#settleRefused(messages)
    redriven.forEach(tell('redriven'))
    uncertain.forEach(tell('uncertain'))
    // What is too large together may be so again, and whoever refuses one message does not say which.
    if (isRecordTooLarge(refusal)) this.#mostBytes = Math.max(leastBatchBytes, Math.floor(this.#mostBytes / 2))
    for (const message of left) await this.#sendSingly(message, settled)
  }

  async #sendSingly(message: LetterMessage, settled: (message: LetterMessage, outcome: SendOutcome) => void) {
    requireGoingOn(this.#way.settings.signal)
    const refusal = await this.#sendOnce([message])
    if (refusal !== undefined) await this.#tellUnsent()
    settled(message, refusal === undefined ? 'redriven' : 'refused')
  }

  /**
   * Says what comes before it comes, so that whoever comes after a crash knows where to look. What the broker never takes of it, if
   * there is anything.
   */
  async #sendOnce(messages: readonly LetterMessage[]): Promise<ServiceError | undefined> {
    const { driver, settings, log, run } = this.#way
    const { clock, timeoutMs } = settings
    const batch = ++this.#batch
    const { ends } = await readProgress(driver, settings)
    const letters = messages.map(({ audited }) => audited)
    const arrivesWithinMs = arrivalBoundMs(this.#way)
    await log.append({ kind: 'intended', run, at: clock.now(), batch, letters, ends, arrivesWithinMs })
    await this.#requireNewestNow()
    const records = messages.flatMap(({ record }) => record ?? [])
    try {
      await driver.produce(records, { timeoutMs })
    } catch (error) {
      if (ServiceError.is(error) && error.code === 'internal') return error
      throw error
    }
    await log.append({ kind: 'redriven', run, at: clock.now(), batch })
    return undefined
  }

  /** What was refused of one partition may have been stored in another, or be on its way there. */
  async #settleRefused(messages: readonly LetterMessage[]) {
    const { driver, settings, log, run } = this.#way
    await settings.clock.wait(arrivalBoundMs(this.#way), settings.signal)
    requireGoingOn(settings.signal)
    const own = log.trail.runs.filter(({ begun }) => begun.run === run)
    const [step] = await settleRuns(own, { driver, settings, run })
    if (step !== undefined) await log.append(step)
    const [found, missing] = [new Set(step?.found), new Set(step?.uncertain)]
    return {
      redriven: messages.filter(({ audited }) => found.has(audited.place)),
      uncertain: messages.filter(({ audited }) => missing.has(audited.place)),
      left: messages.filter(({ audited: { place } }) => !found.has(place) && !missing.has(place)),
    }
  }

  /** What was about to be sent is not, so nobody needs to look for it. */
  async #requireNewestNow(): Promise<void> {
    const { log, run } = this.#way
    await log.catchUp()
    try {
      log.requireNewest(run)
    } catch (error) {
      await this.#tellUnsent()
      throw error
    }
  }

  /** Nothing of the last batch was stored. */
  async #tellUnsent(): Promise<void> {
    const { settings, log, run } = this.#way
    await log.append({ kind: 'settled', run, at: settings.clock.now(), settledRun: run, found: [], uncertain: [] })
  }
}

/** How long something that is sent may take to arrive, also when it was given up. */
function arrivalBoundMs({ driver, settings }: Pick<SenderWay, 'driver' | 'settings'>): number {
  return settings.timeoutMs + (driver.longestTailMs ?? 0)
}

/** What goes together is told together. A guess, with room in a record of the audit. */
const mostBatchCount = 250
/** Half of what Kafka takes as one batch by default, for all may go to one partition. @see Kafka topic setting max.message.bytes */
const mostBatchBytes = 524_288
/** A guess. */
const leastBatchBytes = 4_096
