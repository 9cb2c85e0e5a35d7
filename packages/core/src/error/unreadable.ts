import type { ServiceError } from './service-error.ts'

const brand: unique symbol = Symbol.for('tenon.unreadable') as never

/**
 * Marks an error as that of a message which nobody can read: not decodable, of a version that is not known, not to be brought up
 * to the one that is. It would fail the same way each time, whatever its code says of others.
 */
export function markUnreadable(error: ServiceError): ServiceError {
  Object.defineProperty(error, brand, { value: true })
  return error
}

/** Whether an error was marked so, also by a second installed copy of this package. */
export function isUnreadable(error: ServiceError): boolean {
  return brand in error
}
