import type { Rule } from '../finding.ts'
import { type Probe, probeOf } from '../probe.ts'
import { podBudget, startMs, startupPeriodSeconds } from '../../generate/kubernetes/pod-budget.ts'
import { hasCallers, probePort, type Subject } from '../subject.ts'

const readinessMissing: Rule = {
  id: 'readiness-missing',
  severity: 'error',
  find: (subject) => {
    const { container } = subject
    const port = probePort(subject)
    if (container.at('readinessProbe').isSet || (port === undefined && !hasCallers(subject))) return []
    const message = hasCallers(subject)
      ? 'without a readiness probe the pod gets calls before it can answer them, and while its checks fail'
      : 'without a readiness probe a rollout goes on though the new pod cannot do its work'
    return [
      {
        at: container.at('readinessProbe'),
        message,
        fix: `readinessProbe: { ${port === undefined ? 'grpc: { port: <that of gRPC> }' : `httpGet: { path: /readyz, port: ${port} }`}, periodSeconds: 5, failureThreshold: 2 }`,
      },
    ]
  },
}

const startKilled: Rule = {
  id: 'start-killed-by-liveness',
  severity: 'error',
  find: (subject) => {
    const liveness = probeOf(subject, 'livenessProbe')
    if (liveness === undefined || subject.container.at('startupProbe').isSet || passesWhileStarting(liveness)) return []
    const ms = patienceMs(liveness)
    if (ms >= startMs(subject.service)) return []
    const message = `the liveness probe asks what is answered only once the service has started, and restarts it after ${ms} ms, but a start may take ${startText(subject)}`
    return [{ at: liveness.at, message, fix: startupFix(subject) }]
  },
}

const startupTooShort: Rule = {
  id: 'startup-too-short',
  severity: 'error',
  find: (subject) => {
    const startup = probeOf(subject, 'startupProbe')
    const ms = startMs(subject.service)
    if (startup === undefined || patienceMs(startup) >= ms) return []
    const message = `the start-up probe restarts the container after ${patienceMs(startup)} ms, but a start may take ${startText(subject)}`
    const failureThreshold = Math.ceil((ms / 1_000 - startup.initialDelaySeconds) / startup.periodSeconds)
    return [
      {
        at: startup.at,
        message,
        fix: `failureThreshold: ${failureThreshold}, with periodSeconds: ${startup.periodSeconds}`,
      },
    ]
  },
}

const startupExternal: Rule = {
  id: 'startup-asks-readiness',
  severity: 'error',
  find: (subject) => {
    const startup = probeOf(subject, 'startupProbe')
    if (startup?.asks !== 'readyz') return []
    const message =
      'the start-up probe asks for readiness, which fails while a database or a broker is away: the container is restarted for it'
    return [{ at: startup.at, message, fix: 'path: /startupz' }]
  },
}

const livenessHasty: Rule = {
  id: 'liveness-hasty',
  severity: 'warning',
  find: (subject) => {
    const liveness = probeOf(subject, 'livenessProbe')
    if (liveness === undefined) return []
    const { at, periodSeconds, failureThreshold, timeoutSeconds } = liveness
    const fix = 'periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3'
    const seconds = periodSeconds * failureThreshold
    if (seconds < leastLivenessSeconds)
      return [
        {
          at,
          message: `the liveness probe restarts a process that is busy for ${seconds} s (periodSeconds ${periodSeconds}, failureThreshold ${failureThreshold}), under ${leastLivenessSeconds} s`,
          fix,
        },
      ]
    if (timeoutSeconds >= leastLivenessTimeoutSeconds) return []
    return [
      {
        at: at.at('timeoutSeconds'),
        message: `the liveness probe waits ${timeoutSeconds} s for an answer, which is short for a process under load (under ${leastLivenessTimeoutSeconds} s)`,
        fix,
      },
    ]
  },
}

const probeHasty: Rule = {
  id: 'readiness-hasty',
  severity: 'warning',
  find: (subject) => {
    const readiness = probeOf(subject, 'readinessProbe')
    const [slowest] = subject.service.checks
      .filter(({ affects }) => affects === 'readiness')
      .toSorted((one, other) => other.timeoutMs - one.timeoutMs)
    if (readiness === undefined || slowest === undefined) return []
    const periodMs = readiness.periodSeconds * 1_000
    if (periodMs >= slowest.timeoutMs) return []
    const message = `the readiness probe asks every ${periodMs} ms, but the check ${slowest.name} may take ${slowest.timeoutMs} ms and runs every ${slowest.intervalMs} ms: the same is answered again`
    return [{ at: readiness.at, message, fix: `periodSeconds: ${Math.ceil(slowest.timeoutMs / 1_000)}` }]
  },
}

export const probeTimeRules: readonly Rule[] = [
  readinessMissing,
  startKilled,
  startupTooShort,
  startupExternal,
  livenessHasty,
  probeHasty,
]

/** A guess, half of what docs/probes.md begins with: a full garbage collection, or a start of many callers, is over by then. */
const leastLivenessSeconds = 15

/** @see docs/probes.md: the usual second is short under load */
const leastLivenessTimeoutSeconds = 2

/** How long the kubelet waits for the first pass. */
function patienceMs({ initialDelaySeconds, periodSeconds, failureThreshold }: Probe): number {
  return (initialDelaySeconds + periodSeconds * failureThreshold) * 1_000
}

/** The admin server listens before anything else starts, and answers for the process alone. Of a program nothing is known. */
function passesWhileStarting({ asks, listener, by }: Probe): boolean {
  if (by === 'exec' && asks === undefined) return true
  return listener?.name === 'admin' && (asks === 'livez' || by === 'tcp')
}

/** `100000 ms (startTimeoutMs 90000, and …)` */
function startText({ service }: Subject): string {
  const { startTimeoutMs } = service.limits
  return `${startMs(service)} ms (startTimeoutMs ${startTimeoutMs}, and ${startMs(service) - startTimeoutMs} to load the code, a guess)`
}

function startupFix(subject: Subject): string {
  const { startupFailures } = podBudget(subject.service)
  return `startupProbe: { httpGet: { path: /startupz, port: ${probePort(subject) ?? 'one that answers probes'} }, periodSeconds: ${startupPeriodSeconds}, failureThreshold: ${startupFailures.value} }`
}
