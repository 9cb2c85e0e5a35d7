import { type CallConvention, messageAttributes, type SizeObserver } from '@tenon/core/telemetry'
import type { Arrival } from '@tenon/core/transport'
import { redriveLetterHeader } from '../dead-letter/dead-letter.ts'
import type { ReceivedRecord } from '../queue-driver.ts'
import type { ReadMessage } from '../read/read-message.ts'

export interface QueueCallFacts {
  /** What OpenTelemetry's conventions call the broker. */
  readonly system: string
  /** How OpenTelemetry is told of the messages of its consumer. */
  readonly convention: CallConvention
  /** Whether it was set aside and read anew, so that it comes long after it was sent. */
  readonly isLate?: boolean
  /** The transport's name. */
  readonly transport: string
  /** Whether who may write to its topic is the broker's to decide. @defaultValue true */
  readonly isTrusted?: boolean
  /** 1 for the first time this member handles the message. */
  readonly attempt: number
  readonly message: ReadMessage
  /** How long it may take. */
  readonly timeoutMs: number
  /** In epoch milliseconds. */
  readonly beganAt: number
  /** Whether it is handled with no others, though its handler takes several at once. */
  readonly isAlone?: boolean
}

/** What several messages share that are handled at once. */
export interface SharedRun {
  /** In epoch milliseconds. */
  readonly beganAt: number
  /** Messages that it began with. */
  readonly messageCount: number
  /** Resolves when its handler does nothing more. */
  readonly quiet: Promise<void>
  /** Another member may have one of its messages. */
  abandon(): void
  /** One of its messages has an outcome, or nobody here waits for it any more. */
  leave(): void
  /** How many of its messages are overtaken with the first that is; undefined for those after it. */
  overtake(): number | undefined
}

/** A message on its way to its handler. */
export class QueueCall implements Arrival {
  readonly transport: string
  readonly isTrusted: boolean
  readonly isAccepted = true
  readonly attempt: number
  readonly timeoutMs: number
  readonly isAlone: boolean
  readonly convention: CallConvention
  readonly #system: string
  readonly #isLate: boolean
  readonly #beganAt: number
  readonly #record: ReceivedRecord
  readonly #message: ReadMessage
  #quiet: PromiseWithResolvers<void> | undefined
  #hasBegun = false
  #hasEnded = false
  #isAbandoned = false
  #isWaiting = false
  #run: SharedRun | undefined
  #controller: AbortController | undefined

  constructor(record: ReceivedRecord, facts: QueueCallFacts) {
    const { transport, system, convention, attempt, message, timeoutMs, beganAt } = facts
    const { isTrusted = true, isAlone = false, isLate = false } = facts
    this.#record = record
    this.#message = message
    this.transport = transport
    this.isTrusted = isTrusted
    this.convention = convention
    this.#system = system
    this.#isLate = isLate
    this.attempt = attempt
    this.#beganAt = beganAt
    this.timeoutMs = timeoutMs
    this.isAlone = isAlone
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.#message.metadata
  }

  /** What is handled long after it was sent, as after a redrive, is a trace of its own. */
  get follows(): readonly QueueCall['metadata'][] | undefined {
    const { metadata } = this
    return this.#isLate || metadata[redriveLetterHeader] !== undefined ? [metadata] : undefined
  }

  spanAttributes() {
    const { partition, offset } = this.#record
    return messageAttributes({ system: this.#system, id: this.metadata['ce_id'], partition, offset })
  }

  measureBy(sizes: SizeObserver): void {
    sizes.addBytes('request', this.#record.value?.byteLength ?? 0)
  }

  /** Where the message stands: `shop.order.placed.v1/3@1042`. */
  get peer(): string {
    const { topic, partition, offset } = this.#record
    return `${topic}/${partition}@${offset}`
  }

  get offset(): number {
    return this.#record.offset
  }

  /** When its handler began, with this message alone or with others; in epoch milliseconds. */
  get beganAt(): number {
    return this.#run?.beganAt ?? this.#beganAt
  }

  /** From when on it is of no use, in epoch milliseconds; Infinity when it does not say. */
  get expiresAt(): number {
    return this.#message.expiresAt
  }

  /** How many messages its handler was given with it, itself among them. */
  get messageCount(): number {
    return this.#run?.messageCount ?? 1
  }

  get isAbandoned(): boolean {
    return this.#isAbandoned
  }

  /** Whether it has been read and waits for others, so that no handler is at work on it. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  /** It waits for others. */
  waits(): void {
    this.#isWaiting = true
  }

  /** It is handled with others. */
  joins(run: SharedRun): void {
    this.#isWaiting = false
    this.#run = run
  }

  /** Nobody waits for its handler any more. */
  leaves(): void {
    this.#run?.leave()
  }

  /** Its handler goes on though nobody waits for it. How many messages that is told of; undefined when it was told. */
  overtake(): number | undefined {
    return this.#run === undefined ? 1 : this.#run.overtake()
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  /** Tells the handler that another member may already have the message. */
  abandon(): void {
    this.#isAbandoned = true
    this.#controller ??= new AbortController()
    this.#controller.abort()
    this.#run?.abandon()
  }

  /** Resolves when its handler does nothing more, at once when it was refused before the handler could begin. */
  get quiet(): Promise<void> {
    if (this.#run !== undefined) return this.#run.quiet
    if (this.#hasEnded || !this.#hasBegun) return Promise.resolve()
    this.#quiet ??= Promise.withResolvers()
    return this.#quiet.promise
  }

  ended(): void {
    this.#hasEnded = true
    this.#quiet?.resolve()
  }

  decode(): unknown {
    this.#hasBegun = true
    return this.#message.payload()
  }
}
