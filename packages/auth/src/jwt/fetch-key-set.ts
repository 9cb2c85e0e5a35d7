import { isRecord } from '@tenon/core/transport'
import { readText } from '../endpoint/read-text.ts'
import type { JwksSettings } from './jwks-options.ts'
import type { JsonWebKeySet } from './jwt-options.ts'

/** A guess: hundreds of keys. */
const maxSetBytes = 262_144

/**
 * Asks the one address that was configured for its keys. Redirects are not followed, and no more is read than a set of keys can have.
 *
 * @throws Error for anything else than a set of keys that comes in time
 */
export async function fetchKeySet({ url, timeoutMs, fetch }: JwksSettings): Promise<JsonWebKeySet> {
  const reply = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (reply.status !== 200 || reply.body === null) {
    await reply.body?.cancel()
    throw new Error(`the server of keys answered with status ${reply.status}`)
  }
  const found: unknown = JSON.parse(await readText(reply.body, maxSetBytes))
  if (isKeySet(found)) return found
  throw new Error('the server of keys answered with something else than a set of keys')
}

/** @see RFC 7517 section 5 */
export function isKeySet(value: unknown): value is JsonWebKeySet {
  return isRecord(value) && Array.isArray(value['keys']) && value['keys'].every(isRecord)
}
