import type { Address } from '@tenon/core'
import type { ServicePlace } from '../module/service-module.ts'

/** Starts one instance of a service that is verified, in a process of its own. */
export interface InstanceTask extends ServicePlace {
  readonly kind: 'instance'
  readonly isJson: false
  readonly deregisterDelayMs: number
  /** Where contracts are served that this service calls, by the name of the contract and the client transport: `contract grpc`. */
  readonly remotes: Readonly<Record<string, string>>
  /** How the ids of messages begin that are told of. */
  readonly idPrefix: string
}

/** What an instance tells of itself. */
export type InstanceMessage = ReadyMessage | PhaseMessage | HandledMessage | EndedMessage | LagMessage

export interface ReadyMessage {
  readonly event: 'ready'
  readonly addresses: readonly Address[]
}

/** A phase of the start or the stop has begun, or ended. */
export interface PhaseMessage {
  readonly event: 'phase'
  readonly stage: 'start' | 'stop'
  readonly phase: string
  /** Undefined when it has begun. */
  readonly durationMs?: number | undefined
}

/** A handler has come to an end with a message. */
export interface HandledMessage {
  readonly event: 'handled'
  readonly topic: string
  readonly group: string
  readonly id: string
  /** Why it failed; undefined when it ended well. */
  readonly code?: string | undefined
}

export interface EndedMessage {
  readonly event: 'ended'
  readonly exitCode: number
  readonly phases: readonly TimedPhase[]
}

/** Answers the question of the verifier what the groups have not committed. */
export interface LagMessage {
  readonly event: 'lag'
  readonly groups: readonly GroupLag[]
}

export interface GroupLag {
  readonly topic: string
  readonly group: string
  /** Undefined when the broker did not say. */
  readonly lagCount: number | undefined
}

export interface TimedPhase {
  readonly phase: string
  readonly durationMs: number
  readonly error?: string | undefined
}
