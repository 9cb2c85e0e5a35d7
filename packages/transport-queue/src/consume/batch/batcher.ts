import { type BatchEndpoint, type Logger, type Outcome, ServiceError } from '@tenon/core/transport'
import type { QueueClock } from '../../wait.ts'
import { hasExpired } from '../message-opener.ts'
import { isOfEnding } from '../plan/disposition.ts'
import type { QueueCall } from '../queue-call.ts'
import { tellBatchRetry } from '../tell-outcome.ts'
import type { MessageStage } from '../watch/consumer-report.ts'
import { BatchRun } from './batch-run.ts'

export interface BatcherSurroundings {
  /** The transport's name. */
  readonly transport: string
  /** For messages. */
  readonly handler: string
  readonly log: Pick<Logger, 'warn'>
  readonly batch: BatchEndpoint
  /** Batches at a time. */
  readonly concurrency: number
  readonly maxHandlerMs: number
  readonly clock: QueueClock
}

/** What a batcher is told of the partition of a message. */
export interface BatchedFrom {
  /** How a message of its topic is read. */
  readonly batch: BatchEndpoint
  /** Fires when nothing more is to be begun. */
  readonly revoked: AbortSignal
  /** What its messages wait for, by offset. */
  readonly stages: Map<number, MessageStage>
}

/** A message that was read, and waits for others. */
export interface BatchMessage {
  readonly call: QueueCall
  readonly payload: unknown
  readonly from: BatchedFrom
  settle(outcome: Outcome): void
}

/**
 * Puts the messages of one handler together, those of all partitions of this process, and hands them over when there are enough, when the
 * first has waited for long enough, or when nothing more can come. A batch that is due and finds no place is filled further until there
 * is one.
 */
export class Batcher {
  readonly #surroundings: BatcherSurroundings
  #freeCount: number
  #isHeld = false
  /** Those that wait for a place alone, in the order in which they were due. */
  readonly #due: Gathering[] = []
  /** What is still filled, though it may be due. */
  #open: Gathering | undefined
  #readingCount = 0
  #isFlushedWhenRead = false
  #maxWaitMs: number

  constructor(surroundings: BatcherSurroundings) {
    this.#surroundings = surroundings
    this.#freeCount = surroundings.concurrency
    this.#maxWaitMs = surroundings.batch.maxWaitMs
  }

  /** Whether a batch has to wait for a place. */
  get areTaken(): boolean {
    return this.#freeCount === 0
  }

