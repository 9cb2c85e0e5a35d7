import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import { ServiceError } from '@tenon/core/transport'
import { requestFault } from '../http-status.ts'
import { LineSplitter } from '../line-splitter.ts'
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

async function* noItems(): AsyncGenerator<unknown> {}

async function* readItems(payload: Readable, limitBytes: number): AsyncGenerator<unknown> {
  const lines = new LineSplitter(limitBytes, (index) => tooLong(index, limitBytes))
  let count = 0
  for await (const chunk of chunksOf(payload)) for (const line of lines.split(chunk)) yield parseLine(line, count++)
  for (const line of lines.end()) yield parseLine(line, count++)
}

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
