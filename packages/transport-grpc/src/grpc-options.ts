import {
  checkTls,
  ConfigError,
  givenOnly,
  isRecord,
  optionCheck,
  type SetupProblem,
  type TlsOptions,
  type TlsSettings,
  toFound,
  toTlsSettings,
} from '@tenon/core/transport'
import type { ConnectionOptions } from './listen/connection-options.ts'

export interface GrpcOptions extends ConnectionOptions {
  /** @defaultValue 50051 @remarks Range 0–65_535; 0 for any free one. @throws ConfigError `config.out_of_range` */
  readonly port?: number
  /** @defaultValue the environment variable TENON_HOST, or 127.0.0.1 @throws ConfigError `config.malformed` */
  readonly host?: string
  /**
   * Path of a Unix socket to listen at instead of host and port. A socket that a dead process has left there is replaced; one that
   * somebody listens at, and a file that is no socket, keep the server from listening. It is removed on closing.
   *
   * @defaultValue none
   * @throws ConfigError `config.malformed`, also beside `host` or `port`
   * @see gRPC name resolution: clients write `unix:` before it
   */
  readonly path?: string
  /**
   * Who may connect to the socket at `path`, as the mode of a file: connecting needs the right to write.
   *
   * @defaultValue 0o660
   * @remarks Range 0–0o777
   * @throws ConfigError `config.out_of_range`
   */
  readonly pathMode?: number
  /** Speaks TLS, and nothing else. @defaultValue no TLS @throws ConfigError `config.malformed`, `config.out_of_range` */
  readonly tls?: TlsOptions
  /**
   * Largest message that is taken, after it is decompressed; a call with a larger one is `resource_exhausted`.
   *
   * @defaultValue 4_194_304
   * @remarks Range 1–1_073_741_824
   * @throws ConfigError `config.out_of_range`
   * @see gRPC, maximum message size: 4 MiB unless told otherwise
   */
  readonly maxRequestBytes?: number
  /**
   * Largest message that is sent, before it is compressed; a call that would be answered with a larger one is `resource_exhausted`.
   *
   * @defaultValue 1_073_741_824
   * @remarks Range 1–1_073_741_824. Clients have a limit of their own: 4 MiB where nothing else is said.
   * @throws ConfigError `config.out_of_range`
   */
  readonly maxResponseBytes?: number
  /**
   * Compresses answers of 1 KiB and more for callers that accept it. What comes compressed with gzip or deflate is read either way.
   *
   * @defaultValue 'identity'
   * @throws ConfigError `config.malformed`
   * @see gRPC over HTTP/2, Message-Encoding
   */
  readonly compression?: 'identity' | 'gzip'
  /** Whether grpcurl and the like may ask for the contracts. @defaultValue true @throws ConfigError `config.malformed` */
  readonly hasReflection?: boolean
}

/** What is used where an option is left out. */
export const grpcDefaults = Object.freeze({
  port: 50_051,
  host: '127.0.0.1',
  pathMode: 0o660,
  maxRequestBytes: 4_194_304,
  maxResponseBytes: 1_073_741_824,
  compression: 'identity',
  hasReflection: true,
  requestTimeoutMs: 300_000,
  maxHeaderBytes: 16_384,
  maxConcurrentStreams: 1_000,
  handshakeTimeoutMs: 20_000,
  keepaliveIntervalMs: 7_200_000,
  keepaliveTimeoutMs: 20_000,
  minPingIntervalMs: 5_000,
  maxResetsPerSecond: 1_000,
} satisfies GrpcOptions)

type Optional = 'path' | 'maxConnections' | 'maxConnectionAgeMs' | 'maxConnectionAgeGraceMs' | 'maxConnectionIdleMs'

