import { ServiceError } from '../../error/service-error.ts'

/** What may be said of one message beside its payload. */
export interface PublishOptions {
  /**
   * Replaces the key that the contract names. Messages of one key are handled one after another, in the order in which they were
   * published.
   *
   * @defaultValue the value of the contract's key field
   * @remarks 1–1_024 bytes of UTF-8, the field's value too
   */
  readonly key?: string
  /**
   * Further message headers; names are made lower case. Those that the publisher itself sets cannot be given: `ce_…`, `ce-…`,
   * `tenon-…`, `content-type`, `traceparent`, `tracestate` and `baggage`.
   *
   * @remarks A name is a token, a value one line of text.
   * @see RFC 9110 section 5.6.2 (token)
   */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * How long the message is held back from its handler. It waits at its place in the queue: messages of its key that come after it
   * wait behind it, and nothing behind it in its partition counts as finished for good before it is. So it is for seconds or
   * minutes; what has to wait for longer belongs into a table and a schedule. A receiver that waits for less than this, by its
   * transport's `maxDelayMs`, makes it a dead letter.
   *
   * @defaultValue 0
   * @remarks Range 0–86_400_000, well below the 7 days for which Kafka keeps records by default
   */
  readonly delayMs?: number
  /**
   * How long the message has use, from now on; what is not handled by then becomes a dead letter. It has to be longer than
   * `delayMs`. The running call's deadline is never passed on in its place.
   *
   * @defaultValue for ever
   * @remarks Range 1–315_360_000_000, ten years
   * @see CloudEvents expiry time extension
   */
  readonly expiresAfterMs?: number
  /**
   * Identifies the message to its receivers, as `ce_id`. Give your own to publish one event twice on purpose, such as after a
   * crash, so that a receiver that remembers ids handles it once.
   *
   * @defaultValue a random UUID
   * @remarks 1–256 characters of one line of text
   */
  readonly id?: string
  /** Gives publishing up; what was being sent then may still arrive. The running call's deadline does too. */
  readonly signal?: AbortSignal
}

/** The bounds of what a message may be published with. */
export const publishLimits = Object.freeze({
  /** A guess: a key names a thing, it does not describe it, and every consumer keeps those of its running messages in memory. */
  maxKeyBytes: 1_024,
  maxIdLength: 256,
  maxDelayMs: 86_400_000,
  maxExpiresAfterMs: 315_360_000_000,
})

/**
 * Makes sure that options are such as every publisher takes.
 *
 * @param what The message, for the log: `event shop.order.placed.v1`.
 * @throws ServiceError `internal`; its cause, which no caller is told, names each option and what was expected
 */
export function requirePublishable(what: string, options: PublishOptions): void {
  if (!isObject(options)) throw unpublishable(what, [`the options must be an object, found ${kindOf(options)}`])
  const problems = Object.entries(options).flatMap(([name, value]) => checkOption(name, value))
  const { delayMs = 0, expiresAfterMs } = options
  if (expiresAfterMs !== undefined && problems.length === 0 && expiresAfterMs <= delayMs)
    problems.push(`expiresAfterMs must be more than delayMs, ${delayMs}, found ${expiresAfterMs}`)
  if (problems.length > 0) throw unpublishable(what, problems)
}

/** What is wrong with a key; nothing is when the list is empty. */
export function checkKey(value: unknown): readonly string[] {
  const { maxKeyBytes } = publishLimits
  if (!isText(value)) return [`key must be well-formed text, found ${kindOf(value)}`]
  const byteCount = Buffer.byteLength(value)
  if (byteCount >= 1 && byteCount <= maxKeyBytes) return []
  return [`key must have 1 to ${maxKeyBytes} bytes of UTF-8, found ${byteCount}`]
}

/** Whether a header is the publisher's own to set. */
export function isEnvelopeHeader(name: string): boolean {
  return /^(?:ce[_-].*|tenon-.*|content-type)$/s.test(name)
}

/** An error for a message that is wrong in itself: our own fault, so a caller learns nothing of it but that it is. */
export function unpublishable(what: string, problems: readonly string[], why?: unknown): ServiceError {
  const cause = new TypeError(
    `${what} cannot be published: ${problems.join('; ')}`,
    why === undefined ? {} : { cause: why },
  )
  return new ServiceError('internal', 'a message cannot be published as it was given', { cause })
}

const checks: Readonly<Record<keyof PublishOptions, (value: unknown) => readonly string[]>> = {
  key: checkKey,
  headers: checkHeaders,
  delayMs: (value) => checkWholeNumber('delayMs', value, { min: 0, max: publishLimits.maxDelayMs }),
  expiresAfterMs: (value) =>
    checkWholeNumber('expiresAfterMs', value, { min: 1, max: publishLimits.maxExpiresAfterMs }),
  id: checkId,
  signal: (value) => (value instanceof AbortSignal ? [] : [`signal must be an AbortSignal, found ${kindOf(value)}`]),
}

function checkOption(name: string, value: unknown): readonly string[] {
  if (!Object.hasOwn(checks, name)) return [`"${name}" is no option; expected ${Object.keys(checks).join(', ')}`]
  return value === undefined ? [] : checks[name as keyof PublishOptions](value)
}

function checkHeaders(headers: unknown): readonly string[] {
  if (!isObject(headers)) return [`headers must be an object, found ${kindOf(headers)}`]
  return Object.entries(headers).flatMap(([name, value]) => checkHeader(name, value))
}

/** @see RFC 9110 section 5.6.2 (token) */
const token = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

const traceHeaders: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage'])

function checkHeader(name: string, value: unknown): readonly string[] {
  const shown = `header ${JSON.stringify(name)}`
  const key = name.toLowerCase()
  if (!token.test(key)) return [`${shown} must be named with letters, digits and !#$%&'*+.^_\`|~-`]
  if (isEnvelopeHeader(key) || traceHeaders.has(key)) return [`${shown} is set by the publisher itself: leave it out`]
  return isLine(value) ? [] : [`${shown} must be one line of well-formed text, found ${kindOf(value)}`]
}

function checkId(value: unknown): readonly string[] {
  const { maxIdLength } = publishLimits
  if (isLine(value) && value.length >= 1 && value.length <= maxIdLength) return []
  return [`id must be one line of 1 to ${maxIdLength} characters, found ${kindOf(value)}`]
}

function checkWholeNumber(
  name: string,
  value: unknown,
  { min, max }: { readonly min: number; readonly max: number },
): readonly string[] {
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return []
  return [
    `${name} must be a whole number from ${min} to ${max}, found ${typeof value === 'number' ? value : kindOf(value)}`,
  ]
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed()
}

/** @see CloudEvents 1.0, type system: no control characters in a String */
function isLine(value: unknown): value is string {
  // oxlint-disable-next-line no-control-regex -- those are what it looks for
  return isText(value) && !/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/.test(value)
}

/** What was found, without the value, which may be a secret. */
function kindOf(value: unknown): string {
  if (typeof value !== 'string') return value === null ? 'null' : typeof value
  if (!value.isWellFormed()) return 'text with a lone surrogate'
  return value.length === 0 ? 'empty text' : `text of ${value.length} characters`
}
