import type { Principal, Secret } from '@tenon/core'
import { ConfigError, givenOnly, isRecord, optionCheck, type SetupProblem, toFound } from '@tenon/core/transport'
import { type AuthClock, systemClock } from '../clock.ts'
import { checkHeader } from '../check-header.ts'
import { isKeySet } from './fetch-key-set.ts'
import { checkJwks, type JwksOptions, type JwksSettings, toJwksSettings } from './jwks-options.ts'

/** Signs with a private key, which whoever verifies does not have. @see RFC 7518 section 3.1, RFC 8037, RFC 9864 */
export type PublicKeyAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519'

/** Signs with a secret that signer and verifier share. @see RFC 7518 section 3.2 */
export type SecretAlgorithm = 'HS256' | 'HS384' | 'HS512'

/** Public keys as JSON. @see RFC 7517 */
export interface JsonWebKeySet {
  readonly keys: readonly Readonly<Record<string, unknown>>[]
}

/** What a verified token says. @see RFC 7519 section 4.1 */
export interface TokenClaims {
  readonly iss?: string
  readonly sub?: string
  readonly aud?: string | string[]
  readonly jti?: string
  /** In epoch seconds. */
  readonly exp?: number
  /** In epoch seconds. */
  readonly nbf?: number
  /** In epoch seconds. */
  readonly iat?: number
  readonly [name: string]: unknown
}

/** Which tokens are believed, and what they say of their caller. Exactly one of `jwks`, `keys` and `secret` is needed. */
export interface JwtOptions {
  /** Whose tokens are believed: what `iss` must be. Subjects of several are told apart by nothing but `principal`, which is then needed. */
  readonly issuer: string | readonly string[]
  /** For whom tokens must be: one of these is in `aud`. */
  readonly audience: string | readonly string[]
  /** With which algorithms tokens may be signed. With `secret` only `HS…`, otherwise none of these: a public key is no secret. */
  readonly algorithms: readonly (PublicKeyAlgorithm | SecretAlgorithm)[]
  /** Where the issuer publishes its keys, which may change while the service runs. */
  readonly jwks?: string | URL | JwksOptions
  /** The issuer's public keys, where they never change. */
  readonly keys?: JsonWebKeySet
  /** What the issuer signs with and has given to this service; at least as long as the hash: 32 bytes for `HS256`. */
  readonly secret?: Secret | string | Uint8Array
  /** What `typ` of a token's head must be, such as `at+jwt`, so that no other kind of the issuer's tokens passes. @defaultValue anything @see RFC 8725 section 3.11 */
  readonly type?: string
  /** How far the clocks of issuer and service may differ. @defaultValue 5_000, a guess @remarks Range 0–300_000 */
  readonly clockToleranceMs?: number
  /** The name of the metadata with the token, in lower case. In `authorization` the scheme `Bearer` stands before it, elsewhere nothing. @defaultValue authorization */
  readonly header?: string
  /** Longest token that is looked at. @defaultValue 8_192, a guess: Node takes 16 KiB for all headers @remarks Range 256–65_536 */
  readonly maxTokenBytes?: number
  /**
   * Who the claims of a verified token say calls. Undefined refuses the token; what it throws is `internal`, unless it is a `ServiceError`.
   *
   * @defaultValue `sub` as id, `roles` where it is a list, the words of `scope` as scopes, and all claims
   */
  readonly principal?: (claims: TokenClaims) => Principal | undefined | Promise<Principal | undefined>
  /** Time, for tests. */
  readonly clock?: AuthClock
}

export const jwtDefaults = Object.freeze({
  clockToleranceMs: 5_000,
  header: 'authorization',
  maxTokenBytes: 8_192,
} satisfies Partial<JwtOptions>)

export type TokenKeys =
  | { readonly kind: 'jwks'; readonly jwks: JwksSettings }
  | { readonly kind: 'keys'; readonly keys: JsonWebKeySet }
  | { readonly kind: 'secret'; readonly secret: Uint8Array }

export interface JwtSettings {
  readonly issuers: readonly string[]
  readonly audiences: readonly string[]
  readonly algorithms: readonly string[]
  readonly keys: TokenKeys
  readonly type: string | undefined
  readonly clockToleranceMs: number
  readonly header: string
  readonly maxTokenBytes: number
  readonly principal: JwtOptions['principal']
  readonly clock: AuthClock
}

const check = optionCheck('jwtAuthenticator')

const names: Readonly<Record<keyof JwtOptions, true>> = {
  issuer: true,
  audience: true,
  algorithms: true,
  jwks: true,
  keys: true,
  secret: true,
  type: true,
  clockToleranceMs: true,
  header: true,
  maxTokenBytes: true,
  principal: true,
  clock: true,
}

const publicKeyAlgorithms: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] satisfies readonly PublicKeyAlgorithm[]

/** Shortest secret for each, in bytes. @see RFC 7518 section 3.2: as long as the hash */
const secretBytes: Readonly<Record<string, number>> = {
  HS256: 32,
  HS384: 48,
  HS512: 64,
} satisfies Readonly<Record<SecretAlgorithm, number>>

