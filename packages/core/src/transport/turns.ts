import { unlessAborted } from './unless-aborted.ts'

/** One piece of work after the other. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /**
   * Does the work when all that came before is done. Whoever waits is let go when the signal fires, also while the work is under way: the
   * next piece waits until it has come to its end all the same.
   *
   * @throws what the work does; the reason of the signal when it fires before the work is done, which is never begun where it still waits.
   */
  async take<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const before = this.#last
    const turn = (async () => {
      await unlessAborted(before, signal)
      signal.throwIfAborted()
      return { result: await work(signal) }
    })()
    this.#last = Promise.allSettled([before, turn])
    const done = await unlessAborted(turn, signal)
    if (done) return done.result
    throw signal.reason
  }
}
