import type { Deprecation } from '@tenon/core/contract'
import type { Outcome } from '@tenon/core/transport'

/** Adds what replies say of the end of their operation to the headers a handler set. */
export type AddNotice = (outcome: Outcome) => Outcome

/**
 * Decides at boot what is said; undefined where there is nothing to say. An operation that is deprecated since an unknown day
 * says so in documents only, because the header is a date.
 *
 * @see RFC 9745 section 2.1 (`@` and seconds) and 3 (`rel="deprecation"`), RFC 8594 section 3 (an HTTP date)
 */
export function compileNotice(deprecation: Deprecation | undefined): AddNotice | undefined {
  if (deprecation === undefined) return undefined
  const { deprecatedAt, sunsetAt, link } = deprecation
  const dates: Readonly<Record<string, string>> = {
    ...(deprecatedAt !== undefined && { deprecation: `@${Math.floor(deprecatedAt / 1000)}` }),
    ...(sunsetAt !== undefined && { sunset: new Date(sunsetAt).toUTCString() }),
  }
  const links = link === undefined ? [] : [`<${link}>; rel="deprecation"`]
  if (Object.keys(dates).length === 0 && links.length === 0) return undefined
  return (outcome) =>
    withHeaders(outcome, (headers) => {
      const all = headers?.['link'] === undefined ? links : [...links, headers['link']]
      return { ...headers, ...dates, ...(all.length > 0 && { link: all.join(', ') }) }
    })
}

type AddHeaders = (headers: Outcome['headers']) => Record<string, string>

function withHeaders(outcome: Outcome, add: AddHeaders): Outcome {
  if (!outcome.ok) {
    const { error, callId, trailers } = outcome
    return { ok: false, error, callId, headers: add(outcome.headers), trailers }
  }
  const { value } = outcome
  return {
    ok: true,
    value,
    // Made when it is read.
    get callId() {
      return outcome.callId
    },
    // The handler of a stream sets headers when its first item is asked for.
    get headers() {
      return add(outcome.headers)
    },
    get trailers() {
      return outcome.trailers
    },
  }
}
