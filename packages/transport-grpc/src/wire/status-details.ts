import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'
import type { ErrorDetails, ServiceError, Violation } from '@tenon/core/transport'
import { readOwnDetails, writeOwnDetails } from './own-details.ts'

/** What an error tells beside code and message. */
export interface ErrorFacts {
  readonly reason?: string
  readonly details?: ErrorDetails
}

const typeUrl = (name: string) => `type.googleapis.com/google.rpc.${name}`
const errorInfo = typeUrl('ErrorInfo')
const badRequest = typeUrl('BadRequest')
const retryInfo = typeUrl('RetryInfo')
const requestInfo = typeUrl('RequestInfo')
const struct = 'type.googleapis.com/google.protobuf.Struct'

/** What is told of a failed call besides its error. */
export interface DetailsContext {
  readonly status: number
  /** Whose word the reason is. */
  readonly domain: string
  readonly callId?: string | undefined
  /** The most that all of it may take; the error's own details have what the rest leaves. */
  readonly limitBytes: number
  /** Is told the names of own details that are left out. */
  readonly onRefused?: ((names: readonly string[]) => void) | undefined
}

/**
 * Reason, violations, retry delay and further details of an error, and what its call is called, as a google.rpc.Status; undefined
 * when there is none of them.
 *
 * @see google/rpc/status.proto and google/rpc/error_details.proto, whose field numbers stand below
 */
export function writeDetails(error: ServiceError, context: DetailsContext): Buffer | undefined {
  const { violations: _violations, retryDelayMs: _retryDelayMs, ...others } = error.details ?? {}
  const parts = writeParts(error, context)
  const message = toBytes(error.message, longestMessageBytes)
  const writer = new BinaryWriter().uint32(0x08).int32(context.status).uint32(0x12).bytes(message)
  for (const { url, value } of parts) writeAny(writer, url, value)
  const head = writer.finish()
  const limitBytes = context.limitBytes - head.length - struct.length - anyFrameBytes
  const own = writeOwnDetails(others, { limitBytes, onRefused: context.onRefused })
  if (own === undefined) return parts.length === 0 ? undefined : Buffer.from(head)
  return Buffer.concat([head, writeAny(new BinaryWriter(), struct, own).finish()])
}

interface Part {
  readonly url: string
  readonly value: Uint8Array
}

/** What google.rpc has messages for. */
function writeParts({ reason, details = {} }: ServiceError, { domain, callId }: DetailsContext): readonly Part[] {
  const { violations, retryDelayMs } = details
  const parts: Part[] = []
  if (reason !== undefined) {
    const words = [reason, domain].map((word) => toBytes(word, longestWordBytes))
    parts.push({ url: errorInfo, value: texts(words).finish() })
  }
  if (violations) parts.push({ url: badRequest, value: writeViolations(violations) })
  if (isDelay(retryDelayMs)) parts.push({ url: retryInfo, value: writeRetryInfo(retryDelayMs) })
  if (callId !== undefined) parts.push({ url: requestInfo, value: texts([toBytes(callId, longestWordBytes)]).finish() })
  return parts
}

/** A google.protobuf.Any, as the next of a status's details. */
function writeAny(writer: BinaryWriter, url: string, value: Uint8Array): BinaryWriter {
  return writer.uint32(0x1a).fork().uint32(0x0a).string(url).uint32(0x12).bytes(value).join()
}

/** Its three tags, the short length of the url, and two longer ones. @see Protocol Buffers, Encoding */
const anyFrameBytes = 10

/** Reads what `writeDetails` wrote, and what other implementations write in the same places; anything else is passed over. */
export function readDetails(bytes: Uint8Array): ErrorFacts {
  let reason: string | undefined
  let details: ErrorDetails | undefined
  try {
    for (const any of children(bytes, 3)) {
      const [url] = children(any, 1).map(text)
      const [value = new Uint8Array()] = children(any, 2)
      if (url === errorInfo) [reason] = children(value, 1).map(text)
      if (url === badRequest) details = { ...details, violations: children(value, 1).map(readViolation) }
      if (url === retryInfo) details = { ...details, ...readRetryInfo(value) }
      if (url === struct) details = { ...readOwnDetails(value), ...details }
    }
  } catch {
    // Details that cannot be read are no reason to lose code and message.
  }
  return { ...(reason === undefined ? {} : { reason }), ...(details === undefined ? {} : { details }) }
}

