import { metrics, trace } from '@opentelemetry/api'
import type { Logger } from './log.ts'
import { behindProxy } from './registered.ts'

/** What keeps telemetry back before it writes it, and can be asked to write it now. */
export interface TelemetrySink {
  readonly name: 'logs' | 'spans' | 'metrics' | 'telemetry'
  /** Settles when all is written. */
  flush(): unknown
}

/** The logger, the tracer and meter providers of a registered OpenTelemetry SDK, and what else keeps telemetry, as far as they can be asked. */
export function telemetrySinks(log: Logger, telemetry: { flush?(): unknown } = {}): readonly TelemetrySink[] {
  return [
    ...(log.flush ? [{ name: 'logs', flush: () => flushLog(log) } as const] : []),
    ...sinkOf('spans', behindProxy(trace.getTracerProvider())),
    ...sinkOf('metrics', metrics.getMeterProvider()),
    ...(telemetry.flush ? [{ name: 'telemetry', flush: () => telemetry.flush?.() } as const] : []),
  ]
}

function flushLog(log: Logger): unknown {
  // One that takes no callback says by what it returns, if at all, when it has written.
  if (log.flush?.length === 0) return log.flush(() => undefined)
  return new Promise<void>((resolve, reject) => {
    log.flush?.((error) => (error ? reject(error) : resolve()))
  })
}

function sinkOf(name: TelemetrySink['name'], provider: object): readonly TelemetrySink[] {
  const canFlush = (one: object): one is { forceFlush(): unknown } => 'forceFlush' in one
  return canFlush(provider) ? [{ name, flush: () => provider.forceFlush() }] : []
}
