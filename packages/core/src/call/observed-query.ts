import type { Attributes } from '@opentelemetry/api'
import { ServiceError } from '../error/service-error.ts'
import { type CallConvention, failedQueryAttributes } from '../telemetry/convention.ts'
import { ObservedCall } from '../telemetry/observed-call.ts'
import { traceWithin } from '../telemetry/trace.ts'
import { ambientCall } from './context.ts'

/** A statement on its way to a database, as its client tells of it. Nothing of it throws. The first end counts. */
export interface ObservedQuery {
  /** The database has done it, or nobody wants the rest of its rows. */
  succeed(): void
  /**
   * It was not done, or nobody knows.
   *
   * @param statusCode The database's own code, of few values; undefined where there is none. Never a text, which may quote values.
   */
  fail(statusCode: string | undefined): void
}

/**
 * Begins the span of a statement, as a part of the running call: one that is a part of nothing is only measured. Undefined where no
 * OpenTelemetry SDK is registered.
 *
 * @param details What the span tells of this statement alone; asked only of a span that is recorded.
 */
export function observeQuery(convention: () => CallConvention, details: () => Attributes): ObservedQuery | undefined {
  const observed = ObservedCall.begin(convention, () => ({ parent: traceWithin(ambientCall()?.trace), details }))
  return (
    observed && {
      succeed: () => observed.end(undefined),
      fail: (statusCode) => {
        observed.mark(failedQueryAttributes(statusCode))
        observed.end(new ServiceError('internal', statusCode ?? 'failed'))
      },
    }
  )
}
