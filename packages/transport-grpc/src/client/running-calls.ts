/** A call that is under way, as far as closing and its caller's signal care. */
export interface RunningCall {
  /** It has ended. Safe to call twice. */
  leave(): void
}

/** What ends a call by itself. */
export interface CallEnds {
  readonly signal: AbortSignal | undefined
  /** Epoch milliseconds. */
  readonly deadline: number | undefined
}

interface CancellableCall {
  cancel(): void
}

/** The calls of a channel that have not ended. */
export class RunningCalls {
  readonly #endless = new Set<CancellableCall>()
  #count = 0
  #emptied: (() => void) | undefined

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** A call is under way, until it leaves; the caller's signal cancels it. */
  enter(call: CancellableCall, { signal, deadline }: CallEnds): RunningCall {
    const cancel = () => call.cancel()
    let isRunning = true
    this.#count += 1
    if (deadline === undefined) this.#endless.add(call)
    signal?.addEventListener('abort', cancel, { once: true })
    return {
      leave: () => {
        if (!isRunning) return
        isRunning = false
        signal?.removeEventListener('abort', cancel)
        this.#endless.delete(call)
        this.#count -= 1
        if (this.#count === 0) this.#emptied?.()
      },
    }
  }

  /** Resolves when none is left; those without a deadline are cancelled after a while. */
  async finish(graceMs: number): Promise<void> {
    if (this.#count === 0) return
    const timer = setTimeout(() => this.#cancelEndless(), graceMs)
    await new Promise<void>((resolve) => (this.#emptied = resolve))
    clearTimeout(timer)
  }

  #cancelEndless(): void {
    for (const call of this.#endless) call.cancel()
  }
}
