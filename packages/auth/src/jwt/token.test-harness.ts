import type { Authenticator } from '@tenon/core'
import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose'
import type { JsonWebKeySet } from './jwt-options.ts'

export const issuer = 'https://id.example'
export const audience = 'shop'
/** What the calendar says in tests, in epoch milliseconds. */
export const nowMs = 1_790_000_000_000
const nowSeconds = nowMs / 1000

/** A pair of keys of an issuer. */
export async function keyPair(kid: string, alg = 'ES256') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return { kid, alg, privateKey, jwk, publicKey }
}

export type KeyPair = Awaited<ReturnType<typeof keyPair>>

export const setOf = (...pairs: readonly KeyPair[]): JsonWebKeySet => ({ keys: pairs.map(({ jwk }) => jwk) })

/** A token that is right but for what is given; undefined takes a claim away. */
export function sign(
  { kid, alg, privateKey }: Pick<KeyPair, 'kid' | 'alg' | 'privateKey'>,
  claims: Readonly<Record<string, unknown>> = {},
  head: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  const payload = { iss: issuer, aud: audience, sub: 'ada', exp: nowSeconds + 600, ...claims }
  return new SignJWT(payload).setProtectedHeader({ kid, alg, ...head }).sign(privateKey)
}

/** A token as somebody writes it who has no key. */
export function forge(head: object, claims: object, signature = 'AAAA'): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(head)}.${part(claims)}.${signature}`
}

/** Asks an authenticator about a call with a header. */
export async function ask(authenticate: Authenticator, metadata: Readonly<Record<string, string>>) {
  return authenticate({ transport: 'test', metadata })
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
