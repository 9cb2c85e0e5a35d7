import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose'
import type { SigningKey } from './signing-key.ts'

/** What every verifier knows, with small signatures. @see RFC 7518 section 3.1: ES256 is "Recommended+", EdDSA (RFC 8037) optional */
const algorithm = 'ES256'

export async function createSigningKey(createdAt: number): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = await exportJWK(privateKey)
  return Object.freeze({ id: await calculateJwkThumbprint(jwk), createdAt, privateKey: { ...jwk } })
}

/** What may be published of a key. Named one by one, so that the private part is never among it. */
export function publicKeyOf({ id, privateKey }: SigningKey): PublicSigningKey {
  const { x, y } = privateKey
  return { kty: 'EC', crv: 'P-256', x: String(x), y: String(y), kid: id, alg: algorithm, use: 'sig' }
}

/** A public key as a JSON Web Key. @see RFC 7517 section 4, RFC 7518 section 6.2 */
export interface PublicSigningKey {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
  readonly kid: string
  readonly alg: 'ES256'
  readonly use: 'sig'
}

/** @see RFC 9068 section 2.1: `typ`, so that no other kind of token passes for this one */
export async function signToken({ id, privateKey }: SigningKey, claims: JWTPayload): Promise<string> {
  const key = await importJWK({ ...privateKey, kty: 'EC' }, algorithm)
  return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: id, typ: 'at+jwt' }).sign(key)
}
