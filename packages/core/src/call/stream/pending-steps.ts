/** The steps of a stream that somebody waits for. A wait can be ended from outside, whatever the step itself does. */
export class PendingSteps {
  readonly #rejects = new Set<(error: unknown) => void>()

  get isEmpty(): boolean {
    return this.#rejects.size === 0
  }

  run<Value>(step: () => Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#rejects.add(reject)
      step().then(
        (value) => {
          this.#rejects.delete(reject)
          resolve(value)
        },
        (error) => {
          this.#rejects.delete(reject)
          reject(error)
        },
      )
    })
  }

  /** Ends every wait with the error; what the steps come to later is dropped. */
  rejectAll(error: unknown): void {
    for (const reject of this.#rejects) reject(error)
    this.#rejects.clear()
  }
}
