import { type Operation, rawOutputStreamOf } from '@tenon/core/contract'
import { compileJsonReader } from '@tenon/core/transport'
import { LineSplitter } from '../line-splitter.ts'
import type { WireReply } from './connection-pool.ts'
import { parseText, readWhole, replyTooLarge } from './read-reply.ts'
import { fromErrorRecord, toReplyError } from './reply-error.ts'

/**
 * Decides once how a reply that is a stream is read: lines of JSON, the last of which may tell why it failed, or pieces of bytes.
 *
 * @throws ServiceError what the remote said; `internal` for a record that is too long or cannot be read.
 */
export function compileItemsReader(
  operation: Operation,
  limitBytes: number,
): (reply: WireReply) => AsyncGenerator<unknown> {
  const raw = rawOutputStreamOf(operation)
  const toNative = compileJsonReader(operation.outputJsonSchema) ?? ((value: unknown) => value)
  const toItem = raw?.name === undefined ? (bytes: Uint8Array) => bytes : wrapAs(raw.name)
  return async function* readItems(reply) {
    const { status } = reply
    if (status < 200 || status > 299) throw toReplyError(reply, await readWhole(reply, limitBytes))
    if (raw) for await (const chunk of reply.body()) yield toItem(toBytes(chunk))
    else for await (const record of readRecords(reply, limitBytes)) yield toNative(record)
  }
}

/** The media types that a caller of the operation reads. */
export function acceptedStreamTypes(operation: Operation): string {
  return `${rawOutputStreamOf(operation)?.mediaType ?? 'application/x-ndjson'}, application/problem+json`
}

/** A record that looks like the end of a failed stream is one when nothing follows it; an item may look the same. */
async function* readRecords(reply: WireReply, limitBytes: number): AsyncGenerator<unknown> {
  let last: { readonly record: unknown; readonly error: Error } | undefined
  for await (const line of readLines(reply, limitBytes)) {
    if (last) yield last.record
    const record = parseText(line)
    const error = fromErrorRecord(record)
    last = error && { record, error }
    if (!last) yield record
  }
  if (last) throw last.error
}

/** Lines with something on them. */
async function* readLines(reply: WireReply, limitBytes: number): AsyncGenerator<Buffer> {
  const lines = new LineSplitter(limitBytes, () => replyTooLarge('record', limitBytes))
  for await (const chunk of reply.body()) yield* lines.split(chunk)
  yield* lines.end()
}

function wrapAs(name: string): (bytes: Uint8Array) => unknown {
  return (bytes) => ({ [name]: bytes })
}

function toBytes(chunk: Buffer): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}
