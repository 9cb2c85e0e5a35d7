import { type ErrorCode, ServiceError } from '@tenon/core/transport'

/** A message, as the log names it. Callers are told nothing of it. */
export interface MessageOnItsWay {
  readonly topic: string
  readonly byteCount: number
  /** Where the broker is. */
  readonly target: string
}

/** What a publisher is told when the driver failed with something. What names topics and brokers stays in the cause. */
export function toPublishError(error: unknown, message: MessageOnItsWay): ServiceError {
  const code = codeOf(error)
  const words = wordsOf[code]
  const cause = toCause(error, message)
  return words === undefined
    ? new ServiceError('internal', 'a message was refused by its broker', { cause })
    : new ServiceError(code, words, { cause })
}

function codeOf(error: unknown): ErrorCode {
  if (!ServiceError.is(error)) return 'internal'
  // A topic that is not there may be there later.
  return error.code === 'not_found' ? 'unavailable' : error.code
}

/** The error for a message that has no form on the wire. */
export function notWritten(cause: unknown): ServiceError {
  return new ServiceError('internal', 'a message cannot be published as it was given', { cause })
}

/** The error when the publisher's own time is over before the payload was checked. */
export function notChecked(): ServiceError {
  const cause = new Error('the validator of the schema did not end in time')
  return new ServiceError('unavailable', 'a message could not be published', { cause })
}

/** The error when the publisher's own time is over. */
export function notInTime(message: MessageOnItsWay): ServiceError {
  return toPublishError(new ServiceError('unavailable', 'its topic was not ready in time'), message)
}

/** The error when the publisher closes before the broker has answered: the message may still arrive. */
export function interrupted(message: MessageOnItsWay): ServiceError {
  return toPublishError(new ServiceError('unavailable', 'the publisher was closed while it was being sent'), message)
}

/** The error when the running call's time is over. */
export function deadlinePassed(cause?: unknown): ServiceError {
  return new ServiceError('deadline_exceeded', 'the deadline passed before the message was published', { cause })
}

/** The error when the publisher's signal has fired. That of a running call says itself when it was the call's deadline. */
export function cancelledBy({ reason }: AbortSignal): ServiceError {
  if (ServiceError.is(reason) && reason.code === 'deadline_exceeded') return deadlinePassed(reason)
  return new ServiceError('cancelled', 'publishing was given up', { cause: reason })
}

/** What callers are told of the failures that pass on as they are. Any other is a message that the broker will never take. */
const wordsOf: Readonly<Partial<Record<ErrorCode, string>>> = {
  unavailable: 'a message could not be published',
  resource_exhausted: 'too many messages wait to be published',
}

function toCause(error: unknown, { topic, byteCount, target }: MessageOnItsWay): Error {
  const reason = error instanceof Error ? error.message : String(error)
  return new Error(`a message of ${byteCount} bytes for topic ${topic} was not taken by ${target}: ${reason}`, {
    cause: error,
  })
}
