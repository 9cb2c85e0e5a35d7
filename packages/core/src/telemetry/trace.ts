import { context, propagation, trace } from '@opentelemetry/api'

/** The id of the span that runs, where an OpenTelemetry SDK is registered. 32 hexadecimal digits. */
export function activeTraceId(): string | undefined {
  return trace.getActiveSpan()?.spanContext().traceId
}

/** Lets a registered SDK write its active span into what is sent, in the place of what stands there. */
export function injectTrace(metadata: Record<string, string>): void {
  propagation.inject(context.active(), metadata)
}
