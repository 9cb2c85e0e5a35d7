import { channel } from 'node:diagnostics_channel'
import type { ErrorCode } from '../../error/error-code.ts'
import { type Logger, silent } from '../../telemetry/log.ts'
import { recordBreaker, remoteAttributes } from '../../telemetry/client-metrics.ts'
import { recordDecision } from '../../telemetry/policy-metrics.ts'

/** What policies decide beside sending a call once. */
export type Decision =
  | 'retry'
  | 'retry_refused'
  | 'breaker_refused'
  | 'breaker_opened'
  | 'breaker_closed'
  | 'bulkhead_refused'
  | 'hedge'
  | 'hedge_won'
  | 'fallback'
  | 'cache_hit'
  | 'coalesced'

/** One decision of a policy, as it is published. */
export interface ClientDecision {
  /** Name of the contract of the remote. */
  readonly contract: string
  /** Name of the operation; undefined where it concerns all of them. */
  readonly operation?: string | undefined
  /**
   * `retry`: the call is made again, after `delayMs`. `retry_refused`: it would be, but the budget is used up. `breaker_refused`: the call
   * was not sent, because the remote fails too many. `breaker_opened`, `breaker_closed`: the first such call; the first one after one and a half seconds without any, or the client is closed. `bulkhead_refused`: there was
   * no place for the call. `hedge`: a second attempt goes out beside the first. `hedge_won`: the call has its answer.
   * `fallback`: another answer takes the place of a failure. `cache_hit`: an answer is used again. `coalesced`: the call shares one that runs.
   */
  readonly decision: Decision
  /** The code of the failure that led to it. */
  readonly code?: ErrorCode | undefined
  /** How long is waited before it is carried out. */
  readonly delayMs?: number | undefined
}

/** Name of the diagnostics channel on which each decision of a client's policies is published, as it happens. */
export const clientDecisionChannelName = 'tenon.client.decision'

const decisions = channel(clientDecisionChannelName)

/** Tells what policies decide: each as a metric and on a diagnostics channel, and what changes the state of a remote also in the log. */
export class ClientJournal {
  readonly #log: Logger

  constructor(log: Logger = silent) {
    this.#log = log
  }

  note(made: ClientDecision): void {
    recordDecision(made)
    if (decisions.hasSubscribers) decisions.publish(made)
    const { contract, decision } = made
    if (decision === 'breaker_opened' || decision === 'breaker_closed')
      recordBreaker(remoteAttributes(contract), decision === 'breaker_opened' ? 'open' : 'closed')
    if (decision === 'breaker_opened')
      this.#log.warn({ contract }, 'a remote fails so many calls that some are not sent')
    if (decision === 'breaker_closed') this.#log.info({ contract }, 'no call of a remote is kept back any more')
  }
}
