import { ServiceError } from '@tenon/core'

/**
 * Tells those who watch what changes in this process, as it happens. Nothing is kept for later, and changes made by another
 * instance of the service are not seen.
 */
export class ChangeFeed<Change> {
  readonly #watchers = new Set<Watcher<Change>>()

  announce(change: Change): void {
    for (const watcher of this.#watchers) watcher.push(change)
  }

  /**
   * The changes from now on, until the signal fires.
   *
   * @throws ServiceError `resource_exhausted` in the loop of a watcher that reads too slowly.
   */
  watch(signal: AbortSignal): AsyncIterableIterator<Change> {
    const leave = () => {
      signal.removeEventListener('abort', leave)
      this.#watchers.delete(watcher)
      watcher.end()
    }
    const watcher = new Watcher<Change>(leave)
    this.#watchers.add(watcher)
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave)
    return watcher
  }
}

/** How many changes may wait for a watcher. A guess: seconds of a busy service, and little memory. */
const longestBacklog = 1_000

/** One who watches. Watching begins when it is made, not when the first change is asked for. */
class Watcher<Change> implements AsyncIterableIterator<Change> {
  readonly #leave: () => void
  readonly #backlog: Change[] = []
  #hasEnded = false
  #isLeftBehind = false
  #wake: (() => void) | undefined

  constructor(leave: () => void) {
    this.#leave = leave
  }

  push(change: Change): void {
    if (this.#backlog.length < longestBacklog) this.#backlog.push(change)
    else this.#isLeftBehind = true
    if (this.#isLeftBehind) this.#leave()
    this.#wake?.()
  }

  end(): void {
    this.#hasEnded = true
    this.#wake?.()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Change, undefined>> {
    while (this.#backlog.length === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    const [change] = this.#backlog.splice(0, 1)
    if (change !== undefined) return { done: false, value: change }
    if (this.#isLeftBehind) throw new ServiceError('resource_exhausted', 'the stream was read too slowly')
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<Change, undefined>> {
    this.#leave()
    return { done: true, value: undefined }
  }
}
