import {
  checkNames,
  checkTls,
  ConfigError,
  type SetupProblem,
  type TlsOptions,
  type TlsSettings,
  toFound,
  toTlsSettings,
} from '@tenon/core/transport'
import type { FastifyInstance } from 'fastify'
import { checkDocument } from './openapi/check-document.ts'
import {
  documentDefaults,
  type DocumentOptions,
  type DocumentSettings,
  resolveDocument,
} from './openapi/openapi-options.ts'
import { checkBoolean, isObject } from './option-form.ts'
import {
  checkFunction,
  checkHost,
  checkInteger,
  checkPathPrefix,
  checkTrustProxy,
  malformed,
  outOfRange,
} from './server/option-check.ts'
import { checkProbes, type ProbePaths, type ProbeSettings, resolveProbes } from './probe/probe-options.ts'
import { checkPlugins, type PluginOptions, type PluginSettings, toPluginSettings } from './plugin/plugin-options.ts'

export interface HttpOptions extends PluginOptions, DocumentOptions {
  /** @defaultValue 3000 @remarks Range 0–65_535; 0 for any free one. @throws ConfigError `config.out_of_range` */
  readonly port?: number
  /** @defaultValue the environment variable TENON_HOST, or 127.0.0.1 @throws ConfigError `config.malformed` */
  readonly host?: string
  /**
   * Path that every route is below: with `/api`, `GET /v1/users` is served at `/api/v1/users`. Routes that `configure` adds stay
   * where they are.
   *
   * @defaultValue none
   * @throws ConfigError `config.malformed`
   */
  readonly pathPrefix?: string
  /**
   * Speaks TLS, and nothing else, on the port.
   *
   * @defaultValue no TLS
   * @throws ConfigError `config.malformed`, `config.out_of_range`
   */
  readonly tls?: TlsOptions
  /**
   * Speaks HTTP/2 with callers that ask for it when the TLS connection is made, and HTTP/1.1 with all others. Needs `tls`: a proxy
   * that ends TLS itself speaks HTTP/1.1 to what is behind it.
   *
   * @defaultValue false
   * @throws ConfigError `config.malformed`
   * @see RFC 9113 section 3.2; RFC 7301 (ALPN)
   */
  readonly http2?: boolean
  /**
   * Largest request body; a larger one is answered 413 before it is read to its end.
   *
   * @defaultValue 1_048_576
   * @remarks Range 1–1_073_741_824
   * @throws ConfigError `config.out_of_range`
   */
  readonly bodyLimitBytes?: number
  /**
   * Largest header section with the request line; a larger one is answered 431. Over HTTP/2 a caller that has
   * acknowledged the limit sees the request reset instead, with ENHANCE_YOUR_CALM.
   *
   * @defaultValue 16_384
   * @remarks Range 1_024–1_048_576
   * @throws ConfigError `config.out_of_range`
   * @see Node, http.maxHeaderSize: the same
   */
  readonly headerLimitBytes?: number
  /**
   * Longest time a whole request may take to arrive; a slower one is answered 408. A stream of items may take longer, see
   * `inputIdleTimeoutMs`.
   *
   * @defaultValue 300_000
   * @remarks Range 1–3_600_000 ms. Node looks every 30 s, or more often where a limit is shorter.
   * @throws ConfigError `config.out_of_range`
   * @see Node, server.requestTimeout: the same
   */
  readonly requestTimeoutMs?: number
  /**
   * How long the body of an input stream may bring nothing while its handler waits for more. It then ends with
   * `deadline_exceeded`, which is answered 408 where nothing was answered before.
   *
   * @defaultValue 60_000
   * @remarks Range 1–3_600_000 ms
   * @throws ConfigError `config.out_of_range`
   * @see nginx, client_body_timeout: 60 s between two reads
   */
  readonly inputIdleTimeoutMs?: number
  /**
   * Longest time the head of a request may take to arrive, and the handshake of a TLS connection; a slower one is answered 408.
   *
   * @defaultValue 60_000, or `requestTimeoutMs` where that is shorter
   * @remarks Range 1–`requestTimeoutMs`
   * @throws ConfigError `config.out_of_range`
   * @see Node, server.headersTimeout: the same
   */
  readonly headersTimeoutMs?: number
  /**
   * How long a connection may be idle before it is closed. Longer than load balancers keep theirs, so that it is never the server
   * that closes one while a request is on its way. Callers are told a second less than `deregisterDelayMs` of the service where that is
   * shorter, so that none is idle when the service ends.
   *
   * @defaultValue 72_000
   * @remarks Range 1–3_600_000 ms
   * @throws ConfigError `config.out_of_range`
   * @see AWS, idle timeout of an Application Load Balancer: 60 s
   */
  readonly keepAliveTimeoutMs?: number
  /**
   * How many connections may be open at a time. One beyond is closed as soon as it is made, without a reply, which callers and
   * load balancers see as a connection that was refused; the log tells of it at once, then at most once a minute with
   * how many there were, and when the server closes.
   *
   * @defaultValue no limit
   * @remarks Range 1–1_000_000
   * @throws ConfigError `config.out_of_range`
   */
  readonly connectionLimit?: number
  /**
   * Whose word is taken for who calls and how: the addresses and networks of proxies (`10.0.0.0/8`; also `loopback`, `linklocal`,
   * `uniquelocal`), or how many proxies stand in a row. The peer of a call is then the last address in `X-Forwarded-For` that is
   * none of theirs.
   *
   * A number trusts whoever connects: use it only where nobody but the proxies can reach the port.
   *
   * @defaultValue nobody's
   * @remarks A number from 1 to 32
   * @throws ConfigError `config.malformed`, `config.out_of_range`
   */
  readonly trustProxy?: number | readonly string[]
  /**
   * Longest time a caller may ask for with `x-request-timeout-ms`; a longer one is shortened to it.
   *
   * @defaultValue 3_600_000
   * @remarks Range 1–3_600_000, as `timeoutMs` of an operation.
   * @throws ConfigError `config.out_of_range`
   */
  readonly maxTimeoutMs?: number
  /**
   * Answers `/livez`, `/readyz` and `/startupz` on this port too, as the admin server does: before hooks, plugins and routes, outside
   * limits of calls and rates, and over 16 connections beyond `connectionLimit`, whose other requests are answered 503. Not below
   * `pathPrefix`. Shows details only to who has the token of the admin server. For load balancers that can ask no other port.
   *
   * @defaultValue false
   * @throws ConfigError `config.malformed`; WiringError `wiring.route_conflict` where a route has one of the paths
   */
  readonly probes?: boolean | ProbePaths
  /**
   * Receives the native server before the routes are mounted: add Fastify plugins, hooks and routes that no contract describes.
   * A promise is waited for, and what it fails with fails the start.
   *
   * @throws ConfigError `config.malformed` when it is no function
   * Outside our semantic versioning: what Fastify offers here changes with Fastify.
   */
  readonly configure?: (server: FastifyInstance) => unknown
}

