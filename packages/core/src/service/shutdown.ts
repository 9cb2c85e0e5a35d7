import { LifecycleError } from '../error/setup-error.ts'
import type { Logger } from '../telemetry/log.ts'

/** One step of a shutdown. */
export interface ShutdownPhase {
  readonly name: string
  /** Longest time the phase may take; the shutdown goes on without it then. */
  readonly budgetMs: number
  /** The signal fires when the budget is used up. */
  run(signal: AbortSignal): unknown
}

/** How long a phase took, and how it ended. */
export interface PhaseReport {
  readonly phase: string
  readonly durationMs: number
  readonly error: Error | undefined
}

/** Runs every phase in order, each within its budget, whatever happened to those before it. */
export async function runPhases(phases: readonly ShutdownPhase[], log: Logger): Promise<readonly PhaseReport[]> {
  const reports: PhaseReport[] = []
  for (const phase of phases) {
    const report = await runPhase(phase)
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
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
  clearTimeout(timer)
}

async function runPhase({ name, budgetMs, run }: ShutdownPhase): Promise<PhaseReport> {
  const startedAt = performance.now()
  const budget = new AbortController()
  const timer = setTimeout(() => budget.abort(), budgetMs)
  const { signal } = budget
  // After its budget a phase has this long to notice the signal and end by itself.
  const overdue = afterAbort(signal, graceMs)
  try {
    await Promise.race([run(signal), overdue.promise.then(() => Promise.reject(timedOut(name, budgetMs)))])
    return report(name, startedAt, undefined)
  } catch (error) {
    return report(name, startedAt, error instanceof Error ? error : new Error(String(error)))
  } finally {
    clearTimeout(timer)
    overdue.cancel()
  }
}

const graceMs = 500

/** Resolves a while after the signal fired. */
function afterAbort(signal: AbortSignal, graceForMs: number) {
  const { promise, resolve } = Promise.withResolvers<void>()
  let timer: NodeJS.Timeout | undefined
  const start = () => {
    timer = setTimeout(resolve, graceForMs)
  }
  signal.addEventListener('abort', start, { once: true })
  return {
    promise,
    cancel: () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', start)
    },
  }
}

function report(phase: string, startedAt: number, error: Error | undefined): PhaseReport {
  return { phase, durationMs: Math.round(performance.now() - startedAt), error }
}

function timedOut(name: string, budgetMs: number): LifecycleError {
  const message = `shutdown phase "${name}" did not end within ${Math.round(budgetMs)} ms`
  return new LifecycleError([{ code: 'service.phase_timed_out', message }])
}
