import { LifecycleError } from '../../error/setup-error.ts'
import { withTimeLimit } from '../../handler/time-limit.ts'
import type { Logger } from '../../telemetry/log.ts'

/** One step of a shutdown. */
export interface ShutdownPhase {
  readonly name: string
  /** Longest time the phase may take, however much there is. @defaultValue no limit of its own */
  readonly limitMs?: number
  /** Time that those before it leave to it, so that none of them can use up all there is. */
  readonly reserveMs: number
  /** The signal fires after `timeoutMs`, shortly before the shutdown goes on without the phase. */
  run(signal: AbortSignal, timeoutMs: number): unknown
}

/** How long a phase took, and how it ended. */
export interface PhaseReport {
  readonly phase: string
  readonly durationMs: number
  readonly error: Error | undefined
}

export interface ShutdownTime {
  /** The one deadline over all phases, on the clock of `performance.now()`. */
  readonly endsAtMs: number
  readonly log: Logger
}

/**
 * Runs every phase in order, whatever happened to those before it, and ends by the deadline. A phase may take what is left
 * without the reserves of those behind it; what it does not use passes on.
 */
export async function runPhases(
  phases: readonly ShutdownPhase[],
  { endsAtMs, log }: ShutdownTime,
): Promise<readonly PhaseReport[]> {
  const reports: PhaseReport[] = []
  for (const [index, phase] of phases.entries()) {
    const timeoutMs = timeFor(phase, phases.slice(index + 1), endsAtMs - performance.now())
    const report = await runPhase(phase, timeoutMs)
    reports.push(report)
    if (report.error)
      log.error(
        { phase: report.phase, durationMs: report.durationMs, err: report.error },
        `shutdown: ${report.phase} failed`,
      )
    else log.info({ phase: report.phase, durationMs: report.durationMs }, `shutdown: ${report.phase}`)
  }
  return reports
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

/** When there is less left than the reserves ask for, each gets its part of it. */
function timeFor({ limitMs, reserveMs }: ShutdownPhase, later: readonly ShutdownPhase[], leftMs: number): number {
  if (leftMs <= 0) return 0
  const laterMs = later.reduce((sum, phase) => sum + phase.reserveMs, 0)
  const fairMs = reserveMs === 0 ? 0 : (leftMs * reserveMs) / (reserveMs + laterMs)
  return Math.min(limitMs ?? leftMs, Math.max(leftMs - laterMs, fairMs))
}

async function runPhase({ name, run }: ShutdownPhase, timeoutMs: number): Promise<PhaseReport> {
  const startedAt = performance.now()
  try {
    await withTimeLimit(run, { timeoutMs, tooLate: () => timedOut(name, timeoutMs) })
    return report(name, startedAt, undefined)
  } catch (error) {
    return report(name, startedAt, error instanceof Error ? error : new Error(String(error)))
  }
}

function report(phase: string, startedAt: number, error: Error | undefined): PhaseReport {
  return { phase, durationMs: Math.round(performance.now() - startedAt), error }
}

function timedOut(name: string, timeoutMs: number): LifecycleError {
  const message = `shutdown phase "${name}" did not end within ${Math.round(timeoutMs)} ms`
  return new LifecycleError([{ code: 'service.phase_timed_out', message }])
}
