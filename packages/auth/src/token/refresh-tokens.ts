import { createHash, randomBytes } from 'node:crypto'
import { ServiceError } from '@tenon/core'
import { ConfigError, givenOnly, optionCheck } from '@tenon/core/transport'
import type { IssuedToken } from './access-tokens.ts'
import type { RefreshTokenStore } from './refresh-token-store.ts'

/** Where refresh tokens are kept, and for how long they are valid. */
export interface RefreshTokenOptions {
  readonly store: RefreshTokenStore
  /**
   * How long a token is valid that is not used.
   *
   * @defaultValue 604_800_000, a week, a guess
   * @remarks Range 1_000–31_536_000_000
   */
  readonly lifetimeMs?: number
  /**
   * How long a login lasts, however often it is refreshed.
   *
   * @defaultValue 2_592_000_000, thirty days
   * @remarks Range 1_000–31_536_000_000
   * @see NIST SP 800-63B-4 section 2.1.3: log in anew after no more than 30 days
   */
  readonly maxAgeMs?: number
  /** Time in epoch milliseconds, for tests. @defaultValue Date.now */
  readonly now?: () => number
}

export const refreshTokenDefaults = Object.freeze({
  lifetimeMs: 604_800_000,
  maxAgeMs: 2_592_000_000,
} satisfies Partial<RefreshTokenOptions>)

/** Issues refresh tokens, each of which is good for one use. */
export interface RefreshTokens {
  /** The first token of a login. */
  issue(subject: string): Promise<IssuedToken>
  /**
   * Takes a token, and gives the one that is valid from now on. A token that comes a second time was stolen, or its thief was first: then no token
   * of its login is valid any more. Of two uses at once one gets a token, and that token is not valid either.
   *
   * @param prepare Makes what goes out beside it, such as an access token, before the token is used up: where that fails, its owner can try again.
   * @throws ServiceError `unauthenticated` with the reason `invalid_token`, whatever is wrong; its cause says what. What `prepare` throws
   */
  refresh<Prepared = undefined>(
    token: string,
    prepare?: (subject: string) => Promise<Prepared>,
  ): Promise<RefreshedToken<Prepared>>
  /** Ends the login of a token. Says nothing of whether there was one. */
  revoke(token: string): Promise<void>
  /** Forgets logins that are over. Call it now and then. */
  removeExpired(): Promise<void>
}

export interface RefreshedToken<Prepared = undefined> extends IssuedToken {
  readonly subject: string
  /** What was made beside it. */
  readonly prepared: Prepared
}

type RefreshTokenSettings = Required<RefreshTokenOptions>

const check = optionCheck('refreshTokens')

/**
 * Issues opaque tokens of 256 random bits, of which hashes are kept.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range`
 * @see RFC 9700 section 4.14.2: rotation, and what a replay means
 */
export function refreshTokens(options: RefreshTokenOptions): RefreshTokens {
  const settings = { ...refreshTokenDefaults, now: Date.now, ...givenOnly(options) }
  const range = { min: 1_000, max: 31_536_000_000 }
  const problems = [
    ...check.names(options, ['store', ...Object.keys(refreshTokenDefaults), 'now']),
    ...check.integer('lifetimeMs', settings.lifetimeMs, range),
    ...check.integer('maxAgeMs', settings.maxAgeMs, range),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return new RotatingTokens(settings)
}

class RotatingTokens implements RefreshTokens {
  readonly #settings: RefreshTokenSettings

  constructor(settings: RefreshTokenSettings) {
    this.#settings = settings
  }

  async issue(subject: string): Promise<IssuedToken> {
    const { maxAgeMs, now, store } = this.#settings
    const endsAt = now() + maxAgeMs
    const id = randomBytes(16).toString('base64url')
    const { token, ...next } = this.#next(id, endsAt)
    await store.add({ id, subject, ...next, endsAt })
    return { token, expiresAt: next.expiresAt }
  }

  async refresh<Prepared>(
    token: string,
    prepare?: (subject: string) => Promise<Prepared>,
  ): Promise<RefreshedToken<Prepared>> {
    const { now, store } = this.#settings
    const familyId = familyOf(token)
    if (familyId === undefined) throw invalid('what is shown has not the form of a refresh token')
    const family = await store.find(familyId)
    if (family === undefined) throw invalid('the login of the refresh token is over')
    if (family.expiresAt <= now()) throw invalid('the refresh token has expired')
    const prepared = (await prepare?.(family.subject)) as Prepared
    const { token: nextToken, ...next } = this.#next(familyId, family.endsAt)
    if (!(await store.replace(familyId, hashOf(token), next))) {
      await store.remove(familyId)
      throw invalid(`a refresh token of ${family.subject} was used before: the login is revoked`)
    }
    return { subject: family.subject, token: nextToken, expiresAt: next.expiresAt, prepared }
  }

  async revoke(token: string): Promise<void> {
    const familyId = familyOf(token)
    if (familyId !== undefined) await this.#settings.store.remove(familyId)
  }

  removeExpired(): Promise<void> {
    const { now, store } = this.#settings
    return store.removeExpired(now())
  }

  #next(familyId: string, endsAt: number) {
    const { lifetimeMs, now } = this.#settings
    const token = `${familyId}.${randomBytes(32).toString('base64url')}`
    return { token, tokenHash: hashOf(token), expiresAt: Math.min(now() + lifetimeMs, endsAt) }
  }
}

/** The login that a token belongs to, which only its tokens name, and 256 bits by chance. */
function familyOf(token: string): string | undefined {
  return /^([\w-]{22})\.[\w-]{43}$/.exec(token)?.[1]
}

/** One round is enough: of 256 bits by chance there is nothing to try. Looking the hash up tells by its time nothing of the token. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** @param why For operators. Must hold nothing of the token. */
function invalid(why: string): ServiceError {
  return new ServiceError('unauthenticated', 'the refresh token is not valid', {
    reason: 'invalid_token',
    cause: new Error(why),
  })
}
