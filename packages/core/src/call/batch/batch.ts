import type { ServiceError } from '../../error/service-error.ts'
import type { Outcome } from '../arrival.ts'
import type { Call, Metadata, Principal } from '../call.ts'
import { toCallError } from '../call-error.ts'
import { logItemFailure, logLostFailure, type LogPlan } from '../call-log.ts'
import type { Invoke } from '../rule/interceptor.ts'
import type { BatchItem, BatchMessage } from './batch-item.ts'
import { senderOf } from './sender.ts'

/** Several messages in one call, each with an outcome of its own. */
export class Batch {
  readonly #log: LogPlan
  readonly #failures = new Map<BatchMessage, ServiceError>()
  readonly #messages: readonly BatchMessage[]
  /** In the order in which they were given. */
  #items: readonly BatchItem[] = []
  #call: Call | undefined
  #end: Outcome | undefined

  constructor(messages: readonly BatchMessage[], log: LogPlan) {
    this.#messages = messages
    this.#log = log
  }

  /** Reads the messages, which tells who gave them that their call begins. */
  read(): this {
    this.#items = Object.freeze(
      this.#messages.map((message) => new Item(message, (thrown: unknown) => this.#fail(message, thrown))),
    )
    return this
  }

  /** Gives the messages to their handler, once they were read. */
  run(handler: Invoke, call: Call): unknown {
    this.#call = call
    return handler(this.#items, call)
  }

  /** What each message came to, in their order, now that the call has ended: those that were not failed one by one as the call did. */
  close(end: Outcome): readonly Outcome[] {
    this.#end = end
    const { callId } = end
    const ofBatch: Outcome = end.ok ? end : { ...end, isOfBatch: true }
    return this.#messages.map((message) => {
      const error = this.#failures.get(message)
      return error === undefined ? ofBatch : { ok: false, error, callId, headers: undefined }
    })
  }

  #fail(message: BatchMessage, thrown: unknown): void {
    const call = this.#call
    if (call === undefined || this.#failures.has(message)) return
    const error = toCallError(thrown, call)
    const failed = { call, message: message.arrival, error }
    if (this.#end === undefined) {
      this.#failures.set(message, error)
      logItemFailure(failed, this.#log)
    } else if (this.#end.ok) logLostFailure(failed, this.#log)
  }
}

class Item implements BatchItem {
  readonly payload: unknown
  readonly attempt: number
  readonly peer: string | undefined
  /** A property, for a handler may take it out of its item. */
  readonly fail: (error: unknown) => void
  readonly #arrival: BatchMessage['arrival']

  constructor({ payload, arrival }: BatchMessage, fail: (error: unknown) => void) {
    this.payload = payload
    this.attempt = arrival.attempt ?? 1
    this.peer = arrival.peer
    this.fail = fail
    this.#arrival = arrival
  }

  get metadata(): Metadata {
    return this.#arrival.metadata
  }

  get principal(): Principal | undefined {
    return this.#arrival.principal ?? senderOf(this.#arrival)
  }
}
