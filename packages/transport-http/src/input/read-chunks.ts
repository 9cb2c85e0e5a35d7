import type { Readable } from 'node:stream'
import { bytesRangeOf, type Operation, type RawInput } from '@tenon/core/contract'
import type { ServiceError } from '@tenon/core/transport'
import { fieldSchema } from '../field-schema.ts'
import { requestFault } from '../http-status.ts'
import { chunksOf } from './body-chunks.ts'
import { rawType, requireType } from './media-type.ts'
import type { InputSource } from './read-input.ts'

export interface RawStream extends RawInput {
  /** Largest body. */
  readonly maxBytes: number
}

/**
 * Reads a body of bytes as items of an input stream, a piece each, as they come. A body without bytes is one item of no bytes, so
 * that the handler learns what else came with the request.
 *
 * @throws ServiceError `invalid_argument` with reason `unsupported_media_type`; it or a step fails with `resource_exhausted` and
 * reason `body_too_large` for a body beyond its limit, a step with `cancelled` when the caller leaves.
 */
export function compileChunksReader(
  { inputJsonSchema }: Operation,
  { name, mediaType, maxBytes }: RawStream,
): (source: InputSource) => AsyncIterable<unknown> {
  const type = rawType(mediaType)
  const maxLength = Math.max(1, bytesRangeOf(fieldSchema(inputJsonSchema, name))?.maxLength ?? Number.POSITIVE_INFINITY)
  const toItem = (chunk: Uint8Array) => ({ [name]: chunk })
  return ({ headers, body }) => {
    if (body === undefined || Buffer.isBuffer(body)) return emptyBody(toItem)
    requireType(headers, type)
    if (Number(headers['content-length']) > maxBytes) throw bodyTooLarge(maxBytes)
    return readChunks(body, { toItem, maxBytes, maxLength })
  }
}

interface ChunkForm {
  readonly toItem: (chunk: Uint8Array) => unknown
  readonly maxBytes: number
  /** Longest piece that the schema allows. */
  readonly maxLength: number
}

async function* emptyBody(toItem: ChunkForm['toItem']): AsyncGenerator<unknown> {
  yield toItem(new Uint8Array())
}

async function* readChunks(payload: Readable, { toItem, maxBytes, maxLength }: ChunkForm): AsyncGenerator<unknown> {
  let lengthBytes = 0
  for await (const chunk of chunksOf(payload)) {
    lengthBytes += chunk.length
    if (lengthBytes > maxBytes) throw bodyTooLarge(maxBytes)
    for (let start = 0; start < chunk.length; start += maxLength)
      yield toItem(toPlainView(chunk.subarray(start, start + maxLength)))
  }
  if (lengthBytes === 0) yield* emptyBody(toItem)
}

/** The same memory: nothing else uses what was read for this body. */
export function toPlainView({ buffer, byteOffset, byteLength }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** What is told of a streamed body that is larger than it may be. */
export function bodyTooLarge(maxBytes: number): ServiceError {
  return requestFault('body_too_large', `the body must be at most ${maxBytes} bytes`)
}
