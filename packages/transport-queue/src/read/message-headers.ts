import { asBuffer } from '../bytes.ts'
import type { RecordHeader } from '../queue-driver.ts'

/** What a message says beside its payload, by names in lower case. */
export interface MessageHeaders {
  /** All, with their values as text. */
  readonly metadata: Readonly<Record<string, string>>
  /** The text of one; undefined without it. */
  text(name: string): string | undefined
}

/** The headers of a record. Values are decoded when they are asked for, since few ever are. */
export class RecordHeaders implements MessageHeaders {
  readonly #headers: readonly RecordHeader[]
  #metadata: MessageHeaders['metadata'] | undefined

  /** What nearly everything else depends on. */
  readonly contentType: string | undefined

  constructor(headers: readonly RecordHeader[]) {
    this.#headers = headers
    this.contentType = headerText(headers, 'content-type')
  }

  get metadata(): MessageHeaders['metadata'] {
    this.#metadata ??= toMetadata(this.#headers)
    return this.#metadata
  }

  text(name: string): string | undefined {
    return headerText(this.#headers, name)
  }
}

/** The text of a header, the last of repeated ones; undefined without it. The name is in lower case. */
export function headerText(headers: readonly RecordHeader[], name: string): string | undefined {
  for (let index = headers.length - 1; index >= 0; index -= 1) {
    const header = headers[index]
    if (header !== undefined && isNamed(header[0], name)) return asBuffer(header[1]).toString()
  }
  return undefined
}

/** Most names are of another length, which costs nearly nothing to see. */
function isNamed(found: string, name: string): boolean {
  return found.length === name.length && (found === name || found.toLowerCase() === name)
}

function toMetadata(headers: readonly RecordHeader[]): MessageHeaders['metadata'] {
  return Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), asBuffer(value).toString()]))
}
