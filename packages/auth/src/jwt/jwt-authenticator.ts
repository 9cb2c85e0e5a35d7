import type { Authenticator, Principal } from '@tenon/core'
import { invalidCredential } from '../invalid-credential.ts'
import { knownOtherwise } from '../remote/caller-token.ts'
import { type JwtOptions, type JwtSettings, resolveJwt, type TokenClaims } from './jwt-options.ts'
import { readToken } from './read-token.ts'
import { RemoteKeys } from './remote-keys.ts'
import { type FindKey, keysOf, secretOf, verifyToken } from './token-verifier.ts'

/**
 * Knows callers by a JSON Web Token that an issuer has signed for this service: over HTTP and gRPC in the header `authorization`, and in that of
 * messages. One without a token of this kind is passed on.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range`; from the authenticator, ServiceError `unauthenticated` with the reason
 * `invalid_token`, and `unavailable` with `keys_unavailable` where the issuer's keys cannot be had
 */
export function jwtAuthenticator(options: JwtOptions): Authenticator {
  const settings = resolveJwt(options)
  const findKey = finderOf(settings)
  const { principal: principalOf = defaultPrincipal } = settings
  return async ({ metadata }) => {
    const token = readToken(metadata, settings)
    if (token === undefined) return undefined
    const principal = await principalOf(await verifyToken(token, findKey, settings))
    if (principal === undefined) throw invalidCredential('invalid_token', 'the claims name nobody who may call')
    return settings.header === 'authorization' ? principal : knownOtherwise(principal)
  }
}

function finderOf({ keys, clock }: JwtSettings): FindKey {
  if (keys.kind === 'jwks') return new RemoteKeys(keys.jwks, clock).find
  return keys.kind === 'keys' ? keysOf(keys.keys) : secretOf(keys.secret)
}

/** @see RFC 9068 section 2.2 (sub, scope, roles); RFC 8693 section 4.2: scope is one text */
function defaultPrincipal(claims: TokenClaims): Principal | undefined {
  const { sub, scope } = claims
  if (sub === undefined || sub === '') return undefined
  const roles = claims['roles']
  return {
    id: sub,
    ...(isTexts(roles) && { roles }),
    ...(typeof scope === 'string' && { scopes: scope.split(' ').filter((word) => word !== '') }),
    claims,
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}
