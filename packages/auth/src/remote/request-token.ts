import { isRecord } from '@tenon/core/transport'
import { readText } from '../endpoint/read-text.ts'
import type { TokenEndpointSettings } from './token-endpoint-options.ts'

/** A token as its endpoint gave it. */
export interface GrantedToken {
  readonly token: string
  /** How long it lives from when it was asked for; 0 where the endpoint does not say. */
  readonly lifeMs: number
}

/** What the endpoint has refused, and would again: no outage. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused'
}

/** A guess: many tokens. */
const maxReplyBytes = 65_536
/** As long as a header may well be. A guess: Node takes 16 KiB for all headers. */
const maxTokenLength = 12_288
/** @see RFC 6750 section 2.1: nothing that would end a header */
const tokenForm = /^[\w.~+/-]+=*$/
/** Statuses of 400 and more that say no word on the client: too late, too many. */
const passingStatuses: ReadonlySet<number> = new Set([408, 429])
/** Of a reply only its error code is told, and only where it has the form of one. @see RFC 6749 section 5.2 */
const errorForm = /^[a-z_]{1,40}$/

/**
 * Asks the endpoint for a token. Nothing that was sent or came back is in what it throws.
 *
 * @throws TokenRefused where the endpoint says no; Error for anything else than a bearer token that comes in time
 * @see RFC 6749 sections 4.4 and 5, RFC 8693 section 2
 */
export async function requestToken(
  { url, authorization, timeoutMs, fetch }: TokenEndpointSettings,
  form: Readonly<Record<string, string>>,
): Promise<GrantedToken> {
  const reply = await fetch(url, {
    method: 'POST',
    headers: { accept: 'application/json', authorization: authorization() },
    body: new URLSearchParams(form),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  const text = reply.body === null ? '' : await readText(reply.body, maxReplyBytes)
  const found = parse(text)
  if (reply.status === 200) return toToken(found, form['requested_token_type'])
  const isRefusal = reply.status >= 400 && reply.status < 500 && !passingStatuses.has(reply.status)
  const code = String(found['error'])
  const why = `the token endpoint answered with status ${reply.status}${errorForm.test(code) ? `, ${code}` : ''}`
  throw isRefusal ? new TokenRefused(why) : new Error(why)
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const found: unknown = JSON.parse(text)
    return isRecord(found) ? found : {}
  } catch {
    // Its message would quote what came.
    return {}
  }
}

function toToken(found: Readonly<Record<string, unknown>>, askedType: string | undefined): GrantedToken {
  const { access_token: token, token_type: type, issued_token_type: issuedType, expires_in: seconds = 0 } = found
  if (typeof token !== 'string' || token.length > maxTokenLength || !tokenForm.test(token))
    throw new Error('the token endpoint answered with something else than a token')
  if (String(type).toLowerCase() !== 'bearer') throw new Error('the token endpoint answered with no bearer token')
  if (askedType !== undefined && issuedType !== askedType)
    throw new Error('the token endpoint answered with another type of token than was asked for')
  const isExpired = 'expires_in' in found && !(typeof seconds === 'number' && seconds > 0)
  if (isExpired || typeof seconds !== 'number')
    throw new Error('the token endpoint answered with a token that has expired')
  return { token, lifeMs: seconds * 1000 }
}
