const brand: unique symbol = Symbol.for('tenon.elsewhere') as never

/** Marks the error of a call that another address can take at once, so that it need not wait until this one can. */
export function markElsewhere<Failure extends object>(error: Failure): Failure {
  Object.defineProperty(error, brand, { value: true })
  return error
}

/** Whether a call that failed so can be made at another address. */
export function canGoElsewhere(error: object): boolean {
  return brand in error
}
