import type { Metadata } from '../../call/call.ts'
import { ServiceError } from '../../error/service-error.ts'

/**
 * Metadata as its reader gets it. What no header could carry is refused here too, so that a call does not begin to fail where its
 * remote moves out of the process; of what was only inherited it is left out.
 *
 * @throws ServiceError `invalid_argument` for an entry that the caller set.
 */
export function toCarried(metadata: Metadata): Metadata {
  const carried: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(metadata)) {
    if (nameForm.test(name) && valueForm.test(value ?? '')) carried[name] = value
    else if (!inherited.has(name))
      throw new ServiceError('invalid_argument', `metadata is Latin-1 text under the name of a header, unlike ${name}`)
  }
  return carried
}

/** @see RFC 9110 section 5.1: a token, in lower case */
const nameForm = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
/** No space around it, which readers take off. @see RFC 9110 section 5.5 */
const valueForm = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/

const inherited: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage'])
