import { withTimeLimit } from '../../handler/time-limit.ts'
import type { TelemetrySink } from '../../telemetry/flush.ts'
import { throwErrors } from './servers.ts'

/**
 * Flushes all side by side; one that fails or hangs keeps none of the others from it.
 *
 * @throws AggregateError of all that failed or took longer, each by its name.
 */
export async function flushAll(sinks: readonly TelemetrySink[], timeoutMs: number): Promise<void> {
  const endsAtMs = performance.now() + timeoutMs
  // One that computes before it waits takes from the time of those behind it, so that all are told by their names.
  const failures = await Promise.all(sinks.map((sink) => flush(sink, Math.max(0, endsAtMs - performance.now()))))
  throwErrors(
    failures.flatMap((failure) => failure ?? []),
    'telemetry could not be flushed',
  )
}

async function flush(sink: TelemetrySink, timeoutMs: number): Promise<Error | undefined> {
  const tooLate = () => new Error(`not written within ${Math.round(timeoutMs)} ms`)
  try {
    await withTimeLimit(() => sink.flush(), { timeoutMs, tooLate })
    return undefined
  } catch (cause) {
    return new Error(`${sink.name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