/** @throws ConfigError `config.malformed`, `config.out_of_range`; all problems at once. */
export function resolveJwt(options: JwtOptions): JwtSettings {
  if (!isRecord(options))
    throw new ConfigError([check.malformed(`the options must be an object, found ${toFound(options)}`)])
  const given = givenOnly(options)
  const [keys, keyProblems] = resolveKeys(given)
  const { clockToleranceMs, header, maxTokenBytes } = { ...jwtDefaults, ...given }
  const problems = [
    ...check.names(options, Object.keys(names)),
    ...checkTexts('issuer', given.issuer),
    ...checkTexts('audience', given.audience),
    ...keyProblems,
    ...checkAlgorithms(given.algorithms, keys),
    ...checkText('type', given.type ?? 'at+jwt'),
    ...check.integer('clockToleranceMs', clockToleranceMs, { min: 0, max: 300_000 }),
    ...checkHeader(header, check),
    ...check.integer('maxTokenBytes', maxTokenBytes, { min: 256, max: 65_536 }),
    ...checkPrincipal(given),
  ]
  if (problems.length > 0 || keys === undefined) throw new ConfigError(problems)
  return Object.freeze({
    issuers: toList(given.issuer),
    audiences: toList(given.audience),
    algorithms: given.algorithms,
    keys,
    type: given.type,
    clockToleranceMs,
    header,
    maxTokenBytes,
    principal: given.principal,
    clock: given.clock ?? systemClock,
  })
}

function resolveKeys({ jwks, keys, secret }: JwtOptions): readonly [TokenKeys | undefined, readonly SetupProblem[]] {
  const givenCount = [jwks, keys, secret].filter((one) => one !== undefined).length
  if (givenCount !== 1)
    return [undefined, [check.malformed(`exactly one of jwks, keys and secret is needed, found ${givenCount}`)]]
  if (jwks !== undefined) {
    const settings = toJwksSettings(jwks)
    return [settings && { kind: 'jwks', jwks: settings }, checkJwks(jwks, settings, check)]
  }
  if (secret !== undefined) {
    const bytes = toBytes(secret)
    if (bytes) return [{ kind: 'secret', secret: bytes }, []]
    return [undefined, [check.malformed(`secret must be a text, a Secret or bytes, found ${toFound(secret)}`)]]
  }
  // A key that can sign does not belong to whoever verifies, and a secret is none that may be public.
  const isPublic = isKeySet(keys) && keys.keys.every((key) => key['d'] === undefined && key['kty'] !== 'oct')
  if (isPublic) return [{ kind: 'keys', keys }, []]
  return [undefined, [check.malformed('keys must be { keys: […] } with public keys as JSON Web Keys')]]
}

function toBytes(secret: Secret | string | Uint8Array): Uint8Array | undefined {
  if (secret instanceof Uint8Array) return secret
  if (typeof secret === 'string') return Buffer.from(secret)
  return isRecord(secret) && typeof secret['reveal'] === 'function' ? toBytes(secret.reveal()) : undefined
}

function checkAlgorithms(algorithms: unknown, keys: TokenKeys | undefined): readonly SetupProblem[] {
  if (!Array.isArray(algorithms) || algorithms.length === 0)
    return [check.malformed(`algorithms must be a list such as ['RS256'], found ${found(algorithms)}`)]
  if (keys === undefined) return []
  const choices = keys.kind === 'secret' ? Object.keys(secretBytes) : publicKeyAlgorithms
  const what = keys.kind === 'secret' ? 'secret' : 'public keys'
  return algorithms.flatMap((name: unknown) => {
    if (typeof name !== 'string' || !choices.includes(name))
      return [check.malformed(`algorithms with ${what} may be ${choices.join(', ')}, found ${toFound(name)}`)]
    const minBytes = secretBytes[name] ?? 0
    if (keys.kind !== 'secret' || keys.secret.byteLength >= minBytes) return []
    return [check.outOfRange(`secret must have at least ${minBytes} bytes for ${name}`)]
  })
}

function checkTexts(name: string, value: unknown): readonly SetupProblem[] {
  const list = Array.isArray(value) ? value : [value]
  if (list.length === 0) return [check.malformed(`${name} must be a text or several, found an empty list`)]
  return list.flatMap((one) => checkText(name, one))
}

function checkText(name: string, value: unknown): readonly SetupProblem[] {
  if (typeof value === 'string' && value !== '') return []
  return [check.malformed(`${name} must be a text, found ${found(value)}`)]
}

function found(value: unknown): string {
  return value === undefined ? 'nothing' : toFound(value)
}

function checkPrincipal({ issuer, principal }: JwtOptions): readonly SetupProblem[] {
  if (principal === undefined && Array.isArray(issuer) && issuer.length > 1)
    return [check.malformed('principal is needed with several issuers, whose subjects may be the same')]
  if (principal === undefined || typeof principal === 'function') return []
  return [check.malformed(`principal must be a function, found ${toFound(principal)}`)]
}

function toList(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : [...value]
}
