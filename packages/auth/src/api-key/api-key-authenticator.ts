import type { Authenticator, Principal } from '@tenon/core'
import { ConfigError, givenOnly, isRecord, optionCheck, type SetupProblem, toFound } from '@tenon/core/transport'
import { checkHeader } from '../check-header.ts'
import { invalidCredential } from '../invalid-credential.ts'
import { knownOtherwise } from '../remote/caller-token.ts'
import { apiKeyId, hasHash } from './api-key.ts'

/** What is kept of a key, and whose it is. */
export interface StoredApiKey {
  /** As `createApiKey` gave it. */
  readonly id: string
  /** As `createApiKey` gave it. */
  readonly hash: string
  readonly principal: Principal
  /** From when on it is refused, in epoch milliseconds. @defaultValue never */
  readonly expiresAt?: number
}

export interface ApiKeyOptions {
  /** The keys that are known, or what finds one by its id: undefined for none. What that throws is `internal`, unless it is a `ServiceError`. */
  readonly keys:
    | readonly StoredApiKey[]
    | ((id: string) => StoredApiKey | undefined | Promise<StoredApiKey | undefined>)
  /** The name of the metadata with the key, in lower case. @defaultValue x-api-key */
  readonly header?: string
  /** Time in epoch milliseconds, for tests. @defaultValue Date.now */
  readonly now?: () => number
}

export const apiKeyDefaults = Object.freeze({ header: 'x-api-key' } satisfies Partial<ApiKeyOptions>)

const check = optionCheck('apiKeyAuthenticator')
const hashForm = /^[0-9a-f]{64}$/

/**
 * Knows callers by a key that `createApiKey` made. One that shows none is passed on.
 *
 * @throws ConfigError `config.malformed`; from the authenticator, ServiceError `unauthenticated` with the reason `invalid_api_key`
 */
export function apiKeyAuthenticator(options: ApiKeyOptions): Authenticator {
  const { header, keys, now = Date.now } = { ...apiKeyDefaults, ...givenOnly(options) }
  const problems = [
    ...check.names(options, ['keys', 'header', 'now']),
    ...checkHeader(header, check),
    ...checkKeys(keys),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  const find = typeof keys === 'function' ? keys : finderIn(keys)
  return async ({ metadata }) => {
    const key = metadata[header]
    if (key === undefined) return undefined
    const id = apiKeyId(key)
    if (id === undefined) throw invalidCredential('invalid_api_key', 'what is shown has not the form of a key')
    const stored = await find(id)
    if (stored === undefined) throw invalidCredential('invalid_api_key', `there is no key ${id}`)
    if (!hasHash(key, stored.hash)) throw invalidCredential('invalid_api_key', `what is shown is not the key ${id}`)
    if (stored.expiresAt !== undefined && stored.expiresAt <= now())
      throw invalidCredential('invalid_api_key', `the key ${id} has expired`)
    return knownOtherwise(stored.principal)
  }
}

function finderIn(keys: readonly StoredApiKey[]): (id: string) => StoredApiKey | undefined {
  const byId = new Map(keys.map((key) => [key.id, key]))
  return (id) => byId.get(id)
}

function checkKeys(keys: unknown): readonly SetupProblem[] {
  if (typeof keys === 'function') return []
  if (!Array.isArray(keys))
    return [check.malformed(`keys must be a list of keys or a function that finds one, found ${toFound(keys)}`)]
  return keys.flatMap((key: unknown, index) => {
    const isRight = isRecord(key) && typeof key['id'] === 'string' && hashForm.test(String(key['hash']))
    if (isRight && isRecord(key['principal'])) return []
    return [check.malformed(`keys[${index}] must have id and hash as createApiKey gives them, and a principal`)]
  })
}
