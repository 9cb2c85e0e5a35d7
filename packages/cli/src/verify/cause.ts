import { decisiveStopPhases } from '@tenon/core'
import type { GroupLag } from '../instance/instance-message.ts'
import type { LostMessages } from '../load/message-ledger.ts'
import type { Cause, ServiceReport } from './report.ts'
import type { InstanceRecord } from './verified-instance.ts'

/** What the causes are found from. */
export interface Evidence {
  readonly records: readonly InstanceRecord[]
  readonly transports: ServiceReport['transports']
  readonly lostBy: readonly LostMessages[]
  /** What groups had not committed at the end; undefined when nobody said. */
  readonly lags: readonly GroupLag[] | undefined
  readonly shutdownTimeoutMs: number
  /** How long instances still serve after their readiness is false. */
  readonly delayMs: number
  /** Connections that came while no instance was ready by its probe. */
  readonly unledCount: number
  /** Why an instance did not start; undefined when all did. */
  readonly startFailure: string | undefined
}

const decisivePhases: readonly string[] = decisiveStopPhases

/** Says why a rollout lost or failed something, the root first. Empty when all went well. */
export function findCauses(evidence: Evidence): readonly Cause[] {
  const roots = [
    ...startCauses(evidence),
    ...endCauses(evidence),
    ...phaseCauses(evidence),
    ...readinessCauses(evidence),
    ...unledCauses(evidence),
  ]
  const closing = closingCauses(evidence, roots)
  const found = [...roots, ...closing, ...messageCauses(evidence)]
  return [...found, ...restCauses(evidence, found)]
}

/** What is told of a rollout and makes it no worse, a sentence each. */
export function findNotes(records: Evidence['records']): readonly string[] {
  return phaseFailures(records, (phase) => !isDecisive(phase))
}

function startCauses({ startFailure }: Evidence): readonly Cause[] {
  return startFailure === undefined
    ? []
    : [{ cause: 'start_failed', message: `an instance did not start: ${startFailure}` }]
}

function endCauses({ records, shutdownTimeoutMs }: Evidence): readonly Cause[] {
  const killed = records.filter(({ wasKilled }) => wasKilled)
  const signalled = records.filter(({ end, wasKilled }) => end.signal !== null && !wasKilled)
  const failed = records.filter(
    ({ end, stopPhases }) => end.code !== null && end.code !== 0 && !hasFailedPhase(stopPhases),
  )
  const left = records.filter(({ end, hasStopped }) => end.code === 0 && !hasStopped)
  const [signal] = signalled.map(({ end }) => end.signal)
  return [
    ...when(killed, () => ({
      cause: 'late_end',
      message: `${times(killed)} a process did not end by itself within its shutdownTimeoutMs of ${shutdownTimeoutMs} ms, and was killed${lastPhase(killed)}`,
    })),
    ...when(signalled, () => ({
      cause: 'ended_by_signal',
      message: `${times(signalled)} a process was ended by ${signal} and not by itself: something in it, or its platform, kills it before it has drained`,
    })),
    ...when(left, () => ({
      cause: 'not_drained',
      message: `${times(left)} a process ended with exit code 0 before its shutdown was over${lastPhase(left)}. Something in it, such as a listener of SIGTERM that calls process.exit(), ends it before it has drained`,
    })),
    ...when(failed, ({ end, output }) => ({
      cause: 'exit_code',
      message: `${times(failed)} a process ended with exit code ${end.code}; the last one printed:\n${output}`,
    })),
  ]
}

function phaseCauses({ records }: Evidence): readonly Cause[] {
  return phaseFailures(records, isDecisive).map((message) => ({ cause: 'phase_failed', message }))
}

/** A sentence for each phase that failed. */
function phaseFailures(records: Evidence['records'], isMeant: (phase: string) => boolean): readonly string[] {
  const phases = records.flatMap(({ stopPhases }) => stopPhases)
  const failures = phases.filter(({ phase, error }) => error !== undefined && isMeant(phase))
  return [...Map.groupBy(failures, ({ phase }) => phase)].map(
    ([phase, failed]) => `${times(failed)} the phase "${phase}" of the shutdown failed: ${failed[0]?.error}`,
  )
}

/**
 * A probe that says yes to the end sends callers to a server that is closing. One that was late now and then matters only where
 * something failed: the machine may be slow. Without a delay, as of a service that nobody calls, no probe need have been asked in time.
 */
