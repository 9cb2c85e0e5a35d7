import { counter } from './instrument.ts'

/** What a policy of a client decided, as it is counted. */
export interface CountedDecision {
  /** Name of the contract. */
  readonly contract: string
  /** Name of the operation; undefined where it concerns all of them. */
  readonly operation?: string | undefined
  /** `retry`, `breaker_refused`, … */
  readonly decision: string
  /** The code of the failure that led to it. */
  readonly code?: string | undefined
}

/** Counts one decision. */
export function recordDecision({ contract, operation, decision, code }: CountedDecision): void {
  counter('tenon.client.decisions').add(1, {
    'tenon.client.contract': contract,
    'tenon.client.decision': decision,
    ...(operation !== undefined && { 'tenon.client.operation': operation }),
    ...(code !== undefined && { 'error.type': code }),
  })
}
