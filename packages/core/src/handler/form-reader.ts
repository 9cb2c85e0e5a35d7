import type { FormPartHead, FormPartItem } from '../contract/form-part.ts'
import { invalidArgument, ServiceError } from '../error/service-error.ts'

/** A part of a form on its way in. Its content is read once, and before the next part is asked for. */
export interface FormPart<Item extends FormPartItem = FormPartItem> extends FormPartHead {
  /** The item that began the part, with the fields that come beside the form. */
  readonly item: Item
  /** The content as it comes; a caller that sends faster than it is read is held back. What is left unread is skipped. */
  readonly content: AsyncIterable<Uint8Array>
  /**
   * The whole content.
   *
   * @param maxBytes Most that is kept. @defaultValue 1_048_576
   * @throws ServiceError `resource_exhausted` with reason `body_too_large`
   */
  bytes(maxBytes?: number): Promise<Uint8Array>
  /**
   * The whole content as text.
   *
   * @param maxBytes Most that is kept. @defaultValue 1_048_576
   * @throws ServiceError `resource_exhausted` with reason `body_too_large`, `invalid_argument` for what is no UTF-8
   */
  text(maxBytes?: number): Promise<string>
}

/**
 * The parts of a form that comes as `stream(formPart())`, each when it is asked for. Leaving the loop leaves the rest unread.
 *
 * @throws ServiceError from a step: `invalid_argument` for content before any part, and what the items throw.
 */
export async function* readParts<Item extends FormPartItem>(
  items: AsyncIterable<Item>,
): AsyncGenerator<FormPart<Item>> {
  const reader = new FormReader(items[Symbol.asyncIterator]())
  try {
    for (let part = await reader.nextPart(); part !== undefined; part = await reader.nextPart()) yield part
  } finally {
    await reader.close()
  }
}

/** As much as the body of a request may have by default. */
const defaultMaxBytes = 1_048_576

class FormReader<Item extends FormPartItem> {
  readonly #items: AsyncIterator<Item>
  /** An item that was read and belongs to nobody yet. */
  #ahead: Item | undefined
  #index = -1

  constructor(items: AsyncIterator<Item>) {
    this.#items = items
  }

  async nextPart(): Promise<FormPart<Item> | undefined> {
    for (let item = await this.#take(); item !== undefined; item = await this.#take()) {
      if (item.part !== undefined) return this.#begin(item, item.part)
      // Between parts it is what a handler left unread; before the first it belongs to nothing.
      if (item.chunk !== undefined && this.#index < 0)
        throw invalidArgument([{ field: '/0/chunk', message: 'must come after a part', rule: 'order' }])
    }
    return undefined
  }

  async close(): Promise<void> {
    await this.#items.return?.()
  }

  #begin(item: Item, head: FormPartHead): FormPart<Item> {
    this.#index += 1
    const content = this.#contentOf(this.#index, item.chunk)
    const whole = (maxBytes = defaultMaxBytes) => collect(head.name, content, maxBytes)
    return { ...head, item, content, bytes: whole, text: async (maxBytes) => toText(head.name, await whole(maxBytes)) }
  }

  async *#contentOf(index: number, first: Uint8Array | undefined): AsyncGenerator<Uint8Array> {
    if (first !== undefined) yield first
    for (;;) {
      if (index !== this.#index) throw new Error('the content of a part must be read before the next part is asked for')
      const item = await this.#take()
      if (item === undefined) return
      if (item.part !== undefined) {
        this.#ahead = item
        return
      }
      if (item.chunk !== undefined) yield item.chunk
    }
  }

  async #take(): Promise<Item | undefined> {
    const ahead = this.#ahead
    this.#ahead = undefined
    if (ahead !== undefined) return ahead
    const step = await this.#items.next()
    return step.done === true ? undefined : step.value
  }
}

async function collect(name: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let lengthBytes = 0
  for await (const chunk of content) {
    lengthBytes += chunk.length
    if (lengthBytes > maxBytes)
      throw new ServiceError('resource_exhausted', `part "${name}" must be at most ${maxBytes} bytes`, {
        reason: 'body_too_large',
      })
    chunks.push(chunk)
  }
  return Uint8Array.from(Buffer.concat(chunks, lengthBytes))
}

function toText(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new ServiceError('invalid_argument', `part "${name}" is no text in UTF-8`, { reason: 'undecodable' })
  }
}
