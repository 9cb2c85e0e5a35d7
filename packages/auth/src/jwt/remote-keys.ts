import { currentCall, type Logger, ServiceError } from '@tenon/core'
import type { AuthClock } from '../clock.ts'
import { fetchKeySet } from './fetch-key-set.ts'
import type { JwksSettings } from './jwks-options.ts'
import { type FindKey, isUnknownKey, keysOf } from './token-verifier.ts'

/** How soon a failed request is followed by another, where a call needs one. A guess: what is away for a moment is back then. */
const retryDelayMs = 1_000

/**
 * The keys that an issuer publishes: asked for when a token first needs them, kept, and asked for again when they are old or a token names one
 * that is not among them. There is never more than one request under way.
 */
export class RemoteKeys {
  readonly #settings: JwksSettings
  readonly #clock: AuthClock
  #known: FindKey | undefined
  /** On the clock that nobody sets. */
  #fetchedAtMs = Number.NEGATIVE_INFINITY
  #askedAtMs = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined
  /** Since when it cannot be had any more: what came of the last request. */
  #failure: unknown

  constructor(settings: JwksSettings, clock: AuthClock) {
    this.#settings = settings
    this.#clock = clock
  }

  /**
   * Finds the key of a token.
   *
   * @throws ServiceError `unavailable` where nobody can say, because the keys cannot be had
   */
  readonly find: FindKey = async (header, token) => {
    const { cacheMs, cooldownMs } = this.#settings
    if (this.#ageMs > cacheMs) {
      const asking = this.#ask(retryDelayMs)
      // Old keys serve meanwhile: an issuer publishes a new one before it signs with it.
      if (this.#usable === undefined) await asking
    }
    const known = this.#usable ?? this.#refuse()
    try {
      return await known(header, token)
    } catch (error) {
      if (!isUnknownKey(error)) throw error
    }
    await this.#ask(cooldownMs)
    if (this.#failure !== undefined) return this.#refuse()
    return (this.#usable ?? this.#refuse())(header, token)
  }

  get #ageMs(): number {
    return this.#clock.elapsedMs() - this.#fetchedAtMs
  }

  get #usable(): FindKey | undefined {
    return this.#ageMs <= this.#settings.maxStaleMs ? this.#known : undefined
  }

  #refuse(): never {
    throw new ServiceError('unavailable', 'credentials cannot be checked at the moment', {
      reason: 'keys_unavailable',
      cause: this.#failure,
    })
  }

  /** Waits for the request that is under way, or makes one unless the last was less than so long ago. Never rejects. */
  async #ask(afterMs: number): Promise<void> {
    const now = this.#clock.elapsedMs()
    if (this.#asking === undefined && now - this.#askedAtMs >= afterMs) {
      this.#askedAtMs = now
      this.#asking = this.#fetch(currentCall()?.log).finally(() => (this.#asking = undefined))
    }
    await this.#asking
  }

  async #fetch(log: Logger | undefined): Promise<void> {
    const { url, maxStaleMs } = this.#settings
    try {
      this.#known = keysOf(await fetchKeySet(this.#settings))
      this.#fetchedAtMs = this.#clock.elapsedMs()
      if (this.#failure !== undefined) log?.info({ url: place(url) }, 'the keys of tokens can be fetched again')
      this.#failure = undefined
    } catch (error) {
      // Told once an outage, by the call that met it.
      if (this.#failure === undefined)
        log?.warn(
          { err: error, url: place(url), maxStaleMs },
          'the keys of tokens cannot be fetched; those that are known stay in use until they are too old',
        )
      this.#failure = error
    }
  }
}

/** Without a query, which may hold a key of its own. */
function place({ origin, pathname }: URL): string {
  return `${origin}${pathname}`
}
