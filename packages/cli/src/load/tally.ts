/** What a call came to, as its caller saw it. */
export type CallResult = { readonly ok: true } | { readonly ok: false; readonly code: string; readonly message: string }

/** Failures of one kind. */
export interface FailureCount {
  readonly operation: string
  readonly code: string
  /** Of the first of them. */
  readonly message: string
  readonly count: number
}

/** What is counted of one kind of load. */
export interface Count {
  readonly sent: number
  readonly succeeded: number
  readonly failed: number
  readonly failures: readonly FailureCount[]
}

/** Counts what becomes of calls. */
export class Tally {
  #sent = 0
  #succeeded = 0
  readonly #failures = new Map<string, FailureCount>()

  sent(): void {
    this.#sent += 1
  }

  note(operation: string, result: CallResult): void {
    if (result.ok) {
      this.#succeeded += 1
      return
    }
    const { code, message } = result
    const key = `${operation} ${code}`
    const known = this.#failures.get(key)
    this.#failures.set(key, known ? { ...known, count: known.count + 1 } : { operation, code, message, count: 1 })
  }

  count(): Count {
    const failures = [...this.#failures.values()]
    const failed = failures.reduce((sum, { count }) => sum + count, 0)
    return { sent: this.#sent, succeeded: this.#succeeded, failed, failures }
  }
}
