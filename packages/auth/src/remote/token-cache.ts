import { currentCall, type Logger, ServiceError } from '@tenon/core'
import { type GrantedToken, requestToken, TokenRefused } from './request-token.ts'
import type { TokenEndpointSettings } from './token-endpoint-options.ts'

/** How soon a failed request for a token is followed by another. A guess, as for keys. */
const retryDelayMs = 1_000

/** What is known of one key. Times are on the clock that nobody sets. */
interface Entry {
  issued?: { readonly token: string; readonly renewAtMs: number; readonly endsAtMs: number }
  asking?: Promise<string>
  failure?: unknown
  failedAtMs: number
}

/**
 * Tokens of an endpoint, each by the key of whom it was made for. For one key never more than one request is under way; a token is asked for anew before it
 * ends, and serves until then where that fails.
 */
export class TokenCache {
  readonly #settings: TokenEndpointSettings
  /** The one that was not used for longest comes first. */
  readonly #entries = new Map<string, Entry>()
  #isAway = false

  constructor(settings: TokenEndpointSettings) {
    this.#settings = settings
  }

  /**
   * The token of a key, from the form that asks for it.
   *
   * @throws ServiceError `unavailable` with the reason `token_unavailable` where the endpoint gives none, `permission_denied` with `token_refused` where it refuses to
   */
  async get(key: string, form: Readonly<Record<string, string>>): Promise<string> {
    const entry = this.#use(key)
    const now = this.#settings.clock.elapsedMs()
    const { issued } = entry
    if (issued && now < issued.renewAtMs) return issued.token
    try {
      return await this.#ask(entry, form)
    } catch (error) {
      if (issued && this.#settings.clock.elapsedMs() < issued.endsAtMs && !(error instanceof TokenRefused))
        return issued.token
      throw toCallError(error)
    }
  }

  #use(key: string): Entry {
    const entry = this.#entries.get(key) ?? { failedAtMs: Number.NEGATIVE_INFINITY }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#settings.maxEntryCount && oldest !== undefined) this.#entries.delete(oldest)
    return entry
  }

  async #ask(entry: Entry, form: Readonly<Record<string, string>>): Promise<string> {
    if (entry.asking === undefined) {
      if (this.#settings.clock.elapsedMs() - entry.failedAtMs < retryDelayMs) throw entry.failure
      entry.asking = this.#request(entry, form, currentCall()?.log).finally(() => delete entry.asking)
    }
    return entry.asking
  }

  async #request(entry: Entry, form: Readonly<Record<string, string>>, log: Logger | undefined): Promise<string> {
    const { clock } = this.#settings
    const askedAtMs = clock.elapsedMs()
    try {
      const issued = await requestToken(this.#settings, form)
      this.#keep(entry, issued, askedAtMs)
      this.#tell(log, undefined)
      return issued.token
    } catch (error) {
      entry.failure = error
      entry.failedAtMs = clock.elapsedMs()
      if (error instanceof TokenRefused) delete entry.issued
      else this.#tell(log, error)
      throw error
    }
  }

  #keep(entry: Entry, { token, lifeMs }: GrantedToken, askedAtMs: number): void {
    const early = Math.min(this.#settings.renewBeforeMs, lifeMs / 2)
    entry.issued = { token, renewAtMs: askedAtMs + lifeMs - early, endsAtMs: askedAtMs + lifeMs }
  }

  /** Once an outage, and once when it is over, by the call that met it. */
  #tell(log: Logger | undefined, failure: unknown): void {
    const { origin, pathname } = this.#settings.url
    const url = `${origin}${pathname}`
    if (failure !== undefined && !this.#isAway)
      log?.warn({ err: failure, url }, 'no tokens for remotes can be had; those that are known serve until they end')
    if (failure === undefined && this.#isAway) log?.info({ url }, 'tokens for remotes can be had again')
    this.#isAway = failure !== undefined
  }
}

function toCallError(cause: unknown): ServiceError {
  if (cause instanceof TokenRefused)
    return new ServiceError('permission_denied', 'no token is given for this call', { reason: 'token_refused', cause })
  return new ServiceError('unavailable', 'no token can be had at the moment', { reason: 'token_unavailable', cause })
}
