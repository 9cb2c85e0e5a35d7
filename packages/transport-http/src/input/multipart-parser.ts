import type { FormPartHead } from '@tenon/core/contract'
import { invalidArgument } from '@tenon/core/transport'
import { readPartHead } from './part-head.ts'

/** What comes next in a form. */
export type FormEvent = { readonly part: FormPartHead } | { readonly chunk: Buffer }

type State = 'preamble' | 'boundary' | 'head' | 'content' | 'epilogue'

/**
 * Longest header section of a part. A guess: three fields and a long file name take less than 1 KiB.
 */
export const maxHeadBytes = 8_192

/** Longest run of blanks behind a boundary. A guess: nobody writes any. */
const maxPaddingBytes = 64

const dash = 0x2d
const carriageReturn = 0x0d
const blanks = new Set([0x20, 0x09])
const headEnd = Buffer.from('\r\n\r\n')
const none = Buffer.alloc(0)

/**
 * Takes a body of `multipart/form-data` apart as its pieces come, and keeps no more of it than what may be the beginning of a
 * boundary or of a header.
 *
 * @see RFC 2046 section 5.1.1
 */
export class MultipartParser {
  readonly #delimiter: Buffer
  #state: State = 'preamble'
  /** Begins with a line break: a boundary stands at the beginning of a line, and the first line is one. */
  #rest: Buffer = Buffer.from('\r\n')
  #partCount = 0

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
  }

  /** @throws ServiceError `invalid_argument` for what is no form. */
  *push(piece: Buffer): Generator<FormEvent, void> {
    let data = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    this.#rest = none
    while (data.length > 0 && this.#state !== 'epilogue') {
      const { event, usedBytes } = this.#step(data)
      if (event) yield event
      if (usedBytes === undefined) {
        this.#rest = data
        return
      }
      data = data.subarray(usedBytes)
    }
  }

  /** @throws ServiceError `invalid_argument` for a form without its end. */
  end(): void {
    if (this.#state !== 'epilogue') throw this.#malformed('the body ends before its last boundary')
  }

  /** The next step; `usedBytes` is undefined where it needs more data than there is. */
  #step(data: Buffer): Step {
    if (this.#state === 'boundary') return this.#readBoundaryEnd(data)
    return this.#state === 'head' ? this.#readHead(data) : this.#readContent(data)
  }

  #readContent(data: Buffer): Step {
    const isContent = this.#state === 'content'
    const found = data.indexOf(this.#delimiter)
    const end = found === -1 ? this.#beginOfDelimiter(data) : found
    const event = isContent && end > 0 ? { chunk: data.subarray(0, end) } : undefined
    if (found !== -1) {
      this.#state = 'boundary'
      return { event, usedBytes: end + this.#delimiter.length }
    }
    return { event, usedBytes: end === 0 ? undefined : end }
  }

  /** Where the end of the data may be the beginning of a boundary; the length of the data where it is not. */
  #beginOfDelimiter(data: Buffer): number {
    let at = data.indexOf(carriageReturn, Math.max(0, data.length - this.#delimiter.length + 1))
    for (; at !== -1; at = data.indexOf(carriageReturn, at + 1)) {
      if (data.compare(this.#delimiter, 0, data.length - at, at) === 0) return at
    }
    return data.length
  }

  #readBoundaryEnd(data: Buffer): Step {
    if (data[0] === dash && (data.length < 2 || data[1] === dash)) {
      if (data.length < 2) return more
      this.#state = 'epilogue'
      return { usedBytes: 2 }
    }
    let at = 0
    while (blanks.has(data[at] ?? -1)) at += 1
    if (at > maxPaddingBytes) throw this.#malformed('a boundary is followed by too many blanks')
    if (at === data.length || (at + 1 === data.length && data[at] === carriageReturn)) return more
    if (data[at] !== carriageReturn || data[at + 1] !== 0x0a)
      throw this.#malformed('a boundary is followed by something else than a line break')
    this.#state = 'head'
    return { usedBytes: at + 2 }
  }

  #readHead(data: Buffer): Step {
    const end = data.indexOf(headEnd)
    if ((end === -1 ? data.length - headEnd.length : end) > maxHeadBytes)
      throw this.#malformed(`the header of a part must be at most ${maxHeadBytes} bytes`)
    if (end === -1) return more
    const part = readPartHead(data.subarray(0, end))
    if (typeof part === 'string') throw this.#malformed(part)
    this.#state = 'content'
    this.#partCount += 1
    return { event: { part }, usedBytes: end + headEnd.length }
  }

  /** Named by the number of the part it is about, from 0. */
  #malformed(message: string) {
    const index = this.#state === 'content' ? this.#partCount - 1 : this.#partCount
    return invalidArgument([{ field: `/parts/${index}`, message, rule: 'multipart' }])
  }
}

interface Step {
  readonly event?: FormEvent | undefined
  readonly usedBytes: number | undefined
}

const more: Step = { usedBytes: undefined }
