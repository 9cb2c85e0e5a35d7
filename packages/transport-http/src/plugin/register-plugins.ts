import { ConfigError, ServiceError } from '@tenon/core/transport'
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { malformed } from '../server/option-check.ts'
import type { CompressionOptions, CorsOptions, PluginSettings, RateLimitOptions } from './plugin-options.ts'

/** Whether any plugin has to be loaded that works on requests. */
export function hasPlugins({ cors, compression, rateLimit }: PluginSettings): boolean {
  return cors !== undefined || compression !== undefined || rateLimit !== undefined
}

/**
 * Loads and registers what is switched on, and nothing else. Routes that are added afterwards are covered, all others only by
 * CORS.
 *
 * @throws ConfigError `config.malformed` naming the option that a plugin refuses
 */
export async function registerPlugins(server: FastifyInstance, settings: PluginSettings): Promise<void> {
  const { cors, rateLimit, compression } = settings
  if (cors !== undefined) await refusing('cors', () => registerCors(server, cors))
  if (rateLimit !== undefined) await refusing('rateLimit', () => registerRateLimit(server, rateLimit))
  if (compression !== undefined) await refusing('compression', () => registerCompression(server, compression))
}

/** A plugin of Fastify whose hooks hold for everything beside it, not only for what it registers itself. @see fastify-plugin */
export function withoutScope(plugin: FastifyPluginAsync): FastifyPluginAsync {
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
}

/** Whether a request is refused for how often its caller asks, whatever it asks for. */
export function isOverLimit(thrown: unknown): boolean {
  return ServiceError.is(thrown) && limitReasons.includes(thrown.reason)
}

const limitReasons: readonly unknown[] = ['rate_limited', 'banned']

async function refusing(option: keyof PluginSettings, register: () => Promise<void>): Promise<void> {
  try {
    await register()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError([malformed(`the options of ${option} are refused by its plugin: ${reason}`)], cause)
  }
}

/** The verbs that routes may have, and what a page may want to read of a reply beside the few that it always may. */
const corsDefaults: CorsOptions = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  exposedHeaders: [
    'accept-ranges',
    'allow',
    'content-disposition',
    'content-range',
    'deprecation',
    'etag',
    'link',
    'location',
    'retry-after',
    'sunset',
    'www-authenticate',
    'x-ratelimit-limit',
    'x-ratelimit-remaining',
    'x-ratelimit-reset',
    'x-request-id',
  ],
}

async function registerCors(server: FastifyInstance, options: CorsOptions): Promise<void> {
  const { fastifyCors } = await import('@fastify/cors')
  const preflight = { ...corsDefaults, ...options, preflight: true, strictPreflight: false }
  const request = { ...preflight, preflight: false }
  // For each request, because an OPTIONS request that is no preflight is answered by its path, which the plugin would not allow.
  await server.register(fastifyCors, {
    hook: options.hook ?? 'onRequest',
    delegator: (received, done) => done(null, isPreflight(received) ? preflight : request),
  })
}

/** @see Fetch Standard, CORS-preflight request */
function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}

async function registerRateLimit(server: FastifyInstance, options: RateLimitOptions): Promise<void> {
  const { fastifyRateLimit } = await import('@fastify/rate-limit')
  await server.register(fastifyRateLimit, {
    skipOnError: true,
    ...options,
    errorResponseBuilder: (_request, { ban, ttl }) =>
      ban
        ? new ServiceError('permission_denied', 'too many requests were refused before', { reason: 'banned' })
        : new ServiceError('resource_exhausted', 'too many requests; wait before the next', {
            reason: 'rate_limited',
            details: { retryDelayMs: ttl },
          }),
  })
}

/** As the plugin has it, without bytes of an unknown kind: they are compressed already, or read by ranges. */
const compressibleType = /^text\/(?!event-stream)|[+/](?:json|text|xml)(?:\s*;|$)/i

async function registerCompression(server: FastifyInstance, options: CompressionOptions): Promise<void> {
  const { fastifyCompress } = await import('@fastify/compress')
  // Bodies stay as they came: what they are is for the operation to ask, after access was granted.
  await server.register(fastifyCompress, { customTypes: compressibleType, ...options, globalDecompression: false })
}
