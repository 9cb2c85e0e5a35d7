import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { ConfigError, optionCheck, toFound } from '@tenon/core/transport'

/** A key that was made: what its owner is given, once, and what is kept of it. */
export interface CreatedApiKey {
  /** `shop_1f0c…_9kQ…`: for its owner, who must keep it secret. It is kept nowhere. */
  readonly key: string
  /** What the key is found by. No secret: logs and lists may show it. */
  readonly id: string
  /** What is kept: SHA-256 of the key in hex. */
  readonly hash: string
}

/** The key in its parts: a prefix that says whose it is, the id, and 256 bits by chance. */
const keyForm = /^[a-z][a-z0-9]{0,15}_([0-9a-f]{16})_[\w-]{43}$/

/**
 * Makes a key that nobody can guess.
 *
 * @param prefix Says in logs and to scanners for leaked secrets whose keys these are: a word of lower-case letters and digits, at most 16.
 * @throws ConfigError `config.malformed` for another prefix
 */
export function createApiKey(prefix = 'key'): CreatedApiKey {
  if (!/^[a-z][a-z0-9]{0,15}$/.test(prefix)) {
    const { malformed } = optionCheck('createApiKey')
    throw new ConfigError([malformed(`prefix must be a word of letters and digits, found ${toFound(prefix)}`)])
  }
  const id = randomBytes(8).toString('hex')
  const key = `${prefix}_${id}_${randomBytes(32).toString('base64url')}`
  return Object.freeze({ key, id, hash: digest(key).toString('hex') })
}

/** The id of what may be a key; undefined for what cannot be one. */
export function apiKeyId(key: string): string | undefined {
  return keyForm.exec(key)?.[1]
}

/** Whether a key has a hash. Takes as long for a wrong one as for the right one. */
export function hasHash(key: string, hash: string): boolean {
  const kept = Buffer.from(hash, 'hex')
  const found = digest(key)
  return kept.length === found.length && timingSafeEqual(found, kept)
}

/** One round is enough: of 256 bits by chance there is nothing to try, and a slow hash would only make refusing wrong keys expensive. */
function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
