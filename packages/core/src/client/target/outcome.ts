import type { ErrorCode } from '../../error/error-code.ts'
import { ServiceError } from '../../error/service-error.ts'

/**
 * What a call says of the instance that took it: it answered, also with an error that is the caller's; it failed; it has too much to
 * do, which is no fault that others would not have with the same load; a call that was made elsewhere later was answered before; or
 * nobody waited for the answer.
 */
export type Outcome = 'answered' | 'failed' | 'overloaded' | 'outrun' | 'left'

/** Why an attempt is given up beside which a later one was answered. */
export const outrun = new Error('a later attempt of the call was faster')

export function outcomeOf(error: unknown): Outcome {
  if (!ServiceError.is(error)) return 'failed'
  // Given up because it took too long, and not because nobody waited any more.
  if (error.code === 'cancelled' && hasRunOut(error.cause)) return 'failed'
  if (error.code === 'cancelled' && error.cause === outrun) return 'outrun'
  return outcomes[error.code]
}

function hasRunOut(reason: unknown): boolean {
  return ServiceError.is(reason) && reason.code === 'deadline_exceeded'
}

const outcomes = {
  cancelled: 'left',
  unknown: 'failed',
  invalid_argument: 'answered',
  deadline_exceeded: 'failed',
  not_found: 'answered',
  already_exists: 'answered',
  permission_denied: 'answered',
  resource_exhausted: 'overloaded',
  failed_precondition: 'answered',
  aborted: 'answered',
  out_of_range: 'answered',
  unimplemented: 'answered',
  internal: 'failed',
  unavailable: 'failed',
  data_loss: 'failed',
  unauthenticated: 'answered',
} as const satisfies Record<ErrorCode, Outcome>
