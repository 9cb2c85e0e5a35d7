/** Works that are waited for until a signal fires: with one listener for all of them, since there is one for every message. */
export class UntilLost {
  readonly #lost: AbortSignal
  readonly #giveUps = new Set<() => void>()

  constructor(lost: AbortSignal) {
    this.#lost = lost
    lost.addEventListener('abort', () => this.#giveUpAll(), { once: true })
  }

  /**
   * What the work comes to, or undefined as soon as the signal fires.
   *
   * @param work Never rejects.
   */
  wait<Result>(work: Promise<Result>): Promise<Result | undefined> {
    if (this.#lost.aborted) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const giveUp = () => resolve(undefined)
      this.#giveUps.add(giveUp)
      void work.then((result) => {
        this.#giveUps.delete(giveUp)
        resolve(result)
      })
    })
  }

  #giveUpAll(): void {
    for (const giveUp of this.#giveUps) giveUp()
    this.#giveUps.clear()
  }
}
