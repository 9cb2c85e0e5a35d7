/** The two steps in which a partition is given up. */
export class Ownership {
  readonly #revoked = new AbortController()
  readonly #lost = new AbortController()
  readonly #settled = Promise.withResolvers<void>()

  get revoked(): AbortSignal {
    return this.#revoked.signal
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Resolves when nothing works on the partition any more, or it is lost. */
  get settled(): Promise<void> {
    return this.#settled.promise
  }

  revoke(): void {
    this.#revoked.abort()
  }

  lose(): void {
    this.#revoked.abort()
    this.#lost.abort()
    this.#settled.resolve()
  }

  settle(): void {
    this.#settled.resolve()
  }
}

/** Revokes all, and resolves when each has settled; those that have not when the signal fires are lost. */
export async function giveUp(owned: readonly Pick<Ownership, 'settled' | 'revoke' | 'lose'>[], signal: AbortSignal) {
  const loseAll = () => owned.forEach((one) => one.lose())
  if (signal.aborted) return loseAll()
  signal.addEventListener('abort', loseAll, { once: true })
  owned.forEach((one) => one.revoke())
  await Promise.all(owned.map((one) => one.settled))
  signal.removeEventListener('abort', loseAll)
  loseAll()
}
