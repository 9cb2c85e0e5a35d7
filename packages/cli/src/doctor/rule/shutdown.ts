import type { Rule } from '../finding.ts'
import type { Field } from '../manifest/field.ts'
import { hasCallers, type Subject } from '../subject.ts'
import { processEndMs } from '../../generate/pod-facts.ts'

/** @see Kubernetes documentation, pod lifecycle: 30 s unless the pod says otherwise */
const usualGraceSeconds = 30

const graceTooShort: Rule = {
  id: 'grace-too-short',
  severity: 'error',
  find: (subject) => {
    const { shutdownTimeoutMs } = subject.service.limits
    const { at, ms } = graceOf(subject)
    const preStopMs = preStopOf(subject).ms ?? 0
    const neededMs = shutdownTimeoutMs + processEndMs + preStopMs
    if (ms >= neededMs) return []
    const message = `the kubelet kills after ${ms} ms${at.isSet ? '' : ' (the default)'}, but the service may need ${neededMs} ms: shutdownTimeoutMs ${shutdownTimeoutMs}, ${processEndMs} for its process to end and ${preStopMs} of preStop`
    return [{ at, message, fix: `terminationGracePeriodSeconds: ${Math.ceil(neededMs / 1_000)}` }]
  },
}

const killDelay: Rule = {
  id: 'kill-delay-contradicts-grace',
  severity: 'error',
  find: (subject) => {
    const variable = subject.environment.variables.get('TENON_KILL_DELAY_MS')
    if (!variable?.value) return []
    const { shutdownTimeoutMs } = subject.service.limits
    const leftMs = graceOf(subject).ms - (preStopOf(subject).ms ?? 0)
    const givenMs = Number(variable.value)
    const fix = `TENON_KILL_DELAY_MS: "${leftMs}"`
    if (!/^[1-9]\d*$/.test(variable.value))
      return [
        {
          at: variable.at,
          message: `the service does not start with TENON_KILL_DELAY_MS ${JSON.stringify(variable.value)}, which is no whole number of milliseconds`,
          fix,
        },
      ]
    if (givenMs > leftMs)
      return [
        {
          at: variable.at,
          message: `TENON_KILL_DELAY_MS tells the service that it is killed ${givenMs} ms after SIGTERM, but the grace period without preStop leaves ${leftMs} ms`,
          fix,
        },
      ]
    if (givenMs >= shutdownTimeoutMs + processEndMs) return []
    return [
      {
        at: variable.at,
        message: `the service does not start: its shutdownTimeoutMs ${shutdownTimeoutMs} and ${processEndMs} ms do not fit TENON_KILL_DELAY_MS ${givenMs}`,
        fix: `TENON_KILL_DELAY_MS: "${Math.max(leftMs, shutdownTimeoutMs + processEndMs)}", with a grace period that leaves as much`,
      },
    ]
  },
}

const doubleDelay: Rule = {
  id: 'delay-twice',
  severity: 'warning',
  find: (subject) => {
    const { deregisterDelayInKubernetesMs: ownMs } = subject.service.limits
    const { at, ms = 0 } = preStopOf(subject)
    if (ms === 0 || ownMs === 0) return []
    const message = `the pod waits ${ms} ms in preStop before SIGTERM, and the service serves for ${ownMs} ms more after it (deregisterDelayMs): each rollout takes both`
    return [{ at, message, fix: 'remove the preStop hook; the delay of the service is enough' }]
  },
}

const noDelay: Rule = {
  id: 'delay-missing',
  severity: 'error',
  find: (subject) => {
    if (!hasCallers(subject) || subject.service.limits.deregisterDelayInKubernetesMs > 0) return []
    const { at, isSet } = preStopOf(subject)
    if (isSet) return []
    const message =
      'the service stops serving at SIGTERM (deregisterDelayMs 0), before load balancers have learned that the pod leaves: calls fail in each rollout'
    return [{ at, message, fix: 'preStop: { sleep: { seconds: 5 } }, or leave out deregisterDelayMs in the code' }]
  },
}

const preStopShell: Rule = {
  id: 'prestop-needs-shell',
  severity: 'warning',
  find: (subject) => {
    const { at, ms } = preStopOf(subject)
    const command = at.at('exec', 'command')
    const [first] = command.items
    const program = first?.text?.split('/').at(-1)
    if (!['sh', 'bash', 'ash', 'dash', 'sleep'].includes(program ?? '')) return []
    const message = `preStop runs ${program}, which an image without a shell does not have: the hook fails at once and nothing waits`
    return [
      {
        at: command,
        message,
        fix:
          ms === undefined ? 'run the command with node' : `preStop: { sleep: { seconds: ${Math.ceil(ms / 1_000)} } }`,
      },
    ]
  },
}

export const shutdownRules: readonly Rule[] = [graceTooShort, killDelay, doubleDelay, noDelay, preStopShell]

function graceOf({ pod }: Subject): { readonly at: Field; readonly ms: number } {
  const at = pod.at('terminationGracePeriodSeconds')
  return { at, ms: (at.number ?? usualGraceSeconds) * 1_000 }
}

interface PreStop {
  readonly at: Field
  readonly isSet: boolean
  /** How long it takes; undefined where it is none, or no sleep. */
  readonly ms: number | undefined
}

function preStopOf({ container }: Subject): PreStop {
  const at = container.at('lifecycle', 'preStop')
  const seconds = at.at('sleep', 'seconds').number
  const ms = seconds === undefined ? sleepOf(at.at('exec', 'command')) : seconds * 1_000
  return { at, isSet: at.isSet && ms !== 0, ms }
}

/** Milliseconds of `sleep 5` in a command. */
function sleepOf(command: Field): number | undefined {
  const text = command.items.map((word) => word.shown ?? '').join(' ')
  const [, count, unit = 's'] = /\bsleep\s+(\d+(?:\.\d+)?)([smh]?)\b/.exec(text) ?? []
  const factors: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000 }
  return count === undefined ? undefined : Number(count) * (factors[unit] ?? 1_000)
}
