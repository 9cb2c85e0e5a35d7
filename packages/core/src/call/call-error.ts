import { type ServiceError, toServiceError } from '../error/service-error.ts'
import type { Call } from './call.ts'

/**
 * What the caller is told of whatever ended the handler. Where that is only the echo of the call's own signal, as libraries
 * throw it, it is what fired the signal and no fault of ours.
 */
export function toCallError(thrown: unknown, call: Call): ServiceError {
  const isEcho = thrown instanceof Error && thrown.name === 'AbortError' && call.signal.aborted
  return toServiceError(isEcho ? call.signal.reason : thrown)
}
