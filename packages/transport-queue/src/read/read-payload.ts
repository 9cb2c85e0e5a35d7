import { markUnreadable, ServiceError } from '@tenon/core/transport'

/**
 * Reads the bytes of a payload, for the schema to check.
 *
 * @param contentType What the message says that they are; without it they are JSON.
 * @throws ServiceError `invalid_argument`, reason `undecodable`
 */
export type PayloadReader = (bytes: Uint8Array, contentType: string | undefined) => unknown

/** What a message carries, before it is read. */
export interface PayloadBytes {
  readonly bytes: Uint8Array | null
  readonly contentType: string | undefined
}

/**
 * The value of a payload, for the schema to check; another one each time, for its reader owns it.
 *
 * @throws ServiceError that is marked as unreadable
 */
export function readPayload({ bytes, contentType }: PayloadBytes, read: PayloadReader): unknown {
  if (bytes === null) throw undecodable('the message has no value')
  try {
    return read(bytes, contentType)
  } catch (cause) {
    throw ServiceError.is(cause) ? markUnreadable(cause) : undecodable('the message cannot be decoded', cause)
  }
}

/** The error for a message that cannot be read. Operators are told the cause too. */
export function undecodable(message: string, cause?: unknown): ServiceError {
  const options = { reason: 'undecodable', ...(cause !== undefined && { cause }) }
  return markUnreadable(new ServiceError('invalid_argument', message, options))
}
