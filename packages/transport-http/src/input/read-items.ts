import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import { ServiceError } from '@tenon/core/transport'
import { requestFault } from '../http-status.ts'
import { chunksOf } from './body-chunks.ts'
import { ndjsonType, requireType } from './media-type.ts'
import type { InputSource } from './read-input.ts'

/**
 * Reads the lines of a body as items of an input stream, each when it is asked for, so that a handler that does not ask holds
 * its caller back.
 *
 * @throws ServiceError `invalid_argument` with reason `unsupported_media_type`; a step fails with reason `undecodable` for a
 * line that is not JSON, with `resource_exhausted` for one that is too long, with `cancelled` when the caller leaves.
 */
export function compileItemsReader(limitBytes: number): (source: InputSource) => AsyncIterable<unknown> {
  return ({ headers, body }) => {
    if (body === undefined || Buffer.isBuffer(body)) return noItems()
    requireType(headers, ndjsonType)
    return readItems(body, limitBytes)
  }
}

const newline = 0x0a

async function* noItems(): AsyncGenerator<unknown> {}

async function* readItems(payload: Readable, limitBytes: number): AsyncGenerator<unknown> {
  const line = new Line(limitBytes)
  for await (const chunk of chunksOf(payload)) {
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      line.add(chunk.subarray(start, end))
      start = end + 1
      if (!line.skipBlank()) yield line.take()
    }
    line.add(chunk.subarray(start))
  }
  if (!line.skipBlank()) yield line.take()
}

/** The bytes of a line that have come so far. */
class Line {
  readonly #limitBytes: number
  #parts: Buffer[] = []
  #lengthBytes = 0
  #index = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  add(part: Buffer): void {
    if (part.length === 0) return
    this.#lengthBytes += part.length
    if (this.#lengthBytes > this.#limitBytes) throw tooLong(this.#index, this.#limitBytes)
    this.#parts.push(part)
  }

  /** Starts anew when nothing is on the line, and tells so: a caller may send blank lines to be seen to live. */
  skipBlank(): boolean {
    if (this.#parts.some((part) => part.some((byte) => !blanks.has(byte)))) return false
    this.#clear()
    return true
  }

  /** The item on the line, which is complete. */
  take(): unknown {
    const bytes = this.#parts.length === 1 ? this.#parts[0] : undefined
    const value = parseLine(bytes ?? Buffer.concat(this.#parts, this.#lengthBytes), this.#index)
    this.#index += 1
    this.#clear()
    return value
  }

  #clear(): void {
    this.#parts = []
    this.#lengthBytes = 0
  }
}

/** Space, tab and carriage return. */
const blanks = new Set([0x20, 0x09, 0x0d])

function parseLine(bytes: Buffer, index: number): unknown {
  try {
    if (isUtf8(bytes)) return JSON.parse(bytes.toString())
  } catch {
    // The parser's own message quotes the input.
  }
  const violations = [{ field: `/${index}`, message: 'must be JSON', rule: 'json' }]
  const details = { violations }
  throw new ServiceError('invalid_argument', `line /${index} is not JSON`, { reason: 'undecodable', details })
}

function tooLong(index: number, limitBytes: number): ServiceError {
  const message = `must be at most ${limitBytes} bytes`
  const details = { violations: [{ field: `/${index}`, message, rule: 'maxBytes' }] }
  return requestFault('body_too_large', `line /${index} ${message}`, details)
}
