import { ServiceError } from '@tenon/core/transport'

/** The error for a record that is larger than its broker takes, by a reason of its own: with less in it, it may be taken. */
export function recordTooLarge(message: string, cause: unknown): ServiceError {
  return new ServiceError('internal', message, { reason, cause })
}

/** Whether a record was refused for its size, and for nothing else. */
export function isRecordTooLarge(error: unknown): boolean {
  return ServiceError.is(error) && error.code === 'internal' && error.reason === reason
}

const reason = 'record_too_large'
