/** A violation in the validator's own terms, found by a check that it does not have. */
export interface Fault {
  /** The JSON Schema keyword that is broken. */
  readonly keyword: string
  readonly params: object
  readonly message: string
}

/** A check as the validator runs it. */
export interface Refinement {
  readonly check: (value: unknown) => boolean
  /** What the validator hands on as the error's message, whatever it is. */
  readonly error: (value: unknown) => unknown
}

/** A check that the validator runs and reports as if it were a keyword of its own. */
export function refinement(check: (value: unknown) => boolean, fault: Fault): Refinement {
  return { check, error: () => fault }
}

export function isFault(message: unknown): message is Fault {
  return typeof message === 'object' && message !== null && 'keyword' in message
}
