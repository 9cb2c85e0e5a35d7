import type { Operation } from '../../contract/operation.ts'
import type { OutgoingCall } from '../client-transport.ts'
import type { ClientDecision } from './client-journal.ts'
import type { PolicyClock } from './policy-clock.ts'
import type { PolicyTimer } from './policy-timer.ts'
import type { RetryBudget } from './repeat/retry-budget.ts'

/** A call on its way through the policies of its operation. */
export interface Asked {
  readonly operation: Operation
  /** Undefined where it is a stream. */
  readonly input?: unknown
  readonly call: OutgoingCall
  /** What it asks for, once somebody has found it out. */
  readonly key?: string
  readonly isOutputStream: boolean
  /** Sends it once. Of an output stream it gives what is left to be read when the first item has come. */
  readonly send: (call: OutgoingCall) => Promise<unknown>
  /** Whether what was sent can be sent anew; undefined where it always can. */
  readonly mayRepeat?: () => boolean
  /** Of an output stream: runs something when it is read to its end, or left. */
  readonly onEnd?: (run: () => void) => void
}

/** One policy around those further in. */
export type Stage = (asked: Asked) => Promise<unknown>

/** What the policies of a remote share. */
export interface PolicyParts {
  readonly clock: PolicyClock
  readonly after: PolicyTimer
  readonly budget: RetryBudget
  /** Fires when the client is closed. */
  readonly closing: AbortSignal
  /** Name of the contract. */
  readonly contract: string
  readonly note: (decision: Omit<ClientDecision, 'contract'>) => void
}
