import type { Secret } from '@tenon/core'
import { ConfigError, givenOnly, isRecord, type OptionCheck, type OptionRange, toFound } from '@tenon/core/transport'
import { type AuthClock, systemClock } from '../clock.ts'
import { checkUrl } from '../endpoint/check-url.ts'

/** Where tokens for remotes come from, and which are asked for. */
export interface TokenEndpointOptions {
  /**
   * The token endpoint of the authorization server. Redirects are not followed.
   *
   * @remarks `https:`, or `http:` on a loopback address
   * @throws ConfigError `config.malformed`
   */
  readonly tokenEndpoint: string | URL
  /** As whom the service asks. */
  readonly clientId: string
  /** Proves it, by `client_secret_basic`. @see RFC 6749 section 2.3.1 */
  readonly clientSecret: Secret | string
  /** For whom tokens shall be. @defaultValue what the server says */
  readonly audience?: string
  /** What tokens shall allow, as words with spaces between. @defaultValue what the server says */
  readonly scope?: string
  /** Whether `http:` may lead elsewhere than to this host: whoever is on the way can then read secret and tokens. @defaultValue false */
  readonly allowHttp?: boolean
  /** Whether tokens may go over connections without TLS to other hosts: whoever is on the way can then use them. @defaultValue false */
  readonly allowPlaintext?: boolean
  /** How long before its end a token is asked for anew; never more than half of its life. @defaultValue 30_000, a guess @remarks Range 0–3_600_000 */
  readonly renewBeforeMs?: number
  /** Most tokens that are kept, one for each caller's token; those that were not used for longest go first. @defaultValue 1_000, a guess @remarks Range 1–100_000 */
  readonly maxEntryCount?: number
  /** Longest time for a request, whoever waits for it. @defaultValue 5_000, as for keys @remarks Range 1–60_000 */
  readonly timeoutMs?: number
  /** Makes the request, for a proxy or an authority of your own. @defaultValue `fetch` of Node */
  readonly fetch?: typeof globalThis.fetch
  /** Time, for tests. */
  readonly clock?: AuthClock
}

export const tokenEndpointDefaults = Object.freeze({
  allowHttp: false,
  allowPlaintext: false,
  renewBeforeMs: 30_000,
  maxEntryCount: 1_000,
  timeoutMs: 5_000,
} satisfies Partial<TokenEndpointOptions>)

export interface TokenEndpointSettings {
  readonly url: URL
  /** The value of `authorization` in requests for tokens. */
  readonly authorization: () => string
  /** What every request asks for. */
  readonly asked: Readonly<Record<string, string>>
  readonly allowPlaintext: boolean
  readonly renewBeforeMs: number
  readonly maxEntryCount: number
  readonly timeoutMs: number
  readonly fetch: typeof globalThis.fetch
  readonly clock: AuthClock
}

const names: Readonly<Record<keyof TokenEndpointOptions, true>> = {
  tokenEndpoint: true,
  clientId: true,
  clientSecret: true,
  audience: true,
  scope: true,
  allowHttp: true,
  allowPlaintext: true,
  renewBeforeMs: true,
  maxEntryCount: true,
  timeoutMs: true,
  fetch: true,
  clock: true,
}

const ranges = {
  renewBeforeMs: { min: 0, max: 3_600_000 },
  maxEntryCount: { min: 1, max: 100_000 },
  timeoutMs: { min: 1, max: 60_000 },
} as const satisfies Partial<Record<keyof TokenEndpointOptions, OptionRange>>

/** @throws ConfigError `config.malformed`, `config.out_of_range`; all problems at once. */
export function resolveTokenEndpoint(options: TokenEndpointOptions, check: OptionCheck): TokenEndpointSettings {
  if (!isRecord(options))
    throw new ConfigError([check.malformed(`the options must be an object, found ${toFound(options)}`)])
  const given = { fetch: globalThis.fetch, clock: systemClock, ...tokenEndpointDefaults, ...givenOnly(options) }
  const { tokenEndpoint, clientId, clientSecret, audience, scope, allowHttp, fetch } = given
  const url = URL.parse(String(tokenEndpoint))
  const isSecretGiven = typeof clientSecret === 'string' ? clientSecret !== '' : isHidden(clientSecret)
  const problems = [
    ...check.names(options, Object.keys(names)),
    ...(url
      ? checkUrl(url, { name: 'tokenEndpoint', allowHttp }, check)
      : [check.malformed(`tokenEndpoint must be an address, found ${toFound(tokenEndpoint)}`)]),
    ...checkText('clientId', clientId, check),
    // Never with what was found.
    ...(isSecretGiven ? [] : [check.malformed('clientSecret must be a text or a Secret')]),
    ...(audience === undefined ? [] : checkText('audience', audience, check)),
    ...(scope === undefined ? [] : checkText('scope', scope, check)),
    ...check.boolean('allowHttp', allowHttp),
    ...check.boolean('allowPlaintext', given.allowPlaintext),
    ...Object.entries(ranges).flatMap(([name, range]) => check.integer(name, Reflect.get(given, name), range)),
    ...(typeof fetch === 'function' ? [] : [check.malformed(`fetch must be a function, found ${toFound(fetch)}`)]),
  ]
  if (problems.length > 0 || url === null) throw new ConfigError(problems)
  const { allowPlaintext, renewBeforeMs, maxEntryCount, timeoutMs, clock } = given
  return Object.freeze({
    url,
    authorization: () => basic(clientId, typeof clientSecret === 'string' ? clientSecret : clientSecret.reveal()),
    asked: Object.freeze({ ...(audience !== undefined && { audience }), ...(scope !== undefined && { scope }) }),
    allowPlaintext,
    renewBeforeMs,
    maxEntryCount,
    timeoutMs,
    fetch,
    clock,
  })
}

function isHidden(value: unknown): boolean {
  return isRecord(value) && typeof value['reveal'] === 'function'
}

function checkText(name: string, value: unknown, check: OptionCheck) {
  if (typeof value === 'string' && value !== '') return []
  return [check.malformed(`${name} must be a text, found ${value === undefined ? 'nothing' : toFound(value)}`)]
}

/** @see RFC 6749 section 2.3.1: both are written as in a form before they are joined */
function basic(id: string, secret: string): string {
  const written = [id, secret].map((text) => new URLSearchParams({ '': text }).toString().slice(1))
  return `Basic ${Buffer.from(written.join(':')).toString('base64')}`
}
