import type { Arrival } from '../arrival.ts'
import type { Metadata, Principal } from '../call.ts'

/** One of the messages that the handler of a batch is given. */
export interface BatchItem<Payload = unknown> {
  readonly payload: Payload
  /** The message's own headers, with lower-case names: `ce_id`, `ce_time`, `ce_subject` (its key), `traceparent`. */
  readonly metadata: Metadata
  /** Who sent this message, where its transport asks for a credential; undefined where whoever may write to its topic is believed. */
  readonly principal: Principal | undefined
  /** 1 for the first attempt of this message; higher when it is delivered again. */
  readonly attempt: number
  /** Where the message stands, for logs: `shop.order.placed.v1/3@1042`. Undefined where its transport does not say. */
  readonly peer: string | undefined
  /**
   * Says that this message failed, as if the handler of a single one had thrown the error: a `ServiceError` by its code, whatever else
   * was given as `internal`. The others go on. The first word counts; once the call of the batch has ended the message is settled,
   * so one that comes later is an error in the log and nothing else. Never throws. Needs no `this`.
   */
  fail(error: unknown): void
}

/** A message on its way into a batch. */
export interface BatchMessage {
  /** Read when the call of its batch begins, and never of one that does not: of what was refused, or ended while it waited, nothing runs. */
  readonly payload: unknown
  readonly arrival: Pick<Arrival, 'metadata' | 'attempt' | 'peer' | 'principal' | 'measureBy'>
}
