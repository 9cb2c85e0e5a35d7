/** What goes on for a call, whether or not anybody waits for it. Made for a call when the first is noted. */
export class CallWork {
  readonly #open = new Set<Closable>()
  #count = 0
  #whenIdle: (() => void) | undefined
  /** One function for all that is noted, which keeps the cost of an interceptor down. */
  readonly #ended = () => {
    this.#count -= 1
    if (this.#count > 0) return
    const run = this.#whenIdle
    this.#whenIdle = undefined
    run?.()
  }

  get isIdle(): boolean {
    return this.#count === 0
  }

  /** Counts until it has ended; what it fails with is left to others. */
  track(work: Promise<unknown>): void {
    this.#count += 1
    // Not `finally`, which makes two promises more and would need a `catch` as well.
    work.then(this.#ended, this.#ended)
  }

  /** Notes what is to be closed with the call, unless it ends before. */
  opened(closable: Closable): void {
    this.#open.add(closable)
  }

  closed(closable: Closable): void {
    this.#open.delete(closable)
  }

  /** Closes what is open; the call has ended, and nothing more is to be begun for it. */
  closeAll(): void {
    for (const closable of this.#open) closable.close()
    this.#open.clear()
  }

  /** Runs once, when all has ended; at once when nothing goes on. */
  whenIdle(run: () => void): void {
    if (this.#count === 0) run()
    else this.#whenIdle = run
  }
}

/** Something that is open for as long as its call runs. */
export interface Closable {
  /** What it takes to close it is counted as work of the call. Never throws. */
  close(): void
}
