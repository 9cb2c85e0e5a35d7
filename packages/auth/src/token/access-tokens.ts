import { randomUUID } from 'node:crypto'
import type { Principal } from '@tenon/core'
import { type AccessTokenOptions, type AccessTokenSettings, resolveAccessToken } from './access-token-options.ts'
import { needsNewKey, retiredKeys, signingKeyOf } from './key-schedule.ts'
import { createSigningKey, type PublicSigningKey, publicKeyOf, signToken } from './token-signer.ts'

/** Issues access tokens that `jwtAuthenticator` and every other verifier of JSON Web Tokens believes. */
export interface AccessTokens {
  /**
   * A token that says who calls: `sub`, `roles`, and `scope` of the principal; its claims are left out.
   *
   * @throws Error for a principal without an id, and for a scope that would be several in a token
   */
  issue(principal: Principal): Promise<IssuedToken>
  /** The public keys by which tokens are verified, to be served as they are. @see RFC 7517 section 5 */
  keySet(): Promise<PublicKeySet>
  /** Makes a new key when it is time for one, and forgets those whose tokens have all expired. Call it at least once in `publishAheadMs`. */
  rotateKeys(): Promise<void>
}

export interface IssuedToken {
  readonly token: string
  /** In epoch milliseconds. */
  readonly expiresAt: number
}

export interface PublicKeySet {
  readonly keys: readonly PublicSigningKey[]
}

/**
 * Issues short-lived tokens, signed with ES256 by keys that take turns.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range`
 */
export function accessTokens(options: AccessTokenOptions): AccessTokens {
  return new SignedTokens(resolveAccessToken(options))
}

/** Characters of one scope. @see RFC 6749 section 3.3 */
const scopeForm = /^[\x21\x23-\x5b\x5d-\x7e]+$/

class SignedTokens implements AccessTokens {
  readonly #settings: AccessTokenSettings

  constructor(settings: AccessTokenSettings) {
    this.#settings = settings
  }

  async issue({ id, roles, scopes }: Principal): Promise<IssuedToken> {
    if (id === '') throw new Error('a token needs a principal with an id')
    if (scopes?.some((scope) => !scopeForm.test(scope)))
      throw new Error('a scope has a blank or another character in it')
    const { audiences, issuer, keys, lifetimeMs, now } = this.#settings
    const issuedAt = now()
    const key = signingKeyOf(await keys.list(), this.#settings, issuedAt) ?? (await this.#addKey(issuedAt))
    // Whole seconds, as tokens have them, so that what is told is what holds.
    const iat = Math.floor(issuedAt / 1000)
    const exp = iat + Math.floor(lifetimeMs / 1000)
    const claims = {
      iss: issuer,
      aud: audiences.length === 1 ? String(audiences[0]) : [...audiences],
      sub: id,
      iat,
      exp,
      jti: randomUUID(),
      ...(roles && { roles }),
      ...(scopes && { scope: scopes.join(' ') }),
    }
    return { token: await signToken(key, claims), expiresAt: exp * 1000 }
  }

  async keySet(): Promise<PublicKeySet> {
    return { keys: (await this.#settings.keys.list()).map(publicKeyOf) }
  }

  async rotateKeys(): Promise<void> {
    const { keys, now } = this.#settings
    const [known, at] = [await keys.list(), now()]
    if (needsNewKey(known, this.#settings, at)) await this.#addKey(at)
    for (const { id } of retiredKeys(known, this.#settings, at)) await keys.remove(id)
  }

  async #addKey(createdAt: number) {
    const key = await createSigningKey(createdAt)
    await this.#settings.keys.add(key)
    return key
  }
}
