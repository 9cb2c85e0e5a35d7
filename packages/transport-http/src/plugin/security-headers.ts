import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { FastifyHelmetOptions } from '@fastify/helmet'
import { ConfigError } from '@tenon/core/transport'
import { emptyFastify } from '../server/build-fastify.ts'
import { malformed } from '../server/option-check.ts'
import type { SecurityHeaderOptions } from './plugin-options.ts'

/** Headers that are the same on every reply. */
export type FixedHeaders = Readonly<Record<string, string>>

/**
 * The headers that the plugin sets, asked of it once: a hook that computes the same again for every request costs more than
 * many requests themselves.
 *
 * @throws ConfigError `config.malformed`, when the plugin refuses its options
 */
export async function readSecurityHeaders(options: SecurityHeaderOptions, isSecure: boolean): Promise<FixedHeaders> {
  try {
    return await askPlugin({ ...apiHeaders, strictTransportSecurity: isSecure, ...options })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError([malformed(`the options of securityHeaders are refused by its plugin: ${reason}`)], cause)
  }
}

/**
 * What fits replies that no browser shows: nothing may be loaded or framed. What only concerns pages is left out.
 *
 * @see OWASP, REST Security Cheat Sheet, section Security Headers
 */
const apiHeaders: SecurityHeaderOptions = {
  contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  xFrameOptions: { action: 'deny' },
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
}

/** Lets a server that listens nowhere answer one request. */
async function askPlugin(options: SecurityHeaderOptions): Promise<FixedHeaders> {
  const { fastifyHelmet } = await import('@fastify/helmet')
  const server = emptyFastify()
  const { promise, resolve, reject } = Promise.withResolvers<FixedHeaders>()
  // The plugin's type of the same options is a union of thousands.
  await server.register(fastifyHelmet, options as FastifyHelmetOptions)
  server.setErrorHandler((error, _request, reply) => {
    reject(error)
    reply.hijack()
  })
  server.get('/', (_request, reply) => {
    resolve(Object.fromEntries(Object.entries(reply.raw.getHeaders()).map(([name, value]) => [name, String(value)])))
    reply.hijack()
  })
  await server.ready()
  const request = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url: '/' })
  server.routing(request, new ServerResponse(request))
  try {
    return Object.freeze(await promise)
  } finally {
    await server.close()
  }
}
