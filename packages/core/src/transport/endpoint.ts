import type { EventType } from '../contract/event.ts'
import type { AccessRule, Operation } from '../contract/operation.ts'
import type { Arrival, Outcome } from '../call/arrival.ts'

/** The only way to a handler: one operation with its whole call path behind it. */
export interface OperationEndpoint {
  readonly operation: Operation
  /** Whom the dispatcher lets in, for what a transport writes about its operations. @defaultValue what the contract says */
  readonly admission?: Admission
  /** Serves one call. Never rejects. */
  dispatch(arrival: Arrival): Promise<Outcome>
}

/** How the callers of an operation are judged once the contract, its handler and the service have spoken. */
export interface Admission {
  readonly access: AccessRule
  /** Whether a policy judges the input as well, so that a caller whom `access` lets in may be refused. */
  readonly hasPolicy: boolean
}

/** The only way to a consumer of events. */
export interface EventEndpoint {
  readonly event: EventType
  /** The consumer group: one member of it handles each message. */
  readonly group: string
  /** Handles one message. Never rejects. */
  dispatch(arrival: Arrival): Promise<Outcome>
}
