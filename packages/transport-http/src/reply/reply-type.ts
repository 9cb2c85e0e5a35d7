import { type HttpOperation, type Operation, rawOutputOf, rawOutputStreamOf } from '@tenon/core/contract'

/** What a successful reply of an operation may be, without parameters; everything where it has no content. */
export function replyTypes(operation: Operation, { status }: HttpOperation): readonly string[] {
  if (!hasContent(status)) return ['*/*']
  const bytes = rawOutputOf(operation) ?? rawOutputStreamOf(operation)?.mediaType
  if (bytes !== undefined) return [bytes]
  const { kind } = operation
  const isStream = kind === 'server_stream' || kind === 'bidi_stream'
  return isStream ? ['application/x-ndjson', 'text/event-stream'] : ['application/json']
}

/**
 * Whether a reply with the status carries the output.
 *
 * @see RFC 9110 section 15.3.5, 15.3.6 and 15.4
 */
export function hasContent(status: number): boolean {
  return status < 300 && status !== 204 && status !== 205
}
