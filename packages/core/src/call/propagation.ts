import { context, propagation } from '@opentelemetry/api'
import { currentCall } from './context.ts'

/**
 * What an outgoing call or message inherits from the call it is made in. A deadline is not among it.
 *
 * @see W3C Trace Context, W3C Baggage
 */
const inherited = ['traceparent', 'tracestate', 'baggage'] as const

/**
 * The metadata to send along with an outgoing call or message: trace context and request id of the running call; a
 * registered OpenTelemetry SDK puts its own active span in place of the trace context that came in.
 */
export function outgoingMetadata(): Record<string, string> {
  const metadata: Record<string, string> = {}
  const call = currentCall()
  if (call) {
    metadata['x-request-id'] = call.id
    for (const name of inherited) {
      const value = call.metadata[name]
      if (value !== undefined) metadata[name] = value
    }
  }
  propagation.inject(context.active(), metadata)
  return metadata
}
