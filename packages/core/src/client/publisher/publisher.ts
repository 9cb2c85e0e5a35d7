import type { EventType, PayloadToSend } from '../../contract/event.ts'
import type { InputToSend, Operation } from '../../contract/operation.ts'
import { standsForProvided } from '../../handler/provider.ts'
import type { PublishOptions } from './publisher-options.ts'

export type { PublishOptions } from './publisher-options.ts'

/** An operation that has a queue binding, so that it can be sent as a command. */
export type QueueOperation = Operation & { readonly spec: { readonly queue: object } }

/**
 * Sends events and commands. Inject it: `inject(Publisher)`; a queue transport provides it.
 *
 * Both methods resolve when the broker has acknowledged the message, within the running call's deadline, and never carry that
 * deadline to the receiver. What fails was not published and never will be, except where it says that it may still arrive.
 */
export abstract class Publisher {
  static readonly [standsForProvided]: string =
    "add queueTransport({ driver }) of @tenon/transport-queue to the service's transports"

  /**
   * Publishes an event.
   *
   * @throws ServiceError
   * - `internal` when the payload does not fit its schema, an option is wrong, or the broker will never take the message; its cause
   *   names what, for the log;
   * - `unavailable` when no broker took it in time, or the service ended while it was being sent: it may still arrive. With reason
   *   `draining` it was never sent: it was published once the service drains, and not by work that the drain waits for, or the
   *   service ended before its turn;
   * - `resource_exhausted` when too many messages are on their way already;
   * - `deadline_exceeded` when the running call's deadline passed before, `cancelled` when `signal` fired: it may still arrive.
   */
  abstract publish<Event extends EventType>(
    event: Event,
    payload: PayloadToSend<Event>,
    options?: PublishOptions,
  ): Promise<void>

  /**
   * Sends an operation's input as a command; the operation's output is dropped by its receiver.
   *
   * @throws ServiceError as `publish`; `internal` also for an operation without a queue binding. That an input does not fit its schema is no fault of whoever called the sender, so it is `internal` too.
   */
  abstract send<Op extends QueueOperation>(
    operation: Op,
    input: InputToSend<Op>,
    options?: PublishOptions,
  ): Promise<void>
}