function readinessCauses({ records, delayMs, transports }: Evidence): readonly Cause[] {
  const drained = records.filter(({ hasStopped, readyUntilMs }) => hasStopped && readyUntilMs !== undefined)
  const late = drained.filter(({ notReadyAfterMs = Number.POSITIVE_INFINITY }) => notReadyAfterMs >= delayMs)
  const isAlways = delayMs > 0 && late.length > 0 && late.every(({ notReadyAfterMs }) => notReadyAfterMs === undefined)
  const hasFailed = transports.some(({ failed }) => failed > 0)
  if (!hasFailed && !(isAlways && late.length === records.length)) return []
  return when(late, ({ readyUntilMs }) => ({
    cause: 'never_drops_readiness',
    message: `${times(late)} the probe did not say in time that an instance is not ready: it still said ready ${readyUntilMs} ms after SIGTERM. Ask /readyz of the admin server, or let the probe turn false when the shutdown begins`,
  }))
}

/** New instances are waited for before old ones leave: some instance has stopped answering its probe, or said no. */
function unledCauses({ unledCount, transports }: Evidence): readonly Cause[] {
  if (unledCount === 0 || !transports.some(({ failed }) => failed > 0)) return []
  return [
    {
      cause: 'no_ready_instance',
      message: `${unledCount} connections came while no instance was ready: one that serves said that it is not, or did not answer its probe three times in a row for 1 s each. Where the machine is busy give it a smaller --rate`,
    },
  ]
}

/** What ends connections otherwise than by closing them early. */
const endings: readonly Cause['cause'][] = [
  'never_drops_readiness',
  'ended_by_signal',
  'not_drained',
  'no_ready_instance',
]

function closingCauses({ records, transports }: Evidence, roots: readonly Cause[]): readonly Cause[] {
  if (roots.some(({ cause }) => endings.includes(cause))) return []
  const refusing = records.filter(({ refusals }) => refusals.length > 0)
  const refused = when(refusing, ({ refusals }) => ({
    cause: 'closes_before_draining',
    message: `${times(refusing)} an instance refused ${refusals[0]?.protocol} connections while its probe said ready${afterText(refusals[0]?.afterMs)}: keep servers open until callers have turned away, deregisterDelayMs after readiness is false`,
  }))
  if (refused.length > 0) return refused
  const cut = transports.flatMap(({ failures }) => failures.filter(({ code }) => code === 'unavailable'))
  const isClean = records.every(({ end }) => end.code === 0)
  return isClean
    ? when(cut, ({ message }) => ({
        cause: 'closes_before_draining',
        message: `calls were cut although every process ended with exit code 0 (${message}): something closes connections before running calls have ended`,
      }))
    : []
}

/** A group that has committed what it never handled is told from one that has not come to it yet. */
function messageCauses({ lostBy, lags }: Evidence): readonly Cause[] {
  return lostBy.map(({ topic, group, count }): Cause => {
    const lag = lags?.find((one) => one.topic === topic && one.group === group)?.lagCount
    if (lag === 0)
      return {
        cause: 'commits_early',
        message: `${count} messages of ${topic} were never handled to their end, but group ${group} has committed them: commit after the handler, not when a message is taken`,
      }
    const left = lag === undefined ? 'nobody says what it has committed' : `it has ${lag} left to commit`
    return {
      cause: 'not_consumed',
      message: `${count} messages of ${topic} were not handled by group ${group} though they had time, and ${left}`,
    }
  })
}

function restCauses({ transports }: Evidence, found: readonly Cause[]): readonly Cause[] {
  if (found.length > 0) return []
  return transports.flatMap(({ transport, sent, failures }): readonly Cause[] => {
    if (sent === 0)
      return [{ cause: 'nothing_sent', message: `nothing was sent over ${transport}, so nothing can be said of it` }]
    return when(failures, ({ operation, code, message }) => ({
      cause: transport === 'queue' ? 'messages_failed' : 'calls_failed',
      message: `${operation} over ${transport} failed: ${code}: ${message}`,
    }))
  })
}

function when<Item>(items: readonly Item[], cause: (first: Item) => Cause): readonly Cause[] {
  const [first] = items
  return first === undefined ? [] : [cause(first)]
}

function times(items: readonly unknown[]): string {
  return items.length === 1 ? 'once' : `${items.length} times`
}

function isDecisive(phase: string): boolean {
  return decisivePhases.includes(phase)
}

function hasFailedPhase(phases: InstanceRecord['stopPhases']): boolean {
  return phases.some(({ phase, error }) => error !== undefined && isDecisive(phase))
}

function lastPhase([first]: readonly InstanceRecord[]): string {
  return first?.runningPhase === undefined ? '' : `: the phase "${first.runningPhase}" had not ended`
}

function afterText(afterMs: number | undefined): string {
  return afterMs === undefined ? ', before any signal' : `, ${afterMs} ms after SIGTERM`
}
