import { ConfigError, givenOnly, optionCheck } from '@tenon/core/transport'
import { computeScrypt, type Derive } from './compute-scrypt.ts'

/** What hashing a password costs, and how much of it happens at once. */
export interface PasswordOptions {
  /**
   * Base-2 logarithm of scrypt's cost in time and memory. One more doubles both; hashes of before stay valid and are told by `needsRehash`.
   *
   * @defaultValue 17: 128 MiB and about a third of a second
   * @remarks Range 10–20; below 17 for tests alone
   * @see OWASP Password Storage Cheat Sheet, scrypt: at least N=2^17, r=8, p=1
   */
  readonly costLog2?: number
  /**
   * How many hashes are computed at once. Each takes a thread of libuv's pool, which has four and serves files and DNS too, and its memory.
   *
   * @defaultValue 2
   * @remarks Range 1–64. Stay below UV_THREADPOOL_SIZE.
   * @see Node.js, "Don't block the event loop (or the worker pool)"
   */
  readonly maxRunningCount?: number
  /**
   * How many more wait for that. Any beyond are refused at once as `resource_exhausted`.
   *
   * @defaultValue 32, a guess: some five seconds
   * @remarks Range 0–10_000
   */
  readonly maxWaitingCount?: number
  /** Computes scrypt, for tests. */
  readonly derive?: Derive
}

export const passwordDefaults = Object.freeze({
  costLog2: 17,
  maxRunningCount: 2,
  maxWaitingCount: 32,
} satisfies PasswordOptions)

export type PasswordSettings = Required<PasswordOptions>

const check = optionCheck('passwordHasher')

/** @throws ConfigError `config.malformed`, `config.out_of_range`; all problems at once. */
export function resolvePassword(options: PasswordOptions): PasswordSettings {
  const settings = { ...passwordDefaults, derive: computeScrypt, ...givenOnly(options) }
  const { costLog2, maxRunningCount, maxWaitingCount } = settings
  const problems = [
    ...check.names(options, [...Object.keys(passwordDefaults), 'derive']),
    ...check.integer('costLog2', costLog2, { min: 10, max: 20 }),
    ...check.integer('maxRunningCount', maxRunningCount, { min: 1, max: 64 }),
    ...check.integer('maxWaitingCount', maxWaitingCount, { min: 0, max: 10_000 }),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(settings)
}
