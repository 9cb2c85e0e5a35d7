import type { ServicePlace } from '../module/service-module.ts'

/** What `tenon verify drain` was asked for. */
export interface DrainTask {
  readonly kind: 'verify_drain'
  readonly services: readonly ServicePlace[]
  /** A file whose default export are samples. */
  readonly samplesFile?: string | undefined
  readonly restartCount: number
  /** Arrivals of each kind: calls of each protocol, and messages, of each service. */
  readonly perSecond: number
  /** @defaultValue what the service has in Kubernetes */
  readonly deregisterDelayMs?: number | undefined
  /** Where the balancer asks whether an instance is ready: `admin:/readyz`. */
  readonly readiness: ReadinessPlace
  /** Longest wait for an instance to be ready. */
  readonly startTimeoutMs: number
  /** How long nothing may come of messages, at the end, until they count as lost. */
  readonly settleMs: number
  readonly isJson: boolean
}

/** Where a balancer asks whether an instance is ready. */
export interface ReadinessPlace {
  readonly protocol: string
  readonly path: string
}
