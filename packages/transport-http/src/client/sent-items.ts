import type { InputFields } from './write-fields.ts'

/** How the items of one call stand in the body. */
export interface ItemsWriter {
  readonly contentType: string
  /** Sent at once, so that the server learns of the call before its first item. Not empty. */
  readonly begin: Uint8Array | undefined
  write(rest: InputFields): Uint8Array
  /** What follows the last item. */
  readonly end: () => Uint8Array | undefined
}

/**
 * The items of an input stream as the body of a request. The next one is asked for when the connection takes more; nothing is
 * asked for ahead but the first, where it tells the path.
 */
export class SentItems implements AsyncIterableIterator<Uint8Array> {
  readonly #source: AsyncIterator<unknown>
  #begin: Uint8Array | undefined
  #write: (item: unknown) => Uint8Array = () => new Uint8Array()
  #end: ItemsWriter['end'] = () => undefined
  #first: IteratorResult<unknown> | undefined
  #isOver = false
  #wake: () => void = () => undefined
  #onFailure: (error: unknown) => void

  /** @param onFailure Learns what the source threw, or the writer. */
  constructor(inputs: AsyncIterable<unknown>, onFailure: (error: unknown) => void) {
    this.#source = inputs[Symbol.asyncIterator]()
    this.#onFailure = onFailure
  }

  /** The first item; undefined where there is none, or when the call ended before it came. @throws what the source throws */
  async peek(): Promise<unknown> {
    this.#first = await this.#step()
    return this.#first.done === true ? undefined : this.#first.value
  }

  /** Says how items are written; before that nothing can be sent. */
  writeBy({ begin, end }: ItemsWriter, write: (item: unknown) => Uint8Array): this {
    this.#begin = begin
    this.#write = write
    this.#end = end
    return this
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#isOver) return done
    const begin = this.#begin
    this.#begin = undefined
    if (begin) return { done: false, value: begin }
    try {
      const step = this.#first ?? (await this.#step())
      this.#first = undefined
      if (this.#isOver) return done
      if (step.done !== true) return { done: false, value: this.#write(step.value) }
      this.#isOver = true
      const end = this.#end()
      return end ? { done: false, value: end } : done
    } catch (error) {
      this.end()
      this.#onFailure(error)
      return done
    }
  }

  /** The call has ended: nothing more is sent, and the source is closed. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#wake()
    Promise.resolve(this.#source.return?.()).catch(() => undefined)
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.end()
    return done
  }

  /** The end of the call is not kept waiting by a source that has nothing to give. */
  #step(): Promise<IteratorResult<unknown>> {
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve(done)
      this.#source.next().then(resolve, reject)
    })
  }
}

const done: IteratorReturnResult<undefined> = { done: true, value: undefined }
