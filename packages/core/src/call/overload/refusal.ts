import { channel } from 'node:diagnostics_channel'
import { overloaded } from '../rule/limiter.ts'
import type { Criticality } from './criticality.ts'

/**
 * Why a call is refused. `no_room`: it would have to wait too long, and nobody gives way to it. `gave_way`: it waited, and gave its place to a more critical
 * call or to a tenant of which fewer wait. `waited_too_long`: its turn did not come within twice `maxDelayMs`.
 */
export type RefusalReason = 'no_room' | 'gave_way' | 'waited_too_long'

/** A call that a service refused because of an overload, as it is published. */
export interface ServerRefusal {
  /** Name of the service. */
  readonly service: string
  /** Id of the operation: contract and name. */
  readonly operation: string
  /** Name of the transport by which it came. */
  readonly transport: string
  /** As its caller said, or else the operation or the service. */
  readonly criticality: Criticality
  /** Whose it was; empty where its caller did not say. */
  readonly tenant: string
  readonly reason: RefusalReason
  /** How many might run at a time, how many did, and how many waited. */
  readonly concurrencyLimit: number
  readonly runningCount: number
  readonly waitingCount: number
}

/** Name of the diagnostics channel on which each call is published that a service refuses because of an overload, as it happens. */
export const serverRefusalChannelName = 'tenon.server.refusal'

/** What a call is told that is refused. One for all: to make one costs more than the rest of a refusal. */
export const refusal = overloaded()

/** Ask it whether anybody listens before a refusal is made: an overload refuses thousands a second. */
export const refusals = channel(serverRefusalChannelName)
