import { markUnreadable, ServiceError } from '@tenon/core/transport'
import type { QueueSettings } from '../queue-options.ts'
import type { ReceivedRecord } from '../queue-driver.ts'
import type { MessageHeaders, RecordHeaders } from './message-headers.ts'
import { type PayloadBytes, type PayloadReader, readPayload, undecodable } from './read-payload.ts'
import { isStructured, readStructured, type StructuredEvent } from './structured-event.ts'

/** What a message says of itself, in whichever mode it came. */
export interface ReadMessage {
  /** Headers with names in lower case; the attributes of an event as `ce_…`, in either mode. */
  readonly metadata: Readonly<Record<string, string>>
  /** Not to be handled before, in epoch milliseconds; 0 when it does not say. */
  readonly notBeforeAt: number
  /** Of no use after, in epoch milliseconds; Infinity when it does not say. */
  readonly expiresAt: number
  /** The payload, for the schema to check; another one each time. @throws ServiceError that is marked as unreadable */
  payload(): unknown
}

export interface ReadBounds extends Pick<QueueSettings, 'maxMessageBytes' | 'maxDelayMs'> {
  readonly clock: Pick<QueueSettings['clock'], 'now'>
  readonly read: PayloadReader
}

/**
 * Reads what a message says of itself. Its payload stays as it is.
 *
 * @throws ServiceError marked as unreadable, for a message that is not even decoded: too large, of another version, or not to be
 * understood.
 */
export function readMessage(record: ReceivedRecord, headers: RecordHeaders, bounds: ReadBounds): ReadMessage {
  requireSize(record, bounds)
  const opened = open(record, headers)
  requireVersion(record.topic, opened.headers)
  return new OpenedMessage(opened, bounds)
}

/** Whether a message must be parsed as a whole before anything is known of it. */
export function isEnveloped({ contentType }: RecordHeaders): boolean {
  return isStructured(contentType)
}

/** A message out of its envelope, if it has one. */
interface Opened {
  readonly headers: MessageHeaders
  readonly source: PayloadBytes | StructuredEvent
}

class OpenedMessage implements ReadMessage {
  readonly notBeforeAt: number
  readonly expiresAt: number
  readonly #opened: Opened
  readonly #read: PayloadReader

  constructor(opened: Opened, bounds: ReadBounds) {
    this.#opened = opened
    this.#read = bounds.read
    this.notBeforeAt = notBefore(opened.headers, bounds)
    this.expiresAt = expiresAt(opened.headers)
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.#opened.headers.metadata
  }

  payload(): unknown {
    const { source } = this.#opened
    const payload = 'bytes' in source ? source : payloadOf(source)
    return 'value' in payload ? payload.value : readPayload(payload, this.#read)
  }
}

function open(record: ReceivedRecord, headers: RecordHeaders): Opened {
  const { contentType } = headers
  if (!isStructured(contentType)) return { headers, source: { bytes: record.value, contentType } }
  const event = readEvent(record, contentType ?? '')
  const metadata = withAttributes(headers.metadata, event)
  return { headers: { metadata, text: (name) => metadata[name] }, source: event }
}

function requireSize({ value }: ReceivedRecord, { maxMessageBytes }: ReadBounds): void {
  if (value === null || value.length <= maxMessageBytes) return
  const message = `the message must be at most ${maxMessageBytes} bytes, found ${value.length}`
  throw markUnreadable(new ServiceError('invalid_argument', message, { reason: 'message_too_large' }))
}

function readEvent({ value }: ReceivedRecord, contentType: string): StructuredEvent {
  if (value === null) throw undecodable('the message has no value')
  return decoded(() => readStructured(value, contentType))
}

function payloadOf(event: StructuredEvent): ReturnType<StructuredEvent['payload']> {
  return decoded(() => event.payload())
}

function decoded<Result>(read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    throw undecodable('the message is no event in structured mode', cause)
  }
}

/** As binary mode has it. What stands in the event counts; headers of the same names are copies at best. */
function withAttributes(
  headers: Readonly<Record<string, string>>,
  { attributes, contentType }: StructuredEvent,
): Readonly<Record<string, string>> {
  const others = Object.entries(headers).filter(([name]) => !name.startsWith('ce_'))
  const own = Array.from(attributes, ([name, text]) => [`ce_${name}`, text] as const)
  return { ...Object.fromEntries(others), ...Object.fromEntries(own), 'content-type': contentType }
}

/** A message of another type or version than its topic's came here by mistake, and would be misread. */
function requireVersion(topic: string, headers: MessageHeaders): void {
  const type = headers.text('ce_type')
  if (type !== undefined && type !== topic) throw unknownVersion(`ce_type must be ${topic}, found ${quoted(type)}`)
  const schema = headers.text('ce_dataschema')
  const named = schema === undefined ? undefined : versionIn(schema)
  if (named !== undefined && named !== topic)
    throw unknownVersion(`ce_dataschema must be that of ${topic}, found that of ${quoted(named)}`)
}

/** The event that a schema's address ends in, if it names one; an address that ends otherwise says nothing of it. */
function versionIn(dataSchema: string): string | undefined {
  return /(?:^|[/:#])([a-z][a-z0-9]*(?:[._-][a-z0-9]+)*\.v[0-9]+)(?:\.json)?$/.exec(dataSchema)?.[1]
}

function unknownVersion(message: string): ServiceError {
  return markUnreadable(new ServiceError('invalid_argument', message, { reason: 'unknown_version' }))
}

function quoted(text: string): string {
  return JSON.stringify(text.length > longestQuoteCount ? `${text.slice(0, longestQuoteCount)}…` : text)
}

/** A guess: longer than any topic. */
const longestQuoteCount = 249

/** When a message may be handled. One that is to be held for absurdly long is taken for broken, since nothing of its key would ever come. */
function notBefore(headers: MessageHeaders, { clock, maxDelayMs }: ReadBounds): number {
  const at = momentIn(headers, 'tenon-not-before')
  if (at === undefined) return 0
  if (at - clock.now() > maxDelayMs + clockLeewayMs)
    throw undecodable(`tenon-not-before must be at most ${maxDelayMs} ms from now, found ${new Date(at).toISOString()}`)
  return at
}

/** How far the clock of a publisher may be ahead of ours. A guess. */
const clockLeewayMs = 60_000

/** When a header says, in epoch milliseconds. What is no moment is not guessed at: "5" would be a day of 2001. */
function momentIn(headers: MessageHeaders, name: string): number | undefined {
  const text = headers.text(name)
  if (text === undefined) return undefined
  const at = readMoment(text)
  if (at === undefined)
    throw undecodable(`${name} must be a moment such as 2026-01-31T12:00:00Z, found ${quoted(text)}`)
  return at
}

/** @see RFC 3339 section 5.6 */
function readMoment(text: string): number | undefined {
  const day = /^(\d{4}-\d{2}-\d{2})[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/.exec(text)?.[1]
  const at = Date.parse(text.toUpperCase())
  if (day === undefined || Number.isNaN(at)) return undefined
  // A day that its month does not have is taken for one of the next.
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day) ? at : undefined
}

/** @see CloudEvents expiry time extension */
function expiresAt(headers: MessageHeaders): number {
  return momentIn(headers, 'ce_expirytime') ?? Number.POSITIVE_INFINITY
}
