import type { ServiceDescription } from '@tenon/core'
import { processEndMs } from '../pod-facts.ts'

/** A number of a manifest, and where it comes from. */
export interface Reasoned {
  readonly value: number
  readonly reason: string
}

/** The times of a pod, from those of its service. Seconds are rounded up. */
export interface PodBudget {
  /** Sleep before SIGTERM; absent where the service itself keeps serving, or has nobody who calls it. */
  readonly preStopSeconds?: Reasoned | undefined
  readonly gracePeriodSeconds: Reasoned
  /** From SIGTERM to the kill: the grace period without the sleep. */
  readonly killDelayMs: Reasoned
  readonly startupFailures: Reasoned
  readonly readinessPeriodSeconds: Reasoned
  readonly progressDeadlineSeconds: Reasoned
}

/**
 * How long the pod of a service may take for each step of its life.
 *
 * @see docs/design.md, section 4: a preStop sleep replaces the delay of the service, never both.
 */
export function podBudget(service: ServiceDescription): PodBudget {
  const { startTimeoutMs, shutdownTimeoutMs } = service.limits
  const preStopSeconds = preStopOf(service)
  const sleepSeconds = preStopSeconds?.value ?? 0
  const drainSeconds = seconds(shutdownTimeoutMs + processEndMs)
  const drainReason = `shutdownTimeoutMs ${shutdownTimeoutMs} + ${processEndMs} ms for the process to end, rounded up`
  const gracePeriodSeconds = {
    value: sleepSeconds + drainSeconds,
    reason: sleepSeconds > 0 ? `${drainReason}, + ${sleepSeconds} s of preStop` : drainReason,
  }
  const startupFailures = {
    value: Math.ceil(startMs(service) / (startupPeriodSeconds * 1000)),
    reason: `startTimeoutMs ${startTimeoutMs} + ${loadMs} ms to load the code (a guess), every ${startupPeriodSeconds} s`,
  }
  return {
    preStopSeconds,
    gracePeriodSeconds,
    killDelayMs: {
      value: drainSeconds * 1000,
      reason:
        sleepSeconds > 0
          ? 'terminationGracePeriodSeconds without preStop: the service refuses to start when its shutdown does not fit'
          : 'terminationGracePeriodSeconds: the service refuses to start when its shutdown does not fit',
    },
    startupFailures,
    readinessPeriodSeconds: readinessPeriod(service),
    progressDeadlineSeconds: progressDeadline(startupFailures.value * startupPeriodSeconds, gracePeriodSeconds.value),
  }
}

/** How long from the start of the process until the service has started, at the latest, in ms. */
export function startMs({ limits }: ServiceDescription): number {
  return limits.startTimeoutMs + loadMs
}

/** @see docs/probes.md, "In a pod" */
export const startupPeriodSeconds = 2

/** From the start of the process to that of the service. A guess. */
const loadMs = 10_000

/** How long endpoints take to forget a pod. @see `deregisterDelayMs`, whose default in Kubernetes it is */
const forgetSeconds = 5

/** Whether anybody comes to the service, who must learn that a pod of it goes. */
function hasCallers({ transports, isRegistered }: ServiceDescription): boolean {
  return isRegistered || transports.some(({ listensAt = [] }) => listensAt.length > 0)
}

function preStopOf(service: ServiceDescription): Reasoned | undefined {
  if (!hasCallers(service) || service.limits.deregisterDelayInKubernetesMs > 0) return undefined
  const reason = `deregisterDelayMs is 0, so the pod waits in its place until callers know that it goes: ${forgetSeconds} s, a guess`
  return { value: forgetSeconds, reason }
}

function readinessPeriod({ checks }: ServiceDescription): Reasoned {
  const readiness = checks.filter(({ affects }) => affects === 'readiness')
  const [quickest] = readiness.toSorted((one, other) => one.intervalMs - other.intervalMs)
  const [slowest] = readiness.toSorted((one, other) => other.timeoutMs - one.timeoutMs)
  if (quickest === undefined || slowest === undefined) return usualReadiness
  const often =
    seconds(quickest.intervalMs) > usualReadiness.value
      ? usualReadiness
      : {
          value: seconds(quickest.intervalMs),
          reason: `as often as the check ${quickest.name} runs, every ${quickest.intervalMs} ms`,
        }
  return seconds(slowest.timeoutMs) > often.value
    ? {
        value: seconds(slowest.timeoutMs),
        reason: `no more often than the check ${slowest.name} may take, ${slowest.timeoutMs} ms`,
      }
    : often
}

/** @see docs/probes.md, "In a pod" */
const usualReadiness: Reasoned = { value: 5, reason: 'docs/probes.md: a guess to begin with' }

function progressDeadline(startSeconds: number, graceSeconds: number): Reasoned {
  const least = startSeconds + graceSeconds + pullSeconds
  const parts = `${startSeconds} s to start, ${graceSeconds} s until an old pod leaves its place, ${pullSeconds} s for the image (a guess)`
  return least > usualDeadlineSeconds
    ? { value: least, reason: parts }
    : { value: usualDeadlineSeconds, reason: `what Kubernetes takes by itself; more than ${parts}` }
}

/** @see Kubernetes, Deployment: progressDeadlineSeconds is 600 unless it is given */
const usualDeadlineSeconds = 600

const pullSeconds = 120

function seconds(ms: number): number {
  return Math.ceil(ms / 1000)
}
