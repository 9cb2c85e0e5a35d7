import type { Attributes } from '@opentelemetry/api'
import type { CallConvention } from '../telemetry/convention.ts'
import { ObservedCall, type SizeObserver } from '../telemetry/observed-call.ts'
import { traceWithin } from '../telemetry/trace.ts'
import { ambientCall } from './context.ts'

/** A message on its way to a broker, as a publisher tells of it. Nothing of it throws. */
export interface ObservedSend {
  /** Takes the bytes of its body, as a request. Undefined where no metrics are recorded. */
  readonly sizes: SizeObserver | undefined
  /** The message's headers, with its trace in the place of any other. */
  carry(headers: Readonly<Record<string, string>>): Record<string, string>
  /** The broker has taken it. The first word counts. */
  end(error: undefined): void
  /** It was not taken, or nobody knows. */
  fail(thrown: unknown): void
}

/**
 * Begins the span of a message that goes out, as a part of the running call. Undefined where no OpenTelemetry SDK is registered.
 *
 * @param details What the span tells of this message alone; asked only of a span that is recorded.
 */
export function observeSend(convention: () => CallConvention, details: () => Attributes): ObservedSend | undefined {
  return ObservedCall.begin(convention, () => ({ parent: traceWithin(ambientCall()?.trace), details }))
}