/** What is used where an option is left out. */
export const httpDefaults = Object.freeze({
  port: 3000,
  host: '127.0.0.1',
  pathPrefix: '',
  http2: false,
  bodyLimitBytes: 1_048_576,
  headerLimitBytes: 16_384,
  requestTimeoutMs: 300_000,
  inputIdleTimeoutMs: 60_000,
  headersTimeoutMs: 60_000,
  keepAliveTimeoutMs: 72_000,
  maxTimeoutMs: 3_600_000,
  cors: false,
  securityHeaders: false,
  compression: false,
  rateLimit: false,
  probes: false,
  ...documentDefaults,
} satisfies HttpOptions)

export interface HttpSettings {
  readonly port: number
  readonly host: string
  readonly pathPrefix: string
  readonly tls: TlsSettings | undefined
  readonly http2: boolean
  readonly bodyLimitBytes: number
  readonly headerLimitBytes: number
  readonly requestTimeoutMs: number
  readonly inputIdleTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly connectionLimit: number | undefined
  readonly trustProxy: number | readonly string[] | undefined
  readonly maxTimeoutMs: number
  readonly plugins: PluginSettings
  readonly document: DocumentSettings
  /** Empty for none. */
  readonly probes: ProbeSettings
  readonly configure: HttpOptions['configure'] | undefined
}