  /** Reads a message and handles it with others. What becomes of it; `unavailable` when its partition is given up before. */
  async handle(call: QueueCall, from: BatchedFrom): Promise<Outcome> {
    this.#readingCount += 1
    const read = await from.batch.read(call)
    this.#readingCount -= 1
    const outcome = read.ok && !from.revoked.aborted ? this.#gather(call, read.value, from) : undefined
    if (this.#isFlushedWhenRead && this.#readingCount === 0) this.flush()
    if (!read.ok) return read
    return outcome ?? givenBack
  }

  /** Begins nothing until `resume`; what is due waits. Safe to call twice, as that. */
  hold(): void {
    this.#isHeld = true
  }

  resume(): void {
    this.#isHeld = false
    this.#begin()
  }

  /** Waits for no others any more. What finds no place waits for that. */
  flush(): void {
    this.#isFlushedWhenRead = false
    if (this.#open !== undefined) this.#isDue(this.#open)
  }

  /** As `flush`, with what is being read at the moment: no others can come before some of them have their outcome. */
  flushWhenRead(): void {
    this.#isFlushedWhenRead = true
    if (this.#readingCount === 0) this.flush()
  }

  /** From now on lets nothing wait for what is not there yet. */
  hasten(): void {
    this.#maxWaitMs = 0
    this.flush()
  }

  /** A partition is given up: what has a place is handled at once, what has none comes again. */
  giveUp(revoked: AbortSignal): void {
    this.flush()
    for (const gathering of new Set([...this.#due, ...(this.#open === undefined ? [] : [this.#open])]))
      gathering.takeOut((message) => message.from.revoked === revoked)
  }

  #gather(call: QueueCall, payload: unknown, from: BatchedFrom): Promise<Outcome> {
    const { promise, resolve: settle } = Promise.withResolvers<Outcome>()
    const gathering = call.isAlone ? new Gathering(this.#surroundings.clock.now()) : (this.#open ??= this.#openOne())
    gathering.add({ call, payload, from, settle })
    if (call.isAlone || gathering.count >= this.#surroundings.batch.maxCount) this.#close(gathering)
    return promise
  }

  /** One timer for all that come into it. */
  #openOne(): Gathering {
    const { clock } = this.#surroundings
    const gathering = new Gathering(clock.now() + this.#maxWaitMs)
    void clock.wait(this.#maxWaitMs, gathering.begun).then(() => this.#isDue(gathering))
    return gathering
  }

  /** Nothing more comes into it. */
  #close(gathering: Gathering): void {
    if (gathering === this.#open) this.#open = undefined
    gathering.isFull()
    this.#isDue(gathering)
  }

  #isDue(gathering: Gathering): void {
    if (!gathering.isDue) this.#due.push(gathering)
    gathering.isDue = true
    this.#begin()
  }

  /** Begins with what is due, as far as there are places. */
  #begin(): void {
    while (this.#freeCount > 0 && !this.#isHeld) {
      const next = this.#due.shift()
      if (next === undefined) return
      if (next === this.#open) this.#open = undefined
      this.#run(next.end())
    }
  }

  #run(gathered: readonly BatchMessage[]): void {
    const { transport, batch, maxHandlerMs, clock } = this.#surroundings
    const beganAt = clock.now()
    const messages = gathered.filter((message) => isOfUse(message, beganAt))
    if (messages.length === 0) return
    this.#freeCount -= 1
    const left = () => {
      this.#freeCount += 1
      this.#begin()
    }
    const run = new BatchRun({ transport, messages, timeoutMs: maxHandlerMs, beganAt, left })
    void batch.dispatch(run).then((outcomes) => {
      if (messages.length > 1) this.#tell(messages, outcomes)
      for (const [index, { settle }] of messages.entries()) settle(outcomes[index] ?? givenBack)
    })
  }

  /** One line for all that failed together, and are handled again. */
  #tell(messages: readonly BatchMessage[], outcomes: readonly Outcome[]): void {
    const failures = outcomes.flatMap((outcome, index) => {
      const isOurs = outcome.ok || outcome.isOfBatch !== true
      const isRevoked = messages[index]?.from.revoked.aborted ?? true
      return isOurs || isOfEnding(outcome.error, isRevoked) || isRevoked ? [] : [outcome.error]
    })
    const [error] = failures
    if (error) tellBatchRetry(this.#surroundings, { error, messageCount: failures.length })
  }
}

/** Messages that wait for others, or one that is not to. */
class Gathering {
  /** Whether it waits for a place, or has had it. */
  isDue = false
  readonly #dueAt: number
  readonly #begun = new AbortController()
  #messages: BatchMessage[] = []

  constructor(dueAt: number) {
    this.#dueAt = dueAt
  }

  get begun(): AbortSignal {
    return this.#begun.signal
  }

  get count(): number {
    return this.#messages.length
  }

  add(message: BatchMessage): void {
    const { call, from } = message
    this.#messages.push(message)
    call.waits()
    from.stages.set(call.offset, { stage: 'gathered', untilAt: this.#dueAt })
  }

  /** From here on its messages wait for a place alone. */
  isFull(): void {
    for (const { call, from } of this.#messages) from.stages.delete(call.offset)
  }

  /** Gives messages back that are not to be handled here any more. */
  takeOut(isGivenBack: (message: BatchMessage) => boolean): void {
    const [kept, given] = [this.#messages.filter((one) => !isGivenBack(one)), this.#messages.filter(isGivenBack)]
    this.#messages = kept
    for (const { call, from, settle } of given) {
      from.stages.delete(call.offset)
      settle(givenBack)
    }
  }

  /** It waits no more. Its messages. */
  end(): readonly BatchMessage[] {
    this.isFull()
    this.#begun.abort()
    return this.#messages
  }
}

/** Whether a message is to be handled yet; one that is not is settled. */
function isOfUse({ call, settle }: BatchMessage, now: number): boolean {
  if (call.expiresAt > now && !call.isAbandoned) return true
  settle(call.isAbandoned ? givenBack : expired)
  return false
}

/** As what comes to nothing because its partition is given up: it comes again, uncounted. */
const givenBack = toOutcome(new ServiceError('unavailable', 'the partition is given up'))
const expired = toOutcome(hasExpired)

function toOutcome(error: ServiceError): Outcome {
  return { ok: false, error, callId: '', headers: undefined }
}
