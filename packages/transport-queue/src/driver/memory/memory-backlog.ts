/** A partition as far as it matters how much of it is left. */
export interface BacklogPartition {
  /** `shop.order.placed.v1/3` */
  readonly name: string
  /** Whether all its messages are committed. Its owner tells `changed()` when this turns true. */
  readonly isFinished: boolean
}

/**
 * What the leaving members of a broker still have to handle because nobody else will. They all end at the same moment: while one
 * of them works it may publish what another one reads.
 */
export class Backlog {
  readonly #partitions = new Set<BacklogPartition>()
  readonly #waiting = new Set<() => void>()

  /**
   * Resolves when none of the partitions that are waited for has a message left.
   *
   * @throws Error naming those of these partitions that are not finished when the signal fires.
   */
  async finish(partitions: readonly BacklogPartition[], signal: AbortSignal): Promise<void> {
    for (const partition of partitions) this.#partitions.add(partition)
    const { promise: isDone, resolve } = Promise.withResolvers<void>()
    const done = () => resolve()
    this.#waiting.add(done)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
    this.changed()
    await isDone
    signal.removeEventListener('abort', done)
    this.#waiting.delete(done)
    const left = partitions.filter(({ isFinished }) => !isFinished)
    for (const partition of partitions) this.#partitions.delete(partition)
    if (left.length === 0) return
    throw new Error(`messages are left that nobody else handles, in ${left.map(({ name }) => name).join(', ')}`)
  }

  /** A partition was finished, or has a new message. */
  changed(): void {
    for (const { isFinished } of this.#partitions) if (!isFinished) return
    for (const done of this.#waiting) done()
  }
}
