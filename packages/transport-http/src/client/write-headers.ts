import type { OutgoingCall } from '@tenon/core/client'
import { ServiceError } from '@tenon/core/transport'

/** Where a call says how long it may take. */
const timeoutHeader = 'x-request-timeout-ms'

/**
 * Metadata as headers. What was only inherited from another transport and cannot be carried is left out.
 *
 * @throws ServiceError `invalid_argument` for an entry that the caller set.
 */
export function writeHeaders(metadata: OutgoingCall['metadata']): Readonly<Record<string, string>> {
  const entries = Object.entries(metadata)
  const refused = entries.filter(([name, value]) => !isCarried(name, value)).map(([name]) => name)
  const own = refused.filter((name) => !inherited.has(name))
  if (own.length > 0)
    throw new ServiceError(
      'invalid_argument',
      `HTTP metadata is Latin-1 text under the name of a header that is not the transport's own, unlike ${own.join(', ')}`,
    )
  return Object.fromEntries(refused.length === 0 ? entries : entries.filter(([name]) => !refused.includes(name)))
}

/** What a call still has of its time, as a header; none for a call without a deadline. */
export function writeDeadline(remainingMs: number | undefined): Readonly<Record<string, string>> {
  if (remainingMs === undefined) return {}
  return { [timeoutHeader]: String(Math.min(longestTimeoutMs, Math.max(1, Math.ceil(remainingMs)))) }
}

/** What 15 digits hold, which is what our server reads. */
const longestTimeoutMs = 999_999_999_999_999

const inherited: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage'])

function isCarried(name: string, value: string): boolean {
  return nameForm.test(name) && valueForm.test(value) && !reserved.has(name)
}

/** @see RFC 9110 section 5.1: a token, in lower case */
const nameForm = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
/** No space around it, which readers take off. @see RFC 9110 section 5.5 */
const valueForm = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/

/** Headers that say how a message is framed or read, or that belong to the connection. @see RFC 9110 section 7.6.1 */
const reserved: ReadonlySet<string> = new Set([
  'accept',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  timeoutHeader,
])
