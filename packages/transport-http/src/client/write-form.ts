import { randomUUID } from 'node:crypto'
import type { FormPartHead } from '@tenon/core/contract'
import { invalidArgument } from '@tenon/core/transport'
import type { ItemsWriter } from './sent-items.ts'
import type { InputFields } from './write-fields.ts'

/** The items of a form as `multipart/form-data`. @see RFC 7578, and RFC 2046 section 5.1 on boundaries */
export class FormWriter implements ItemsWriter {
  readonly #boundary = randomUUID()
  readonly contentType = `multipart/form-data; boundary=${this.#boundary}`
  readonly begin = undefined
  #hasPart = false

  write({ part, chunk }: InputFields): Uint8Array {
    const content = chunk instanceof Uint8Array ? chunk : new Uint8Array()
    if (part !== undefined) return Buffer.concat([this.#writeHead(part as FormPartHead), content])
    if (this.#hasPart || content.length === 0) return content
    throw invalidArgument([{ field: '/chunk', message: 'must follow the head of a part', rule: 'required' }])
  }

  readonly end = (): Uint8Array => Buffer.from(`${this.#hasPart ? '\r\n' : ''}--${this.#boundary}--\r\n`)

  #writeHead({ name, filename, contentType }: FormPartHead): Buffer {
    const lines = [
      `${this.#hasPart ? '\r\n' : ''}--${this.#boundary}`,
      `content-disposition: form-data; name=${quote('name', name)}${filename === undefined ? '' : `; filename=${quote('filename', filename)}`}`,
      ...(contentType === undefined ? [] : [`content-type: ${requireLine('contentType', contentType)}`]),
    ]
    this.#hasPart = true
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
  }
}

/**
 * As browsers do it, but for the backslash, which they leave as it is and readers take for the beginning of an escape.
 *
 * @see HTML Standard, multipart form data, and RFC 2045 section 5.1 (quoted-string)
 */
function quote(field: string, text: string): string {
  return `"${requireLine(field, text).replaceAll('\\', String.raw`\\`).replaceAll('"', '%22')}"`
}

/** A line break would begin a header of its own. */
function requireLine(field: string, text: string): string {
  if (/^[^\p{Cc}]*$/u.test(text)) return text
  throw invalidArgument([{ field: `/part/${field}`, message: 'must have no control characters', rule: 'pattern' }])
}
