import type { RequestListener, Server } from 'node:http'
import type { TransportHost } from '@tenon/core/transport'
import { type FastifyInstance, fastify, type FastifyServerOptions } from 'fastify'
import { refuseSocket, toRequestError } from '../fastify-fault.ts'
import type { HttpSettings } from '../http-options.ts'
import type { BodyReader } from '../input/read-body.ts'
import { type Documents, prepareDocuments } from '../openapi/mount-documents.ts'
import { requireFreePaths } from '../probe/probe-options.ts'
import { writeFailure } from '../reply/write-reply.ts'
import { compileNotFound, mountRoutes } from '../route/mount-route.ts'
import type { HttpRoute } from '../route/route-table.ts'
import { hasPlugins, isOverLimit, registerPlugins, withoutScope } from '../plugin/register-plugins.ts'

export interface FastifyParts {
  readonly settings: HttpSettings
  readonly host: TransportHost
  readonly routes: readonly HttpRoute[]
  readonly bodies: BodyReader
  /** Makes the server whose requests are handed over. */
  readonly createServer: (handle: RequestListener) => Server
}

/** Puts together what answers requests. Nothing is loaded or listens before `ready()`. */
export function buildFastify(parts: FastifyParts): FastifyInstance {
  const { settings, host, createServer } = parts
  const { configure, plugins } = settings
  const documents = prepareDocuments(parts)
  requireFreePaths(settings.probes, { routes: parts.routes, documents: documents.paths })
  const server = fastify({
    ...fastifyOptions(settings),
    serverFactory: (handle) => createServer(handle),
  })
  server.setErrorHandler(compileErrorHandler(host))
  if (hasPlugins(plugins)) server.register(withoutScope(async (root) => registerPlugins(root, plugins)))
  // Behind the plugins, so that its routes are covered by them.
  if (configure !== undefined) server.register(withoutScope(async (root) => void (await configure(root))))
  // A scope of its own: bodies stay bytes here, while routes that `configure` added keep Fastify's parsers.
  server.register(async (scope) => mountService(scope, { ...parts, documents }))
  return server
}

/** A server that has no route, and listens nowhere. */
export function emptyFastify(): FastifyInstance {
  return fastify({ logger: false })
}

function fastifyOptions({
  bodyLimitBytes,
  headerLimitBytes,
  trustProxy,
  configure,
}: HttpSettings): FastifyServerOptions {
  return {
    logger: false,
    bodyLimit: bodyLimitBytes,
    // By the time Fastify closes, nothing is waited for: an idle connection must not hold up the end of the process.
    forceCloseConnections: true,
    return503OnClosing: false,
    // The limit is on the whole header section, which a parameter is part of.
    routerOptions: { maxParamLength: headerLimitBytes },
    clientErrorHandler: refuseSocket,
    frameworkErrors: (error, _request, reply) => writeFailure(reply, { error: toRequestError(error) }),
    ...(trustProxy !== undefined && { trustProxy: toTrust(trustProxy) }),
    // Only routes that `configure` adds have schemas for Fastify; its compilers take longer to load than all the rest here.
    ...(configure === undefined && { schemaController: { compilersFactory: noCompilers } }),
  }
}

/** Fastify takes a number for no trust at all: who connects might be anybody. That nobody else can is what the option says. */
function toTrust(trust: number | readonly string[]): string[] | ((address: string, hop: number) => boolean) {
  return typeof trust === 'number' ? (_address, hop) => hop < trust : [...trust]
}

const noCompilers = { buildValidator: neverBuilt, buildSerializer: neverBuilt }

function neverBuilt(): never {
  throw new Error('no route of a contract has a schema for Fastify')
}

type ErrorHandler = Parameters<FastifyInstance['setErrorHandler']>[0]

function compileErrorHandler({ log }: TransportHost): ErrorHandler {
  return (thrown, _request, reply) => {
    const error = toRequestError(thrown)
    if (error.code === 'internal') log.error({ err: thrown }, 'a request failed outside any operation')
    writeFailure(reply, { error })
  }
}

interface ServiceParts extends FastifyParts {
  readonly documents: Documents
}

function mountService(scope: FastifyInstance, { settings, host, routes, bodies, documents }: ServiceParts): void {
  const { bodyLimitBytes, inputIdleTimeoutMs, maxTimeoutMs, plugins, tls } = settings
  const scheme = tls === undefined ? 'http' : 'https'
  const notFound = compileNotFound(routes, documents.paths)
  const handleError = compileErrorHandler(host)
  // Who looks for paths is counted too.
  const limit = plugins.rateLimit === undefined ? {} : { preHandler: scope.rateLimit() }
  scope.setNotFoundHandler(limit, notFound)
  scope.setErrorHandler((thrown, request, reply) => {
    // What is wrong with the body of a request to nowhere is nobody's concern.
    if (request.is404 && !isOverLimit(thrown)) return notFound(request, reply)
    handleError.call(scope, thrown, request, reply)
  })
  mountRoutes(scope, routes, { bodies, bodyLimitBytes, inputIdleTimeoutMs, maxTimeoutMs, scheme, log: host.log })
  documents.mount(scope)
}
