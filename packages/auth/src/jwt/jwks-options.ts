import {
  givenOnly,
  isRecord,
  type OptionCheck,
  type OptionRange,
  type SetupProblem,
  toFound,
} from '@tenon/core/transport'
import { checkUrl } from '../endpoint/check-url.ts'

/** Where an issuer publishes its keys, and how they are kept. */
export interface JwksOptions {
  /**
   * The address of the set of keys. Never taken from a token: `jku`, `x5u` and `jwk` of its head are not looked at, and redirects are not followed.
   *
   * @remarks `https:`, or `http:` on a loopback address
   * @throws ConfigError `config.malformed`
   */
  readonly url: string | URL
  /** Whether `http:` may lead elsewhere than to this host: whoever is on the way can then make keys. @defaultValue false */
  readonly allowHttp?: boolean
  /**
   * How old keys may be before they are asked for again, beside the calls. A key that is taken back is believed for as long.
   *
   * @defaultValue 600_000, ten minutes, as in jose
   * @remarks Range 1_000–86_400_000
   */
  readonly cacheMs?: number
  /**
   * Shortest time between requests that tokens with an unknown `kid` lead to, however many come. A key that was not published before it was used
   * is refused for as long.
   *
   * @defaultValue 30_000, as in jose
   * @remarks Range 1_000–3_600_000
   */
  readonly cooldownMs?: number
  /**
   * How long keys stay in use while the address does not answer. Then calls fail as `unavailable`.
   *
   * @defaultValue 86_400_000, one day, a guess: longer than outages, shorter than a stolen key is worth having
   * @remarks Range from `cacheMs` to 2_592_000_000
   */
  readonly maxStaleMs?: number
  /** Longest time for a request. @defaultValue 5_000, as in jose @remarks Range 1–60_000 */
  readonly timeoutMs?: number
  /** Makes the request, for a proxy or an authority of your own. @defaultValue `fetch` of Node */
  readonly fetch?: typeof globalThis.fetch
}

export const jwksDefaults = Object.freeze({
  allowHttp: false,
  cacheMs: 600_000,
  cooldownMs: 30_000,
  maxStaleMs: 86_400_000,
  timeoutMs: 5_000,
} satisfies Omit<JwksOptions, 'url' | 'fetch'>)

export interface JwksSettings extends Required<Omit<JwksOptions, 'url'>> {
  readonly url: URL
}

const ranges = {
  cacheMs: { min: 1_000, max: 86_400_000 },
  cooldownMs: { min: 1_000, max: 3_600_000 },
  timeoutMs: { min: 1, max: 60_000 },
} as const satisfies Partial<Record<keyof JwksOptions, OptionRange>>

/** The options with defaults filled in; whether they are right says `checkJwks`. */
export function toJwksSettings(given: string | URL | JwksOptions): JwksSettings | undefined {
  const options = isOptions(given) ? given : { url: given }
  const url = URL.parse(String(options.url))
  if (url === null) return undefined
  return Object.freeze({ fetch: globalThis.fetch, ...jwksDefaults, ...givenOnly(options), url })
}

/** What is wrong with the option `jwks`. */
export function checkJwks(
  given: string | URL | JwksOptions,
  settings: JwksSettings | undefined,
  check: OptionCheck,
): readonly SetupProblem[] {
  if (settings === undefined) return [check.malformed(`jwks must be an address, found ${toFound(given)}`)]
  const { allowHttp, fetch, url, cacheMs } = settings
  const names = ['url', 'allowHttp', 'cacheMs', 'cooldownMs', 'maxStaleMs', 'timeoutMs', 'fetch']
  return [
    ...(isOptions(given) ? check.names(given, names, 'jwks') : []),
    ...check.boolean('jwks.allowHttp', allowHttp),
    ...(typeof fetch === 'function' ? [] : [check.malformed(`jwks.fetch must be a function, found ${toFound(fetch)}`)]),
    ...checkUrl(url, { name: 'jwks', allowHttp }, check),
    ...Object.entries(ranges).flatMap(([name, range]) =>
      check.integer(`jwks.${name}`, Reflect.get(settings, name), range),
    ),
    ...check.integer('jwks.maxStaleMs', settings.maxStaleMs, { min: cacheMs, max: 2_592_000_000 }),
  ]
}

function isOptions(given: string | URL | JwksOptions): given is JwksOptions {
  return isRecord(given) && !(given instanceof URL)
}
