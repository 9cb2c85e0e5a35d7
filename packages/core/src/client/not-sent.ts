import type { ServiceError } from '../error/service-error.ts'

const brand: unique symbol = Symbol.for('tenon.not_sent') as never

/**
 * Marks the error of a call of which nothing was sent, so that it may be made over another address whatever it does. Its reason
 * alone does not tell: a remote may answer with the same.
 */
export function markNotSent(error: ServiceError): ServiceError {
  Object.defineProperty(error, brand, { value: true })
  return error
}

/** Whether a call failed before anything of it was sent. */
export function wasNotSent(error: unknown): boolean {
  return typeof error === 'object' && error !== null && brand in error
}
