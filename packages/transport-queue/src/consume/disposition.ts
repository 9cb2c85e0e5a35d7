import type { ErrorCode } from '@tenon/core/transport'

/**
 * What becomes of a message that failed: `retry` handles it again a limited number of times, then it is a dead letter;
 * `wait` does so without counting, until it is too old; `dead_letter` never handles it again, for it would fail the same.
 */
export type Disposition = 'retry' | 'wait' | 'dead_letter'

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
