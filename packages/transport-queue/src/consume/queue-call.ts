import type { Arrival } from '@tenon/core/transport'
import type { ReceivedRecord } from '../queue-driver.ts'
import type { ReadMessage } from '../read/read-message.ts'

export interface QueueCallFacts {
  /** The transport's name. */
  readonly transport: string
  /** 1 for the first time this member handles the message. */
  readonly attempt: number
  readonly message: ReadMessage
  /** How long it may take. */
  readonly timeoutMs: number
  /** In epoch milliseconds. */
  readonly beganAt: number
}

/** A message on its way to its handler. */
export class QueueCall implements Arrival {
  readonly transport: string
  /** Who may write to a topic is the broker's to decide. */
  readonly isTrusted = true
  readonly isAccepted = true
  readonly attempt: number
  readonly timeoutMs: number
  readonly beganAt: number
  readonly #record: ReceivedRecord
  readonly #message: ReadMessage
  #quiet: PromiseWithResolvers<void> | undefined
  #hasBegun = false
  #hasEnded = false
  #controller: AbortController | undefined

  constructor(record: ReceivedRecord, { transport, attempt, message, timeoutMs, beganAt }: QueueCallFacts) {
    this.#record = record
    this.#message = message
    this.transport = transport
    this.attempt = attempt
    this.beganAt = beganAt
    this.timeoutMs = timeoutMs
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.#message.metadata
  }

  /** Where the message stands: `shop.order.placed.v1/3@1042`. */
  get peer(): string {
    const { topic, partition, offset } = this.#record
    return `${topic}/${partition}@${offset}`
  }

  get offset(): number {
    return this.#record.offset
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  /** Tells the handler that another member may already have the message. */
  abandon(): void {
    this.#controller ??= new AbortController()
    this.#controller.abort()
  }

  /** Resolves when its handler does nothing more, at once when it was refused before the handler could begin. */
  get quiet(): Promise<void> {
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
