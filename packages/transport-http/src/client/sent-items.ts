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
 * The items of an input stream as the body of a request. Items are asked for when the connection takes more: as many as come
 * without a pause, up to a batch, and one beyond.
 */
export class SentItems implements AsyncIterableIterator<Uint8Array> {
  readonly #source: AsyncIterator<unknown>
  #begin: Uint8Array | undefined
  #write: (item: unknown) => Uint8Array = () => new Uint8Array()
  #end: ItemsWriter['end'] = () => undefined
  /** A step that is not written yet. */
  #asked: Promise<IteratorResult<unknown>> | undefined
  #isOver = false
  #byteCount = 0
  #wake: () => void = () => undefined
  readonly #onFailure: (error: unknown) => void

  /** @param onFailure Learns what the source threw, or the writer. */
  constructor(inputs: AsyncIterable<unknown>, onFailure: (error: unknown) => void) {
    this.#source = inputs[Symbol.asyncIterator]()
    this.#onFailure = onFailure
  }

  /** How much was given to be sent. */
  get byteCount(): number {
    return this.#byteCount
  }

  /** The first item; undefined where there is none, or when the call ended before it came. @throws what the source throws */
  async peek(): Promise<unknown> {
    this.#asked = this.#step()
    const { done: isEmpty, value } = await this.#asked
    return isEmpty === true ? undefined : value
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
    if (begin) return this.#counted(begin)
    try {
      const chunks = await this.#gather()
      const [only] = chunks
      if (only === undefined) return done
      return this.#counted(chunks.length === 1 ? only : Buffer.concat(chunks))
    } catch (error) {
      this.end()
      this.#onFailure(error)
      return done
    }
  }

  #counted(value: Uint8Array): IteratorResult<Uint8Array> {
    this.#byteCount += value.byteLength
    return { done: false, value }
  }

  /** Items that come without a pause, together: a write of its own for each costs several times its bytes. */
  async #gather(): Promise<readonly Uint8Array[]> {
    const chunks: Uint8Array[] = []
    let lengthBytes = 0
    let pause: Promise<undefined> | undefined
    while (lengthBytes < batchBytes) {
      this.#asked ??= this.#step()
      // Nothing to wait for where nothing waits to be sent.
      const step = await (pause ? Promise.race([this.#asked, pause]) : this.#asked)
      if (step === undefined) break
      this.#asked = undefined
      if (this.#isOver) break
      const chunk = step.done === true ? this.#complete() : this.#write(step.value)
      if (chunk) chunks.push(chunk)
      if (this.#isOver) break
      lengthBytes += chunk?.length ?? 0
      pause ??= new Promise((resolve) => process.nextTick(resolve, undefined))
    }
    return chunks
  }

  #complete(): Uint8Array | undefined {
    this.#isOver = true
    return this.#end()
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

/** Bytes that are written at once. A guess: a few network packets. */
const batchBytes = 16_384

const done: IteratorReturnResult<undefined> = { done: true, value: undefined }