/** What the remote calls the call, where it says so. */
export function readRequestId(bytes: Uint8Array): string | undefined {
  try {
    for (const any of children(bytes, 3)) {
      const [url] = children(any, 1).map(text)
      const [value = new Uint8Array()] = children(any, 2)
      const [id] = url === requestInfo ? children(value, 1).map(text) : []
      if (id !== undefined && safeRequestId.test(id)) return id
    }
  } catch {
    // As in `readDetails`.
  }
  return undefined
}

/** What a service of ours may call a call; anything else could forge log lines. */
const safeRequestId = /^[\w.:-]{1,128}$/

function writeViolations(violations: readonly Violation[]): Uint8Array {
  const writer = new BinaryWriter()
  let leftBytes = longestViolationsBytes
  for (const { field, message, rule } of violations) {
    const bytes = texts([
      toBytes(field, longestFieldBytes),
      toBytes(message, longestMessageBytes),
      toBytes(rule, longestWordBytes),
    ]).finish()
    leftBytes -= bytes.length + listItemBytes
    if (leftBytes < 0) break
    writer.uint32(0x0a).bytes(bytes)
  }
  return writer.finish()
}

/** A tag, and a length of one or two bytes. */
const listItemBytes = 3

/**
 * Details travel in HTTP/2 headers, in base64, and callers take up to about 8 KiB of them in all: with the limits below what
 * google.rpc has messages for is 6 KiB at most, and the service's own details have the rest. The first violation always has room.
 *
 * @see gRPC over HTTP/2, and RFC 9113 section 10.5.1: a peer may treat larger headers as an error of the connection
 */
const longestViolationsBytes = 3_072
const longestFieldBytes = 1_024
const longestMessageBytes = 512
const longestWordBytes = 128

/** UTF-8, cut at the limit with a mark that something is missing. */
function toBytes(text: string, maxBytes: number): Uint8Array {
  // A unit of UTF-16 is at least one byte, so that a text of megabytes is not encoded to be thrown away.
  const bytes = Buffer.from(text.slice(0, maxBytes + 1).toWellFormed())
  if (bytes.length <= maxBytes) return bytes
  let end = maxBytes - ellipsis.length
  while (isContinuation(bytes[end])) end -= 1
  return Buffer.concat([bytes.subarray(0, end), ellipsis])
}

const ellipsis = Buffer.from('…')

/** @see RFC 3629 section 3 */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000
}

function readViolation(bytes: Uint8Array): Violation {
  const [field = ''] = children(bytes, 1).map(text)
  const [message = ''] = children(bytes, 2).map(text)
  const [rule = 'custom'] = children(bytes, 3).map(text)
  return { field, message, rule }
}

/** A google.protobuf.Duration in field 1: seconds 1, nanos 2. */
function writeRetryInfo(delayMs: number): Uint8Array {
  const seconds = Math.floor(delayMs / 1000)
  const nanos = Math.min(Math.round((delayMs - seconds * 1000) * 1_000_000), 999_999_999)
  return new BinaryWriter().uint32(0x0a).fork().uint32(0x08).int64(seconds).uint32(0x10).int32(nanos).join().finish()
}

function readRetryInfo(bytes: Uint8Array): ErrorDetails {
  let seconds = 0
  let nanos = 0
  for (const duration of children(bytes, 1)) {
    const reader = new BinaryReader(duration)
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag()
      if (field === 1) seconds = Number(reader.int64())
      else if (field === 2) nanos = reader.int32()
      else reader.skip(wireType, field)
    }
  }
  const retryDelayMs = seconds * 1000 + nanos / 1_000_000
  return isDelay(retryDelayMs) ? { retryDelayMs } : {}
}

/** @see google/protobuf/duration.proto, whose longest span is 10 000 years */
function isDelay(delayMs: number | undefined): delayMs is number {
  return delayMs !== undefined && delayMs >= 0 && delayMs <= 315_576_000_000_000
}

/** A message whose first fields are texts. */
function texts(values: readonly Uint8Array[]): BinaryWriter {
  const writer = new BinaryWriter()
  for (const [index, value] of values.entries()) writer.uint32(((index + 1) << 3) | 2).bytes(value)
  return writer
}

/** The length-delimited values of one field of a message. */
function children(bytes: Uint8Array, number: number): Uint8Array[] {
  const reader = new BinaryReader(bytes)
  const found: Uint8Array[] = []
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    if (field === number && wireType === 2) found.push(reader.bytes())
    else reader.skip(wireType, field)
  }
  return found
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}
