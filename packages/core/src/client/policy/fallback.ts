import type { ErrorCode } from '../../error/error-code.ts'
import { ServiceError } from '../../error/service-error.ts'
import type { PolicyParts, Stage } from './stage.ts'

/** Answers in the place of a remote that cannot, in the form in which the remote would. */
export type Fallback = (failure: ServiceError, input: unknown) => unknown

/** Asks for something else where the remote gave no answer, for whatever reason it did not. */
export function fallbackStage(fallback: Fallback, { note }: PolicyParts, next: Stage): Stage {
  return async (asked) => {
    try {
      return await next(asked)
    } catch (error) {
      if (!ServiceError.is(error) || !replaceable[error.code]) throw error
      note({ operation: asked.operation.name, decision: 'fallback', code: error.code })
      return await fallback(error, asked.input)
    }
  }
}

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
