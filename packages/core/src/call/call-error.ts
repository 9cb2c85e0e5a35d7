import { ServiceError, toServiceError } from '../error/service-error.ts'
import type { Call } from './call.ts'

/**
 * What the caller is told of whatever ended the handler. Where that is only the echo of the call's own signal, as libraries
 * throw it, it is what fired the signal and no fault of ours. Never throws, also for an exception that does when it is looked at.
 */
export function toCallError(thrown: unknown, call: Call): ServiceError {
  try {
    const isEcho = thrown instanceof Error && thrown.name === 'AbortError' && call.signal.aborted
    return toServiceError(isEcho ? call.signal.reason : thrown)
  } catch {
    return new ServiceError('internal', 'an internal error occurred', {
      cause: new Error('what was thrown cannot be read'),
    })
  }
}
