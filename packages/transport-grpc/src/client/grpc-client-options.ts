import { ConfigError, givenOnly, isRecord, optionCheck, type SetupProblem, toFound } from '@tenon/core/transport'
import { checkTls, type GrpcClientTlsOptions } from './grpc-client-tls.ts'

/** Pings that find out whether a connection still lives on which nothing comes in. */
export interface GrpcKeepAliveOptions {
  /**
   * How long nothing must have come in before a ping is sent. A server takes pings more often than it allows for abuse and closes
   * the connection: 5 minutes is the least that others allow by default.
   *
   * @remarks Range 10_000–2_147_483_647 ms
   * @throws ConfigError `config.out_of_range`
   * @see gRFC A8: clients must not ping more often than every 10 s
   */
  readonly intervalMs: number
  /**
   * How long the answer to a ping may take; the connection is closed then and its calls are `unavailable`.
   *
   * @defaultValue 20_000
   * @remarks Range 1–600_000 ms
   * @throws ConfigError `config.out_of_range`
   * @see gRPC keepalive guide: the same
   */
  readonly timeoutMs?: number
  /** Whether a connection without calls is kept up by pings too. @defaultValue false @throws ConfigError `config.malformed` */
  readonly withoutCalls?: boolean
}

export interface GrpcClientOptions {
  /** Speaks TLS; `{}` for what the platform trusts. @defaultValue none: plain text */
  readonly tls?: GrpcClientTlsOptions
  /** Pings connections on which nothing comes in. @defaultValue none */
  readonly keepAlive?: GrpcKeepAliveOptions
  /**
   * Compresses what is sent, unless the callee says that it cannot read that. What comes compressed is read either way.
   *
   * @defaultValue 'identity'
   * @throws ConfigError `config.malformed`
   * @see gRPC over HTTP/2, Message-Encoding
   */
  readonly compression?: 'identity' | 'gzip'
  /**
   * Largest message that is sent, before it is compressed; a call with a larger one is `resource_exhausted` and is not sent. The
   * callee has a limit of its own: 4 MiB where nothing else is said.
   *
   * @defaultValue 1_073_741_824
   * @remarks Range 1–1_073_741_824
   * @throws ConfigError `config.out_of_range`
   */
  readonly maxRequestBytes?: number
  /**
   * Largest message that is taken, after it is decompressed; a call that is answered with a larger one is `resource_exhausted`.
   *
   * @defaultValue 67_108_864
   * @remarks Range 1–1_073_741_824. The default is a guess.
   * @throws ConfigError `config.out_of_range`
   */
  readonly maxResponseBytes?: number
  /**
   * Longest time a call waits for a connection to open, TLS and the settings of HTTP/2 included; it is `unavailable` then, unless
   * its deadline came before, and the next call tries a new connection.
   *
   * @defaultValue 10_000
   * @remarks Range 1–600_000 ms
   * @throws ConfigError `config.out_of_range`
   */
  readonly connectTimeoutMs?: number
  /**
   * Lets a call wait for a connection until its deadline, however often connecting fails, instead of being `unavailable` after the
   * first failure. One without a deadline waits for ever.
   *
   * @defaultValue false
   * @throws ConfigError `config.malformed`
   * @see gRPC, wait for ready
   */
  readonly waitForReady?: boolean
}

/** What is used where an option is left out. */
export const grpcClientDefaults = Object.freeze({
  compression: 'identity',
  maxRequestBytes: 1_073_741_824,
  maxResponseBytes: 67_108_864,
  connectTimeoutMs: 10_000,
  waitForReady: false,
} satisfies GrpcClientOptions)

const keepAliveDefaults = Object.freeze({ timeoutMs: 20_000, withoutCalls: false })

export interface GrpcClientSettings extends Required<Omit<GrpcClientOptions, 'tls' | 'keepAlive'>> {
  readonly tls: GrpcClientTlsOptions | undefined
  readonly keepAlive: Required<GrpcKeepAliveOptions> | undefined
}

/** @throws ConfigError `config.out_of_range`, `config.malformed`; all problems at once. */
export function resolveGrpcClientOptions(options: GrpcClientOptions): GrpcClientSettings {
  requireObject(options)
  const { tls, keepAlive, ...others } = options
  const problems = [
    ...check.names(options, Object.keys(names)),
    ...check.choice('compression', options.compression ?? 'identity', ['identity', 'gzip']),
    ...check.integer('maxRequestBytes', options.maxRequestBytes, { min: 1, max: largestMessageBytes }),
    ...check.integer('maxResponseBytes', options.maxResponseBytes, { min: 1, max: largestMessageBytes }),
    ...check.integer('connectTimeoutMs', options.connectTimeoutMs, { min: 1, max: 600_000 }),
    ...check.boolean('waitForReady', options.waitForReady),
    ...checkKeepAlive(keepAlive),
    ...checkTls(tls),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({
    ...grpcClientDefaults,
    ...givenOnly(others),
    tls: tls && Object.freeze({ ...tls }),
    keepAlive: keepAlive && Object.freeze({ ...keepAliveDefaults, ...givenOnly(keepAlive) }),
  })
}

function requireObject(options: unknown): void {
  if (isRecord(options)) return
  throw new ConfigError([check.malformed(`the options must be an object, found ${toFound(options)}`)])
}

const check = optionCheck('grpcClient')
const largestMessageBytes = 1_073_741_824

const names: Readonly<Record<keyof GrpcClientOptions, true>> = {
  tls: true,
  keepAlive: true,
  compression: true,
  maxRequestBytes: true,
  maxResponseBytes: true,
  connectTimeoutMs: true,
  waitForReady: true,
}

const keepAliveNames: Readonly<Record<keyof GrpcKeepAliveOptions, true>> = {
  intervalMs: true,
  timeoutMs: true,
  withoutCalls: true,
}

/** Options as they may be found, whatever their types say. */
type Given<Options> = { readonly [Name in keyof Options]?: unknown }

function checkKeepAlive(keepAlive: unknown): readonly SetupProblem[] {
  if (keepAlive === undefined) return []
  if (!isRecord(keepAlive)) return [check.malformed(`keepAlive must be an object, found ${toFound(keepAlive)}`)]
  const { intervalMs = 'nothing', timeoutMs, withoutCalls }: Given<GrpcKeepAliveOptions> = keepAlive
  return [
    ...check.names(keepAlive, Object.keys(keepAliveNames), 'keepAlive'),
    ...check.integer('keepAlive.intervalMs', intervalMs, { min: 10_000, max: 2_147_483_647 }),
    ...check.integer('keepAlive.timeoutMs', timeoutMs, { min: 1, max: 600_000 }),
    ...check.boolean('keepAlive.withoutCalls', withoutCalls),
  ]
}
