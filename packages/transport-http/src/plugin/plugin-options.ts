import type { FastifyCompressOptions } from '@fastify/compress'
import type { FastifyCorsOptions } from '@fastify/cors'
import type { RateLimitPluginOptions } from '@fastify/rate-limit'
import { checkNames, type SetupProblem } from '@tenon/core/transport'
import { checkSwitch, malformed } from '../server/option-check.ts'
import { checkPluginOptions } from './plugin-check.ts'

/** Options of `@fastify/cors`, except what decides between a preflight and an OPTIONS request. */
export type CorsOptions = Omit<
  FastifyCorsOptions,
  'delegator' | 'preflight' | 'preflightContinue' | 'strictPreflight' | 'hideOptionsRoute'
>

/** The headers that `@fastify/helmet` knows. */
const securityHeaderNames = [
  'contentSecurityPolicy',
  'crossOriginEmbedderPolicy',
  'crossOriginOpenerPolicy',
  'crossOriginResourcePolicy',
  'originAgentCluster',
  'referrerPolicy',
  'strictTransportSecurity',
  'xContentTypeOptions',
  'xDnsPrefetchControl',
  'xDownloadOptions',
  'xFrameOptions',
  'xPermittedCrossDomainPolicies',
  'xPoweredBy',
  'xXssProtection',
] as const

/**
 * Options of `@fastify/helmet`, by header: `false` for none, `true` for what the plugin says, or the plugin's options of it. They
 * are the same for every reply, so nonces and functions are not taken.
 */
export type SecurityHeaderOptions = Readonly<Partial<Record<(typeof securityHeaderNames)[number], boolean | object>>>

/** Options of `@fastify/compress` that are about replies. */
export type CompressionOptions = Omit<
  FastifyCompressOptions,
  | 'global'
  | 'globalCompression'
  | 'globalDecompression'
  | 'forceRequestEncoding'
  | 'onInvalidRequestPayload'
  | 'onUnsupportedRequestEncoding'
  | 'requestEncodings'
>

/** Options of `@fastify/rate-limit`, except the reply of a refusal, which is a problem document. */
export interface RateLimitOptions extends Omit<RateLimitPluginOptions, 'global' | 'redis' | 'errorResponseBuilder'> {
  /** A client of ioredis, for a limit that all instances share. It stays the service's to open and to close. */
  readonly redis?: object
}

export interface PluginOptions {
  /**
   * Lets pages of other origins call: `true` for pages of any origin without credentials, or options of `@fastify/cors`.
   *
   * @defaultValue false
   * @throws ConfigError `config.malformed`
   */
  readonly cors?: boolean | CorsOptions
  /**
   * Headers that tell browsers to trust a reply with as little as they can: `true` for those that fit an API, or options of
   * `@fastify/helmet`, which replace single ones of them. A header that a handler or a route sets itself stays.
   *
   * @defaultValue false
   * @throws ConfigError `config.malformed`
   * @see OWASP, REST Security Cheat Sheet, section Security Headers
   */
  readonly securityHeaders?: boolean | SecurityHeaderOptions
  /**
   * Compresses replies of 1 KiB and more for callers that accept it: `true`, or options of `@fastify/compress`. Streams, byte
   * ranges and `application/octet-stream` are sent as they are; the bodies of requests are never taken compressed.
   *
   * @defaultValue false
   * @throws ConfigError `config.malformed`
   */
  readonly compression?: boolean | CompressionOptions
  /**
   * Refuses callers that ask too often, counted by address before anybody is authenticated: `true` for 1,000 requests a minute,
   * or options of `@fastify/rate-limit`. A refusal is 429 `resource_exhausted` with reason `rate_limited` and `Retry-After`.
   *
   * Counts are kept in the process unless `redis` is given; while they cannot be had, nobody is refused, unless `skipOnError` is
   * false. Behind a proxy all callers have one address until `trustProxy` is set.
   *
   * @defaultValue false
   * @throws ConfigError `config.malformed`
   */
  readonly rateLimit?: boolean | RateLimitOptions
}

/** What each plugin is switched on with; a plugin that is off is absent. */
export interface PluginSettings {
  readonly cors: CorsOptions | undefined
  readonly securityHeaders: SecurityHeaderOptions | undefined
  readonly compression: CompressionOptions | undefined
  readonly rateLimit: RateLimitOptions | undefined
}

export function toPluginSettings(options: PluginOptions): PluginSettings {
  return Object.freeze({
    cors: toOptions(options.cors),
    securityHeaders: toOptions(options.securityHeaders),
    compression: toOptions(options.compression),
    rateLimit: toOptions(options.rateLimit),
  })
}

export function checkPlugins(options: PluginOptions): readonly SetupProblem[] {
  const names = ['cors', 'securityHeaders', 'compression', 'rateLimit'] as const
  return [
    ...names.flatMap((name) => checkSwitch(name, options[name] ?? false)),
    ...checkSecurityHeaders(options.securityHeaders),
    ...checkPluginOptions(options),
  ]
}

function checkSecurityHeaders(options: PluginOptions['securityHeaders']): readonly SetupProblem[] {
  if (typeof options !== 'object' || options === null) return []
  const problems = checkNames('httpTransport: securityHeaders', options, securityHeaderNames)
  if (!hasFunction(options)) return problems
  return [...problems, malformed('securityHeaders must be the same for every reply, so it takes no functions')]
}

function hasFunction(value: unknown): boolean {
  if (typeof value === 'function') return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasFunction)
}

function toOptions<Options extends object>(
  option: boolean | Options | undefined,
): Options | Record<never, never> | undefined {
  return typeof option === 'object' ? option : option === true ? {} : undefined
}
