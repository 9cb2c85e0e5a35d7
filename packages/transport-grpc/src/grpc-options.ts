import { ConfigError, type SetupProblem } from '@tenon/core/transport'

export interface GrpcOptions {
  /** @defaultValue 50051 @remarks Range 0–65_535; 0 for any free one. @throws ConfigError `config.out_of_range` */
  readonly port?: number
  /** @defaultValue the environment variable TENON_HOST, or 127.0.0.1 @throws ConfigError `config.malformed` */
  readonly host?: string
  /**
   * Largest message that is accepted; a larger one is answered RESOURCE_EXHAUSTED.
   *
   * @defaultValue 4_194_304
   * @remarks Range 1–1_073_741_824
   * @throws ConfigError `config.out_of_range`
   * @see gRPC, maximum message size: 4 MiB unless told otherwise
   */
  readonly maxMessageBytes?: number
  /** Whether grpcurl and the like may ask for the contracts. @defaultValue true */
  readonly hasReflection?: boolean
}

/** What is used where an option is left out. */
export const grpcDefaults = Object.freeze({
  port: 50_051,
  host: '127.0.0.1',
  maxMessageBytes: 4_194_304,
  hasReflection: true,
} satisfies GrpcOptions)

export type GrpcSettings = Required<GrpcOptions>

const largestMessageBytes = 1_073_741_824

/** @throws ConfigError `config.out_of_range`, `config.malformed`; all problems at once. */
export function resolveGrpcOptions(options: GrpcOptions): GrpcSettings {
  const settings: GrpcSettings = Object.freeze({
    port: options.port ?? grpcDefaults.port,
    host: options.host ?? grpcDefaults.host,
    maxMessageBytes: options.maxMessageBytes ?? grpcDefaults.maxMessageBytes,
    hasReflection: options.hasReflection ?? grpcDefaults.hasReflection,
  })
  const problems = [
    ...checkRange('port', settings.port, [0, 65_535]),
    ...checkRange('maxMessageBytes', settings.maxMessageBytes, [1, largestMessageBytes]),
    ...checkHost(settings.host),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

function checkRange(name: string, value: number, [min, max]: readonly [number, number]): SetupProblem[] {
  if (Number.isInteger(value) && value >= min && value <= max) return []
  const message = `grpcTransport: ${name} must be a whole number from ${min} to ${max}, found ${value}`
  return [{ code: 'config.out_of_range', message }]
}

function checkHost(host: string): SetupProblem[] {
  if (/^[^\s/]+$/.test(host)) return []
  const message = `grpcTransport: host must be a host name or address, found ${JSON.stringify(host)}`
  return [{ code: 'config.malformed', message }]
}
