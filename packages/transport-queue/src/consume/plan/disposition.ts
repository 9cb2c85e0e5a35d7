import { type Disposition, type ErrorCode, isShutdown, isUnreadable, type ServiceError } from '@tenon/core/transport'

/** What a message that failed with a code deserves. A failure that came of draining is none: the message comes again. */
export const dispositions = {
  cancelled: 'retry',
  unknown: 'retry',
  invalid_argument: 'dead_letter',
  deadline_exceeded: 'retry',
  not_found: 'retry',
  already_exists: 'dead_letter',
  permission_denied: 'dead_letter',
  resource_exhausted: 'wait',
  failed_precondition: 'retry',
  aborted: 'retry',
  out_of_range: 'dead_letter',
  unimplemented: 'dead_letter',
  internal: 'retry',
  unavailable: 'wait',
  data_loss: 'dead_letter',
  unauthenticated: 'dead_letter',
} as const satisfies Record<ErrorCode, Disposition>

/** What a consumer says of codes, instead of the table. */
export type Failures = { readonly [Code in ErrorCode]?: Disposition }

/** What a message that failed deserves. One that nobody can read never gets better, whatever a consumer says of its code. */
export function dispositionOf(error: ServiceError, failures: Failures = {}): Disposition {
  return isUnreadable(error) ? 'dead_letter' : (failures[error.code] ?? dispositions[error.code])
}

/**
 * Whether a message failed because its service ends or its partition is given up, and not for anything of its own: it comes again,
 * whatever a consumer says of the code. What a call needs may be gone by then, too, which is told by these codes.
 */
export function isOfEnding(error: ServiceError, isRevoked: boolean): boolean {
  return isShutdown(error) || (isRevoked && (error.code === 'unavailable' || error.code === 'cancelled'))
}
