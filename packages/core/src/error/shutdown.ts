import type { ServiceError } from './service-error.ts'

const brand: unique symbol = Symbol.for('tenon.shutdown') as never

/**
 * Marks an error as that of a call which this service itself refused or cut because it ends. It says nothing of what was called:
 * accepted work that failed so was not handled, whatever its code says of others.
 */
export function markShutdown(error: ServiceError): ServiceError {
  Object.defineProperty(error, brand, { value: true })
  return error
}

/** Whether an error was marked so, also by a second installed copy of this package. */
export function isShutdown(error: ServiceError): boolean {
  return brand in error
}
