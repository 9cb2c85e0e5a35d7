import { carryTrace, traceWithin } from '../telemetry/trace.ts'
import { ambientCall } from './context.ts'
import { criticalityName, tenantName } from './overload/criticality.ts'

/**
 * What outgoing calls and messages inherit unless the service says otherwise. A deadline is not among it.
 *
 * @see W3C Trace Context, W3C Baggage
 */
export const forwardedByDefault: readonly string[] = Object.freeze([
  'traceparent',
  'tracestate',
  'baggage',
  tenantName,
  criticalityName,
])

/**
 * The metadata to send along with an outgoing call or message: request id and allow-listed metadata of the running call; a
 * registered OpenTelemetry propagator writes the active span and its baggage in place of the trace context that came in.
 */
export function outgoingMetadata(): Record<string, string> {
  const metadata: Record<string, string> = {}
  const call = ambientCall()
  if (call) {
    metadata['x-request-id'] = call.id
    for (const name of call.forwarded) {
      const value = name === criticalityName ? call.criticality : call.metadata[name]
      if (value !== undefined) metadata[name] = value
    }
  }
  carryTrace(metadata, traceWithin(call?.trace))
  return metadata
}
