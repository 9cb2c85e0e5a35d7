import { createSecretKey } from 'node:crypto'
import { createLocalJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from 'jose'
import { invalidCredential } from '../invalid-credential.ts'
import type { JsonWebKeySet, JwtSettings, TokenClaims } from './jwt-options.ts'

/** Finds the key that a token must have been signed with, by what its head says. */
export type FindKey = JWTVerifyGetKey

/**
 * Finds public keys in a set, by `kid` and algorithm. A key of another kind than the algorithm needs, and a secret, is never found.
 *
 * @throws Error for what is no set of keys
 */
export function keysOf(set: JsonWebKeySet): FindKey {
  return createLocalJWKSet({ keys: [...set.keys] })
}

/** Finds the one secret. */
export function secretOf(secret: Uint8Array): FindKey {
  const key = createSecretKey(secret)
  return () => key
}

/** Whether no key of the set can have signed the token. */
export function isUnknownKey(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey
}

/**
 * The claims of a token that is what it says: signed by a key that was found, with an allowed algorithm, for us, by whom we believe, and in time.
 *
 * @throws ServiceError `unauthenticated` with the reason `invalid_token`; what `findKey` throws
 */
export async function verifyToken(
  token: string,
  findKey: FindKey,
  { issuers, audiences, algorithms, type, clockToleranceMs, clock }: JwtSettings,
): Promise<TokenClaims> {
  try {
    const { payload } = await jwtVerify(token, findKey, {
      issuer: [...issuers],
      audience: [...audiences],
      algorithms: [...algorithms],
      ...(type !== undefined && { typ: type }),
      requiredClaims: ['exp'],
      clockTolerance: clockToleranceMs / 1000,
      currentDate: new Date(clock.now()),
    })
    return payload
  } catch (error) {
    if (error instanceof errors.JOSEError) throw invalidCredential('invalid_token', whyOf(error))
    throw error
  }
}

/** The library's own words name claims and never their values; only what it does not support it names by the token's. */
function whyOf(error: errors.JOSEError): string {
  return error instanceof errors.JOSENotSupported ? 'the token asks for what is not supported' : error.message
}
