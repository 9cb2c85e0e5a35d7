/** Counts the calls that have not been answered yet. */
export class OpenCalls {
  #count = 0
  #empty: PromiseWithResolvers<void> | undefined

  get count(): number {
    return this.#count
  }

  enter(): void {
    this.#count += 1
  }

  leave(): void {
    this.#count -= 1
    if (this.#count > 0) return
    this.#empty?.resolve()
    this.#empty = undefined
  }

  /** Resolves when no call is open. */
  async emptied(): Promise<void> {
    if (this.#count === 0) return
    this.#empty ??= Promise.withResolvers()
    await this.#empty.promise
  }
}
