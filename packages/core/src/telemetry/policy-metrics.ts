import { keptCounter } from './kept-counter.ts'

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

/** The metrics of the policies of clients, by their names. Nothing happens without an OpenTelemetry SDK. */
const policyMetrics = Object.freeze({
  'tenon.client.decisions': {
    unit: '{decision}',
    description: 'What policies of clients decided beside sending a call.',
  },
} satisfies Readonly<Record<string, { readonly unit: string; readonly description: string }>>)

/**
 * Counts one decision.
 *
 * @see OpenTelemetry semantic conventions: `error.type` says how something failed
 */
export function recordDecision({ contract, operation, decision, code }: CountedDecision): void {
  countDecision({
    'tenon.client.contract': contract,
    'tenon.client.decision': decision,
    ...(operation !== undefined && { 'tenon.client.operation': operation }),
    ...(code !== undefined && { 'error.type': code }),
  })
}

const countDecision = keptCounter('tenon.client.decisions', policyMetrics['tenon.client.decisions'])
