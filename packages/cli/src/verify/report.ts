import type { TimedPhase } from '../instance/instance-message.ts'
import type { Count } from '../load/tally.ts'

/** What `tenon verify drain` found. */
export interface DrainReport {
  /** The verdict: nothing failed, nothing was lost, and every process ended well by itself. */
  readonly ok: boolean
  readonly services: readonly ServiceReport[]
  /** The longest time that this command itself stood still, in milliseconds: callers and balancer with it, which fails calls by itself. */
  readonly longestStandstillMs: number
}

export interface ServiceReport {
  readonly name: string
  readonly restartCount: number
  readonly transports: readonly TransportReport[]
  /** How many processes ended so: by exit code, or by the name of a signal. */
  readonly exits: Readonly<Record<string, number>>
  readonly slowestStart: TimedPhase | undefined
  readonly slowestStop: TimedPhase | undefined
  /** The longest time from the signal to the end of a process. */
  readonly longestStopMs: number
  /** What went wrong and why, as far as it can be told; empty when nothing did. */
  readonly causes: readonly Cause[]
  /** What is worth knowing and not judged, such as telemetry that could not be flushed. */
  readonly notes: readonly string[]
}

export interface TransportReport extends Count {
  /** `http`, `http stream`, `grpc`, `grpc stream`, `queue`. */
  readonly transport: string
  /** Messages only. */
  readonly lost?: number
  /** Messages only. */
  readonly duplicated?: number
}

/** Why a rollout is no good. */
export interface Cause {
  readonly cause: CauseName
  /** For people: what was seen, and what to do. */
  readonly message: string
}

export type CauseName =
  | 'closes_before_draining'
  | 'commits_early'
  | 'ended_by_signal'
  | 'exit_code'
  | 'late_end'
  | 'never_drops_readiness'
  | 'no_ready_instance'
  | 'nothing_sent'
  | 'not_consumed'
  | 'not_drained'
  | 'phase_failed'
  | 'start_failed'
  | 'calls_failed'
  | 'messages_failed'
