import { ConfigError, givenOnly, optionCheck, type SetupProblem, toFound } from '@tenon/core/transport'
import type { SigningKeyStore } from './signing-key.ts'

/** Who issues access tokens, for whom, and for how long. */
export interface AccessTokenOptions {
  /** Who issues: `iss` of the tokens. */
  readonly issuer: string
  /** For whom: `aud` of the tokens, one of which a service that takes them must be. */
  readonly audience: string | readonly string[]
  /** Where the keys are kept. All instances that issue share them. */
  readonly keys: SigningKeyStore
  /**
   * How long a token is valid. Nothing takes one back before.
   *
   * @defaultValue 300_000, five minutes, a guess
   * @remarks Range 1_000–86_400_000
   */
  readonly lifetimeMs?: number
  /**
   * How long a key signs before another one does.
   *
   * @defaultValue 604_800_000, a week, a guess
   * @remarks Range 60_000–31_536_000_000
   */
  readonly keyLifetimeMs?: number
  /**
   * How long a new key is published before it signs: longer than anybody keeps keys without asking again.
   *
   * @defaultValue 3_600_000, an hour: six times what `jwtAuthenticator` keeps them
   * @remarks Range 1_000–86_400_000
   */
  readonly publishAheadMs?: number
  /** Time in epoch milliseconds, for tests. @defaultValue Date.now */
  readonly now?: () => number
}

export const accessTokenDefaults = Object.freeze({
  lifetimeMs: 300_000,
  keyLifetimeMs: 604_800_000,
  publishAheadMs: 3_600_000,
} satisfies Partial<AccessTokenOptions>)

export interface AccessTokenSettings extends Required<Omit<AccessTokenOptions, 'audience'>> {
  readonly audiences: readonly string[]
}

const check = optionCheck('accessTokens')

/** @throws ConfigError `config.malformed`, `config.out_of_range`; all problems at once. */
export function resolveAccessToken(options: AccessTokenOptions): AccessTokenSettings {
  const { audience, ...settings } = { ...accessTokenDefaults, now: Date.now, ...givenOnly(options) }
  const audiences = typeof audience === 'string' ? [audience] : audience
  const problems = [
    ...check.names(options, ['issuer', 'audience', 'keys', ...Object.keys(accessTokenDefaults), 'now']),
    ...checkTexts('issuer', [settings.issuer]),
    ...checkTexts('audience', audiences),
    ...check.integer('lifetimeMs', settings.lifetimeMs, { min: 1_000, max: 86_400_000 }),
    ...check.integer('keyLifetimeMs', settings.keyLifetimeMs, { min: 60_000, max: 31_536_000_000 }),
    ...check.integer('publishAheadMs', settings.publishAheadMs, { min: 1_000, max: 86_400_000 }),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({ ...settings, audiences })
}

function checkTexts(name: string, values: unknown): readonly SetupProblem[] {
  const isText = (value: unknown) => typeof value === 'string' && value !== ''
  if (Array.isArray(values) && values.length > 0 && values.every(isText)) return []
  return [check.malformed(`${name} must be a text, found ${toFound(values)}`)]
}
