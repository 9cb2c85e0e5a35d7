export interface ProducerSource<Producer> {
  open(): Promise<Producer>
  /** Must not throw. */
  close(producer: Producer): Promise<void>
  /** Whether nothing more is to be sent after this error. */
  isSpoiledBy(error: unknown): boolean
}

interface OpenProducer<Producer> {
  readonly producer: Producer
  useCount: number
  isSpoiled: boolean
}

/**
 * Lends one producer to all that is sent. After a failure that spoils it the next one gets another, and what it still sends for
 * others goes on: it is closed when the last of them is done.
 */
export class ProducerLease<Producer> {
  readonly #source: ProducerSource<Producer>
  #current: Promise<OpenProducer<Producer>> | undefined

  constructor(source: ProducerSource<Producer>) {
    this.#source = source
  }

  async use<T>(work: (producer: Producer) => Promise<T>): Promise<T> {
    const current = this.#open()
    const open = await current
    open.useCount += 1
    try {
      return await work(open.producer)
    } catch (error) {
      if (this.#source.isSpoiledBy(error)) this.#spoil(open, current)
      throw error
    } finally {
      open.useCount -= 1
      if (open.isSpoiled && open.useCount === 0) void this.#source.close(open.producer)
    }
  }

  async close(): Promise<void> {
    const open = await this.#current?.catch(() => undefined)
    this.#current = undefined
    if (open) await this.#source.close(open.producer)
  }

  #open(): Promise<OpenProducer<Producer>> {
    if (this.#current) return this.#current
    const opening = this.#source.open().then((producer) => ({ producer, useCount: 0, isSpoiled: false }))
    this.#current = opening
    opening.catch(() => this.#forget(opening))
    return opening
  }

  #spoil(open: OpenProducer<Producer>, opened: Promise<OpenProducer<Producer>>): void {
    open.isSpoiled = true
    this.#forget(opened)
  }

  #forget(opened: Promise<OpenProducer<Producer>>): void {
    if (this.#current === opened) this.#current = undefined
  }
}
