import type { IncomingHttpHeaders } from 'node:http'
import type { JsonSchema } from '@tenon/core/contract'
import { compileTextReader } from '@tenon/core/transport'

/** Decides at boot how an input field is read from its cookie; undefined where there is none. */
export function compileCookieReader(name: string, schema: JsonSchema): (headers: IncomingHttpHeaders) => unknown {
  const read = compileTextReader(schema)
  return ({ cookie }) => {
    const text = cookie === undefined ? undefined : cookieOf(cookie, name)
    return text === undefined ? undefined : read(text)
  }
}

/**
 * The value of a cookie, percent-decoded where it is so encoded; of two with one name the first, whose path is the longer one.
 *
 * @see RFC 6265 section 4.2.1 on the form, 5.4 on the order
 */
export function cookieOf(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const end = pair.indexOf('=')
    if (end === -1 || pair.slice(0, end).trim() !== name) continue
    const value = pair.slice(end + 1).trim()
    return decode(/^".*"$/.test(value) ? value.slice(1, -1) : value)
  }
  return undefined
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // No rule says that a cookie is percent-encoded, so one that is not is taken as it is.
    return text
  }
}
