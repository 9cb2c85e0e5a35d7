import { LifecycleError } from '../../error/setup-error.ts'
import { withTimeLimit } from '../../handler/time-limit.ts'
import type { PhaseReport, StopPhaseName } from './phase.ts'
import type { PhaseJournal } from './phase-journal.ts'

/** One step of a shutdown. */
export interface ShutdownPhase {
  readonly name: StopPhaseName
  /** Longest time the phase may take, however much there is. @defaultValue no limit of its own */
  readonly limitMs?: number
  /** Time that those before it leave to it, so that none of them can use up all there is. */
  readonly reserveMs: number
  /** The signal fires after `timeoutMs`; the shutdown goes on without the phase after `graceMs` more. */
  run(signal: AbortSignal, timeoutMs: number, graceMs: number): unknown
}

export interface ShutdownTime {
  /** The one deadline over all phases, on the clock of `performance.now()`. */
  readonly endsAtMs: number
  readonly journal: PhaseJournal
}

/**
 * Runs every phase in order, whatever happened to those before it, and ends by the deadline. A phase may take what is left
 * without the reserves of those behind it; what it does not use passes on.
 */
export async function runPhases(
  phases: readonly ShutdownPhase[],
  { endsAtMs, journal }: ShutdownTime,
): Promise<readonly PhaseReport[]> {
  for (const [index, phase] of phases.entries()) {
    const budgetMs = timeFor(phase, phases.slice(index + 1), endsAtMs - performance.now())
    await runPhase(phase, budgetMs, journal)
  }
  return journal.reportsOf('stop')
}

/** Waits, or until the signal fires. */
export async function wait(durationMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, durationMs)
  const stop = () => resolve()
  signal.addEventListener('abort', stop, { once: true })
  await promise
  clearTimeout(timer)
  signal.removeEventListener('abort', stop)
}

/** Resolves when the signal fires. */
export function untilFired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** What one may take of the time left: all that those behind it do not need, or where there is less than all need, its part of it. */
export function partOf(leftMs: number, needMs: number, laterMs: number): number {
  if (leftMs <= 0) return 0
  const fairMs = needMs === 0 ? 0 : (leftMs * needMs) / (needMs + laterMs)
  return Math.max(leftMs - laterMs, fairMs)
}

function timeFor({ limitMs, reserveMs }: ShutdownPhase, later: readonly ShutdownPhase[], leftMs: number): number {
  const laterMs = later.reduce((sum, phase) => sum + phase.reserveMs, 0)
  return Math.min(limitMs ?? Number.POSITIVE_INFINITY, partOf(leftMs, reserveMs, laterMs))
}

/** Never rejects: the journal keeps how it ended. */
async function runPhase({ name, run }: ShutdownPhase, budgetMs: number, journal: PhaseJournal): Promise<void> {
  const limit = { timeoutMs: budgetMs, tooLate: () => timedOut(name, budgetMs) }
  try {
    await journal.run({ stage: 'stop', name, budgetMs }, () => withTimeLimit(run, limit))
  } catch {}
}

function timedOut(name: string, timeoutMs: number): LifecycleError {
  const message = `shutdown phase "${name}" did not end within ${Math.round(timeoutMs)} ms`
  return new LifecycleError([{ code: 'service.phase_timed_out', message }])
}
