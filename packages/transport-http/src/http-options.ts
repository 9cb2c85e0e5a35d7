import { ConfigError, type SetupProblem } from '@tenon/core/transport'
import type { FastifyInstance } from 'fastify'

export interface HttpOptions {
  /** @defaultValue 3000 @remarks Range 0–65_535; 0 for any free one. @throws ConfigError `config.out_of_range` */
  readonly port?: number
  /** @defaultValue the environment variable TENON_HOST, or 127.0.0.1 @throws ConfigError `config.malformed` */
  readonly host?: string
  /**
   * Largest request body; a larger one is answered 413 before it is read to its end.
   *
   * @defaultValue 1_048_576
   * @remarks Range 1–1_073_741_824
   * @throws ConfigError `config.out_of_range`
   */
  readonly bodyLimitBytes?: number
  /**
   * Longest time a caller may ask for with `x-request-timeout-ms`; a longer one is shortened to it.
   *
   * @defaultValue 3_600_000
   * @remarks Range 1–3_600_000, as `timeoutMs` of an operation.
   * @throws ConfigError `config.out_of_range`
   */
  readonly maxTimeoutMs?: number
  /**
   * Receives the native server before the routes are mounted: add Fastify plugins, hooks and routes that no contract describes.
   *
   * Outside our semantic versioning: what Fastify offers here changes with Fastify.
   */
  readonly configure?: (server: FastifyInstance) => void
}

/** What is used where an option is left out. */
export const httpDefaults = Object.freeze({
  port: 3000,
  host: '127.0.0.1',
  bodyLimitBytes: 1_048_576,
  maxTimeoutMs: 3_600_000,
} satisfies HttpOptions)

export interface HttpSettings {
  readonly port: number
  readonly host: string
  readonly bodyLimitBytes: number
  readonly maxTimeoutMs: number
  readonly configure: ((server: FastifyInstance) => void) | undefined
}

/** @throws ConfigError `config.out_of_range`, `config.malformed`; all problems at once. */
export function resolveHttpOptions(options: HttpOptions): HttpSettings {
  const settings: HttpSettings = Object.freeze({
    port: options.port ?? httpDefaults.port,
    host: options.host ?? httpDefaults.host,
    bodyLimitBytes: options.bodyLimitBytes ?? httpDefaults.bodyLimitBytes,
    maxTimeoutMs: options.maxTimeoutMs ?? httpDefaults.maxTimeoutMs,
    configure: options.configure,
  })
  const problems = [
    ...requireInteger('port', settings.port, { min: 0, max: 65_535 }),
    ...requireHost(settings.host),
    ...requireInteger('bodyLimitBytes', settings.bodyLimitBytes, { min: 1, max: 1_073_741_824 }),
    ...requireInteger('maxTimeoutMs', settings.maxTimeoutMs, { min: 1, max: 3_600_000 }),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

interface Range {
  readonly min: number
  readonly max: number
}

function requireInteger(name: string, value: number, { min, max }: Range): readonly SetupProblem[] {
  if (Number.isInteger(value) && value >= min && value <= max) return []
  const message = `httpTransport: ${name} must be a whole number from ${min} to ${max}, found ${String(value)}`
  return [{ code: 'config.out_of_range', message }]
}

function requireHost(host: string): readonly SetupProblem[] {
  if (typeof host === 'string' && /^\S+$/.test(host)) return []
  const message = `httpTransport: host must be a name or an address such as 127.0.0.1, found ${JSON.stringify(host)}`
  return [{ code: 'config.malformed', message }]
}
