/** Counts the calls that have not been answered yet. */
export class OpenCalls {
  #count = 0
  #empty: PromiseWithResolvers<void> | undefined
  #isCut = false
  readonly #whenCut = new Set<() => void>()

  /** Whether no answer waits for its reader any more. */
  get isCut(): boolean {
    return this.#isCut
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

  /** Ends all waiting for readers that do not read. */
  cut(): void {
    this.#isCut = true
    for (const listener of this.#whenCut) listener()
  }

  onCut(listener: () => void): void {
    this.#whenCut.add(listener)
  }

  offCut(listener: () => void): void {
    this.#whenCut.delete(listener)
  }
}
