import type { EventType, PayloadToSend } from '../contract/event.ts'
import type { InputToSend, Operation } from '../contract/operation.ts'
import { standsForProvided } from '../handler/provider.ts'

export interface PublishOptions {
  /** Replaces the key that the contract names. */
  readonly key?: string
  /** Further message headers; keys are made lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** An operation that has a queue binding, so that it can be sent as a command. */
export type QueueOperation = Operation & { readonly spec: { readonly queue: object } }

/**
 * Sends events and commands. Inject it: `inject(Publisher)`; a queue transport provides it.
 *
 * Both methods resolve when the broker has acknowledged the message, and never carry the caller's deadline to the receiver.
 */
export abstract class Publisher {
  static readonly [standsForProvided] = true

  /**
   * Publishes an event.
   *
   * @throws ServiceError `internal` when the payload does not fit its schema; `unavailable` when no broker took it.
   */
  abstract publish<Event extends EventType>(
    event: Event,
    payload: PayloadToSend<Event>,
    options?: PublishOptions,
  ): Promise<void>

  /**
   * Sends an operation's input as a command; the operation's output is dropped by its receiver.
   *
   * @throws ServiceError `internal` when the input does not fit its schema, which is no fault of whoever called the sender; `unavailable` when no broker took it.
   */
  abstract send<Op extends QueueOperation>(
    operation: Op,
    input: InputToSend<Op>,
    options?: PublishOptions,
  ): Promise<void>
}
