import type { EjectionReason } from './ejection.ts'

/** What was decided about one instance of a remote, as it is published. */
export interface InstanceDecision {
  /** Name of the contract of the remote. */
  readonly contract: string
  /** Address of the instance. */
  readonly address: string
  /**
   * `picked`: it was given a call. `passed_over`: its breaker refused one, which was given to another. `ejected`, `returned`: it is given no calls for a while; it is given
   * some again. `breaker_opened`, `breaker_closed`: the first call that its breaker refused, and the first one after three seconds without any, or the instance is gone.
   */
  readonly decision: 'picked' | 'passed_over' | 'ejected' | 'returned' | 'breaker_opened' | 'breaker_closed'
  /** Why it was ejected. */
  readonly reason?: EjectionReason | undefined
}

/**
 * Name of the diagnostics channel on which it is published to which instance each call was given, and who is given none, as it happens. Apart from
 * `clientDecisionChannelName`, as there is one for every call.
 */
export const instanceDecisionChannelName = 'tenon.client.instance'
