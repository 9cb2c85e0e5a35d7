import type { BatchSettings } from '../contract/batch.ts'
import type { DeliveryOptions } from '../contract/delivery.ts'
import type { EventType } from '../contract/event.ts'
import type { ConsumerStart } from '../contract/start-position.ts'
import type { AccessRule, Operation } from '../contract/operation.ts'
import type { ServiceError } from '../error/service-error.ts'
import type { Arrival, ArrivalHead, Outcome } from '../call/arrival.ts'
import type { BatchMessage } from '../call/batch/batch-item.ts'

/** The only way to a handler: one operation with its whole call path behind it. */
export interface OperationEndpoint {
  readonly operation: Operation
  /** Whom the dispatcher lets in, for what a transport writes about its operations. @defaultValue what the contract says */
  readonly admission?: Admission
  /** How its commands are to be delivered, where its handler says so. @defaultValue as the transport does it */
  readonly delivery?: DeliveryOptions
  /** Serves one call. Never rejects. */
  dispatch(arrival: Arrival): Promise<Outcome>
  /**
   * Refuses a call whose metadata alone have come, where too many calls wait for it to be served: what its caller is to be told. Then it must not be
   * dispatched, and what is left of it need not be read. May be asked once a call, just before the rest of it is; it has no id.
   *
   * @defaultValue none is refused before it is dispatched
   */
  refuse?(head: ArrivalHead): ServiceError | undefined
}

/** How the callers of an operation are judged once the contract, its handler and the service have spoken. */
export interface Admission {
  readonly access: AccessRule
  /** Whether a policy judges the input as well, so that a caller whom `access` lets in may be refused. */
  readonly hasPolicy: boolean
}

/** The only way to a consumer of events: one endpoint for its event, and one for every older event that it reads too. */
export interface EventEndpoint {
  /** Whose topic is read. */
  readonly event: EventType
  /** What the consumer declared, where `event` is an older one: its messages are brought up to it. @defaultValue `event` */
  readonly into?: EventType
  /** The consumer group: one member of it handles each message. Undefined for a broadcast: each process handles each message. */
  readonly group: string | undefined
  /** Where reading begins that has no place yet. @defaultValue `earliest` for a group, `latest` for a broadcast */
  readonly start?: ConsumerStart
  /** How its messages are to be delivered, where the consumer says so. @defaultValue as the transport does it */
  readonly delivery?: DeliveryOptions
  /** How to hand over several messages at once, where its handler wants that. @defaultValue it takes them one by one */
  readonly batch?: BatchEndpoint
  /** Handles one message, also where its handler takes several at once. Never rejects. */
  dispatch(arrival: Arrival): Promise<Outcome>
}

/**
 * The way of several messages to one handler: each is read by itself, and those that could be are handled in one call. The transport
 * puts them together, at most `maxCount`, and lets the first wait for `maxWaitMs` at most; it never hands over two of a key,
 * for the second must not be handled when the first fails.
 */
export interface BatchEndpoint extends BatchSettings {
  /** Reads one message: decodes and checks its payload, which is the value of the outcome. No handler runs. Never rejects. */
  read(arrival: Arrival): Promise<Outcome>
  /** Handles messages that were read, of this topic and of older ones of the same consumer. The outcomes are theirs, in their order. Never rejects. */
  dispatch(arrival: BatchArrival): Promise<readonly Outcome[]>
}

/** Several messages as they come to their handler, with what is true of the call and not of one of them. */
export interface BatchArrival
  extends Omit<
    Arrival,
    'decode' | 'metadata' | 'attempt' | 'peer' | 'principal' | 'follows' | 'spanAttributes' | 'measureBy'
  > {
  readonly messages: readonly BatchMessage[]
}
