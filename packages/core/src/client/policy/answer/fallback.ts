import type { ErrorCode } from '../../../error/error-code.ts'
import { ServiceError } from '../../../error/service-error.ts'
import type { Asked, PolicyParts, Stage } from '../stage.ts'

/** Answers in the place of a remote that cannot, in the form in which the remote would. */
export type Fallback = (failure: ServiceError, input: unknown) => unknown

/**
 * Asks for something else where the remote gave no answer, for whatever reason it did not. The remote has so much less time that
 * this answer comes within that of the call too.
 */
export function fallbackStage(fallback: Fallback, { note }: PolicyParts, next: Stage): Stage {
  return async (asked) => {
    try {
      return await next({ ...asked, call: sooner(asked.call) })
    } catch (error) {
      if (!ServiceError.is(error) || !replaceable[error.code]) throw error
      note({ operation: asked.operation.name, decision: 'fallback', code: error.code })
      return await fallback(error, asked.input)
    }
  }
}

function sooner(call: Asked['call']): Asked['call'] {
  const { timeoutMs } = call
  return timeoutMs === undefined ? call : { ...call, timeoutMs: timeoutMs - Math.min(timeoutMs / 10, longestKeptMs) }
}

/** What is kept of the time of a call at most. A guess: a fallback has its answer at hand, or asks something near for it. */
const longestKeptMs = 50

/** Which failures say something of the remote, and not of what it was asked for. */
const replaceable = {
  cancelled: false,
  unknown: true,
  invalid_argument: false,
  deadline_exceeded: true,
  not_found: false,
  already_exists: false,
  permission_denied: false,
  resource_exhausted: true,
  failed_precondition: false,
  aborted: false,
  out_of_range: false,
  unimplemented: false,
  internal: true,
  unavailable: true,
  data_loss: true,
  unauthenticated: false,
} as const satisfies Record<ErrorCode, boolean>
