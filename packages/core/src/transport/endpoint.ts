import type { EventType } from '../contract/event.ts'
import type { Operation } from '../contract/operation.ts'
import type { Arrival, Outcome } from '../call/arrival.ts'

/** The only way to a handler: one operation with its whole call path behind it. */
export interface OperationEndpoint {
  readonly operation: Operation
  /** Serves one call. Never rejects. */
  dispatch(arrival: Arrival): Promise<Outcome>
}

/** The only way to a consumer of events. */
export interface EventEndpoint {
  readonly event: EventType
  /** The consumer group: one member of it handles each message. */
  readonly group: string
  /** Handles one message. Never rejects. */
  dispatch(arrival: Arrival): Promise<Outcome>
}
