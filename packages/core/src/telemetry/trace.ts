import { type Context, context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api'

/** A span that others may be made under, with the baggage that goes along. */
export type TraceContext = Context

/** The id of the trace that this is a part of, or else that of the span that runs; undefined without an SDK. 32 hexadecimal digits. */
export function traceIdOf(within: TraceContext | undefined): string | undefined {
  return trace.getSpanContext(within ?? context.active())?.traceId
}

/**
 * What the running code is a part of: what a context manager says, which knows of spans of the code's own, or else the context of the
 * call that runs.
 */
export function traceWithin(ofCall: TraceContext | undefined): TraceContext {
  const active = context.active()
  return ofCall === undefined || trace.getSpan(active) !== undefined ? active : ofCall
}

/** Runs a function as a part of it, for whoever asks the API for the active span. */
export function runInTrace<Result>(within: TraceContext, run: () => Result): Result {
  return context.with(within, run)
}

/** What a registered propagator finds in what came. Nothing where it is malformed, so that a trace begins there. */
export function receivedTrace(metadata: Readonly<Record<string, string | undefined>>): TraceContext {
  return propagation.extract(ROOT_CONTEXT, metadata)
}

/** Lets a registered propagator write what this is a part of into what is sent, in the place of what stands there. */
export function carryTrace(metadata: Record<string, string>, within: TraceContext): void {
  // What came along belongs to that trace, and may have been no trace at all.
  if (trace.getSpan(within)) for (const field of propagation.fields()) delete metadata[field]
  propagation.inject(within, metadata)
}
