/** Counts the calls that have not been answered yet, and those whose answers are not all on their way. */
export class OpenCalls {
  #runningCount = 0
  #unsentCount = 0
  #empty: PromiseWithResolvers<void> | undefined
  #isCut = false
  readonly #whenCut = new Set<() => void>()

  /** Whether no answer waits for its reader any more. */
  get isCut(): boolean {
    return this.#isCut
  }

  /** How many callers have not got all of their answer, or have not left. */
  get unsentCount(): number {
    return this.#unsentCount
  }

  enter(call: { on(event: 'cancelled', listener: () => void): unknown }): void {
    this.#runningCount += 1
    this.#unsentCount += 1
    // grpc-js emits it once a call: when the status has gone out behind all messages, or when the stream closed before.
    call.on('cancelled', this.#sent)
  }

  /** The answer is made, and handed over to be sent. */
  leave(): void {
    this.#runningCount -= 1
    if (this.#runningCount > 0) return
    this.#empty?.resolve()
    this.#empty = undefined
  }

  /** Resolves when every call has its answer, sent or not. */
  async emptied(): Promise<void> {
    if (this.#runningCount === 0) return
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

  readonly #sent = (): void => {
    this.#unsentCount -= 1
  }
}