export interface GrpcSettings extends Required<Omit<GrpcOptions, Optional | 'tls'>> {
  readonly path: string | undefined
  readonly tls: TlsSettings | undefined
  readonly maxConnections: number | undefined
  readonly maxConnectionAgeMs: number | undefined
  readonly maxConnectionAgeGraceMs: number | undefined
  readonly maxConnectionIdleMs: number | undefined
}

/** @throws ConfigError `config.out_of_range`, `config.malformed`; all problems at once. */
export function resolveGrpcOptions(options: GrpcOptions): GrpcSettings {
  if (!isObject(options))
    throw new ConfigError([check.malformed(`the options must be an object, found ${toFound(options)}`)])
  const tls = options.tls && isObject(options.tls) ? toTlsSettings(options.tls, owner) : undefined
  const settings: GrpcSettings = Object.freeze({ ...nothing, ...grpcDefaults, ...givenOnly(options), tls })
  const problems = [
    ...check.names(options, Object.keys(names)),
    ...checkTls(options.tls, tls, owner),
    ...checkSettings(settings),
    ...checkPath(options),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

const owner = 'grpcTransport'
const check = optionCheck(owner)

const nothing = Object.freeze({
  path: undefined,
  maxConnections: undefined,
  maxConnectionAgeMs: undefined,
  maxConnectionAgeGraceMs: undefined,
  maxConnectionIdleMs: undefined,
} satisfies Record<Optional, undefined>)

/** The options, and of those that are whole numbers the least and the largest. */
const names: Readonly<Record<keyof GrpcOptions, readonly [min: number, max: number] | undefined>> = {
  port: [0, 65_535],
  host: undefined,
  path: undefined,
  pathMode: [0, 0o777],
  tls: undefined,
  maxRequestBytes: [1, 1_073_741_824],
  maxResponseBytes: [1, 1_073_741_824],
  compression: undefined,
  hasReflection: undefined,
  requestTimeoutMs: [1, 3_600_000],
  maxHeaderBytes: [1_024, 1_048_576],
  maxConnections: [1, 1_000_000],
  maxConcurrentStreams: [1, 1_000_000],
  handshakeTimeoutMs: [1, 3_600_000],
  keepaliveIntervalMs: [1_000, 86_400_000],
  keepaliveTimeoutMs: [1, 3_600_000],
  minPingIntervalMs: [0, 86_400_000],
  maxConnectionAgeMs: [1, 86_400_000],
  maxConnectionAgeGraceMs: [0, 86_400_000],
  maxConnectionIdleMs: [1, 86_400_000],
  maxResetsPerSecond: [1, 1_000_000],
}

function checkSettings(settings: GrpcSettings): readonly SetupProblem[] {
  const { host, compression, hasReflection, maxConnectionAgeMs, maxConnectionAgeGraceMs } = settings
  return [
    ...Object.entries(names).flatMap(([name, range]) =>
      range === undefined ? [] : check.integer(name, Reflect.get(settings, name), { min: range[0], max: range[1] }),
    ),
    ...check.host(host),
    ...check.choice('compression', compression, ['identity', 'gzip']),
    ...check.boolean('hasReflection', hasReflection),
    ...(maxConnectionAgeGraceMs !== undefined && maxConnectionAgeMs === undefined
      ? [check.malformed('maxConnectionAgeGraceMs needs maxConnectionAgeMs, the age that it follows')]
      : []),
  ]
}

function checkPath({ path, pathMode, host, port }: GrpcOptions): readonly SetupProblem[] {
  if (path === undefined)
    return pathMode === undefined ? [] : [check.malformed('pathMode needs path, the socket whose mode it is')]
  if (typeof path !== 'string' || path.trim() === '')
    return [check.malformed(`path must be the path of a Unix socket, found ${toFound(path)}`)]
  const beside = Object.entries({ host, port }).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  return beside.map((name) => check.malformed(`path and ${name} exclude each other: leave one of them out`))
}

/** `isRecord` without its type guard, which would make the options a plain record for the lines that follow. */
function isObject(value: unknown): boolean {
  return isRecord(value)
}