/** @throws ConfigError `config.out_of_range`, `config.malformed`; all problems at once. */
export function resolveHttpOptions(options: HttpOptions): HttpSettings {
  if (!isObject(options)) throw new ConfigError([malformed(`the options must be an object, found ${toFound(options)}`)])
  const requestTimeoutMs = options.requestTimeoutMs ?? httpDefaults.requestTimeoutMs
  const settings: HttpSettings = Object.freeze({
    port: options.port ?? httpDefaults.port,
    host: options.host ?? httpDefaults.host,
    pathPrefix: options.pathPrefix ?? httpDefaults.pathPrefix,
    tls: options.tls && isObject(options.tls) ? toTlsSettings(options.tls, 'httpTransport') : undefined,
    http2: options.http2 ?? httpDefaults.http2,
    bodyLimitBytes: options.bodyLimitBytes ?? httpDefaults.bodyLimitBytes,
    headerLimitBytes: options.headerLimitBytes ?? httpDefaults.headerLimitBytes,
    requestTimeoutMs,
    inputIdleTimeoutMs: options.inputIdleTimeoutMs ?? httpDefaults.inputIdleTimeoutMs,
    headersTimeoutMs: options.headersTimeoutMs ?? Math.min(httpDefaults.headersTimeoutMs, requestTimeoutMs),
    keepAliveTimeoutMs: options.keepAliveTimeoutMs ?? httpDefaults.keepAliveTimeoutMs,
    connectionLimit: options.connectionLimit,
    trustProxy: options.trustProxy,
    maxTimeoutMs: options.maxTimeoutMs ?? httpDefaults.maxTimeoutMs,
    plugins: toPluginSettings(options),
    document: resolveDocument(options),
    probes: resolveProbes(options.probes),
    configure: options.configure,
  })
  const problems = [
    ...checkNames('httpTransport', options, Object.keys(names)),
    ...checkTls(options.tls, settings.tls, 'httpTransport'),
    ...checkSettings(settings),
    ...checkPlugins(options),
    ...checkDocument(options),
    ...checkProbes(options.probes),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

const names: Readonly<Record<keyof HttpOptions, true>> = {
  port: true,
  host: true,
  pathPrefix: true,
  tls: true,
  http2: true,
  bodyLimitBytes: true,
  headerLimitBytes: true,
  requestTimeoutMs: true,
  inputIdleTimeoutMs: true,
  headersTimeoutMs: true,
  keepAliveTimeoutMs: true,
  connectionLimit: true,
  trustProxy: true,
  maxTimeoutMs: true,
  cors: true,
  securityHeaders: true,
  compression: true,
  rateLimit: true,
  openapi: true,
  docs: true,
  probes: true,
  configure: true,
}

/** The options that are whole numbers, with the least and the largest. */
const ranges = [
  ['port', 0, 65_535],
  ['bodyLimitBytes', 1, 1_073_741_824],
  ['headerLimitBytes', 1024, 1_048_576],
  ['requestTimeoutMs', 1, 3_600_000],
  ['inputIdleTimeoutMs', 1, 3_600_000],
  ['headersTimeoutMs', 1, 3_600_000],
  ['keepAliveTimeoutMs', 1, 3_600_000],
  ['connectionLimit', 1, 1_000_000],
  ['maxTimeoutMs', 1, 3_600_000],
] as const

function checkSettings(settings: HttpSettings): readonly SetupProblem[] {
  const { tls, http2, headersTimeoutMs, requestTimeoutMs } = settings
  return [
    ...ranges.flatMap(([name, min, max]) => checkInteger(name, settings[name], { min, max })),
    ...(headersTimeoutMs > requestTimeoutMs
      ? [
          outOfRange(
            `headersTimeoutMs must be at most requestTimeoutMs (${requestTimeoutMs}), found ${headersTimeoutMs}`,
          ),
        ]
      : []),
    ...checkHost(settings.host),
    ...checkPathPrefix(settings.pathPrefix),
    ...checkBoolean('httpTransport', 'http2', http2),
    ...checkFunction('configure', settings.configure),
    ...(http2 && tls === undefined ? [malformed('http2 needs tls: without it callers could not ask for HTTP/2')] : []),
    ...checkTrustProxy(settings.trustProxy),
  ]
}
