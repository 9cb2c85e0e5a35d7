import type { DeclaredError, Operation } from '../contract/operation.ts'
import { ServiceError, type ServiceErrorOptions } from '../error/service-error.ts'

/** How a fault is told: the message alone, or with reason, details and cause. */
export interface FaultOptions extends ServiceErrorOptions {
  readonly message: string
}

/**
 * The error for a handler to throw: only a code that the operation declares compiles.
 *
 * `throw fault(users.getUser, 'not_found', 'the user does not exist')`
 */
export function fault<Op extends Operation>(
  _operation: Op,
  code: NoInfer<DeclaredError<Op>>,
  told: string | FaultOptions,
): ServiceError {
  if (typeof told === 'string') return new ServiceError(code, told)
  const { message, ...options } = told
  return new ServiceError(code, message, options)
}
