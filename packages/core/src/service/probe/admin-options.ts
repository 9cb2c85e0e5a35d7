import { toFound } from '../../error/given-value.ts'
import { ConfigError, type SetupProblem } from '../../error/setup-error.ts'
import { isSecret, type Secret } from '../config/secret.ts'
import { AdminToken } from './admin-token.ts'

export interface AdminOptions {
  /** 0 for any free one. @defaultValue 9000 @remarks Range 0–65_535 @throws ConfigError `config.out_of_range` */
  readonly port?: number
  /** @defaultValue the environment variable TENON_HOST, or 127.0.0.1 */
  readonly host?: string
  /**
   * What `/info` and `?verbose` ask for, as `Authorization: Bearer …`: a setting wrapped in `secret()`. Probes are answered
   * without it, and say no more than whether they pass. Only with a token are probes on the HTTP transport ever verbose.
   *
   * @defaultValue none: who reaches the admin port may see all of it
   * @remarks 16 or more letters, digits or any of `-._~+/`
   * @throws ConfigError `config.malformed`
   * @see RFC 6750 section 2.1
   */
  readonly token?: string | Secret | undefined
}

/** What is used where an option is left out. */
export const adminDefaults = Object.freeze({ port: 9000, host: '127.0.0.1' } satisfies AdminOptions)

export interface AdminSettings {
  readonly port: number
  readonly host: string
  readonly token: AdminToken | undefined
}

/** @throws ConfigError `config.out_of_range`, `config.malformed`; all problems at once, and never the token. */
export function resolveAdmin({
  port = adminDefaults.port,
  host = adminDefaults.host,
  token,
}: AdminOptions): AdminSettings {
  const shown: unknown = isSecret(token) ? token.reveal() : token
  const problems = [...checkPort(port), ...checkToken(shown)]
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({ port, host, token: typeof shown === 'string' ? new AdminToken(shown) : undefined })
}

function checkPort(port: unknown): readonly SetupProblem[] {
  if (Number.isInteger(port) && Number(port) >= 0 && Number(port) <= 65_535) return []
  return [{ code: 'config.out_of_range', message: `admin.port must be from 0 to 65535, found ${toFound(port)}` }]
}

function checkToken(token: unknown): readonly SetupProblem[] {
  if (token === undefined || (typeof token === 'string' && tokenForm.test(token))) return []
  const message = `admin.token must be ${leastLength} or more letters, digits or any of -._~+/, as Authorization: Bearer carries it`
  return [{ code: 'config.malformed', message }]
}

/** A guess: nobody tries them all. */
const leastLength = 16

/** @see RFC 6750 section 2.1 */
const tokenForm = new RegExp(`^(?=.{${leastLength},}$)[A-Za-z0-9._~+/-]+=*$`)
