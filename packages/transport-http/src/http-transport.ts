import { createServer } from 'node:http'
import {
  type Address,
  drainingError,
  LifecycleError,
  type Transport,
  type TransportHost,
  type TransportServer,
} from '@tenon/core/transport'
import { fastify, type FastifyInstance } from 'fastify'
import { refuseSocket, toRequestError } from './fastify-fault.ts'
import { type HttpOptions, type HttpSettings, resolveHttpOptions } from './http-options.ts'
import { lingerAfter } from './reply/linger.ts'
import { compileNotFound, mountRoutes, takesItems } from './route/mount-route.ts'
import { OpenReplies } from './reply/open-replies.ts'
import { BodyReader } from './input/read-body.ts'
import { type HttpRoute, routesOf } from './route/route-table.ts'
import { writeFailure } from './reply/write-reply.ts'

/**
 * Serves every operation that has a route as REST, over Fastify.
 *
 * @throws ConfigError `config.out_of_range`, `config.malformed`
 */
export function httpTransport(options: HttpOptions = {}): Transport {
  // Here already, so that what is wrong is told where it is written.
  resolveHttpOptions(options)
  return Object.freeze({
    name: 'http',
    carries: ({ http }) => http !== undefined,
    bind: (host) => {
      const port = host.takesFreePorts === true ? { port: 0 } : {}
      return new HttpServer(resolveHttpOptions({ ...options, host: options.host ?? host.defaultHost, ...port }), host)
    },
  } satisfies Transport)
}

/** Longer than the 60 s after which a load balancer of AWS closes an idle connection, so that it is never us who race it. @see Fastify, keepAliveTimeout */
const keepAliveTimeoutMs = 72_000

/** Longest time the head of a request may take to arrive. @see Node, server.headersTimeout: the same */
const headersTimeoutMs = 60_000

/** Longest time a whole request may take to arrive, unless it is a stream. @see Node, server.requestTimeout: the same */
const requestTimeoutMs = 300_000

/** The limit is Node's, on the whole header section. @see Node http.maxHeaderSize */
const longestParameterCharacters = 16_384

/** A guess: how long the last replies may take to leave, once nothing else is waited for. */
const lastRepliesMs = 200

class HttpServer implements TransportServer {
  readonly #settings: HttpSettings
  readonly #replies = new OpenReplies()
  readonly #bodies: BodyReader
  readonly #fastify: FastifyInstance
  #isCut = false
  #closed: Promise<void> | undefined

  constructor(settings: HttpSettings, host: TransportHost) {
    this.#settings = settings
    const routes = routesOf(host.operations)
    const hasItems = routes.some(takesItems)
    const timeoutMs = hasItems ? requestTimeoutMs : undefined
    this.#bodies = new BodyReader({ limitBytes: settings.bodyLimitBytes, timeoutMs })
    this.#fastify = buildFastify(settings, { host, routes, hasItems, replies: this.#replies, bodies: this.#bodies })
  }

  async listen(): Promise<readonly Address[]> {
    const { host, port } = this.#settings
    await this.#fastify.ready()
    try {
      await this.#fastify.listen({ host, port })
    } catch (cause) {
      throw listenFailed(this.#settings, cause)
    }
    const address = this.#fastify.server.address()
    return [{ protocol: 'http', host, port: typeof address === 'object' && address !== null ? address.port : port }]
  }

  withdraw(): void {
    this.#replies.withdraw()
  }

  async drain(signal: AbortSignal): Promise<number> {
    this.#replies.withdraw()
    const running = this.#replies.seal()
    // The dispatcher would refuse them when they are complete, which may be never.
    this.#bodies.refuseAll(drainingError())
    await running.emptied(signal)
    if (running.count === 0) return 0
    this.#isCut = true
    await running.emptied(AbortSignal.timeout(lastRepliesMs))
    return running.count
  }

  close(): Promise<void> {
    this.#closed ??= this.#shut()
    return this.#closed
  }

  async #shut(): Promise<void> {
    this.#replies.withdraw()
    const { server } = this.#fastify
    if (server.listening) server.close()
    this.#bodies.refuseAll(drainingError())
    // A request may have come after the drain began; it is being refused, which takes no time.
    if (!this.#isCut) await this.#replies.seal().emptied(AbortSignal.timeout(lastRepliesMs))
    await this.#fastify.close()
  }
}

interface ServerParts {
  readonly host: TransportHost
  readonly routes: readonly HttpRoute[]
  /** Whether some request is a stream of items, which may take as long as it likes. */
  readonly hasItems: boolean
  readonly replies: OpenReplies
  readonly bodies: BodyReader
}

function buildFastify(settings: HttpSettings, parts: ServerParts): FastifyInstance {
  const { replies, hasItems } = parts
  const server = fastify({
    logger: false,
    bodyLimit: settings.bodyLimitBytes,
    // By the time Fastify closes, nothing is waited for: an idle connection must not hold up the end of the process.
    forceCloseConnections: true,
    return503OnClosing: false,
    routerOptions: { maxParamLength: longestParameterCharacters },
    clientErrorHandler: refuseSocket,
    frameworkErrors: (error, _request, reply) => writeFailure(reply, { error: toRequestError(error) }),
    // Only routes that `configure` adds have schemas for Fastify; its compilers take longer to load than all the rest here.
    ...(settings.configure === undefined && { schemaController: { compilersFactory: noCompilers } }),
    serverFactory: (handle) =>
      createServer(
        {
          keepAliveTimeout: keepAliveTimeoutMs,
          headersTimeout: headersTimeoutMs,
          requestTimeout: hasItems ? 0 : requestTimeoutMs,
        },
        (request, reply) => {
          replies.enter(reply)
          lingerAfter(reply, request)
          handle(request, reply)
        },
      ),
  })
  settings.configure?.(server)
  // A scope of its own: bodies stay bytes here, while routes that `configure` added keep Fastify's parsers.
  server.register(async (scope) => mountService(scope, { ...parts, settings }))
  return server
}

const noCompilers = { buildValidator: neverBuilt, buildSerializer: neverBuilt }

function neverBuilt(): never {
  throw new Error('no route of a contract has a schema for Fastify')
}

interface ServiceParts extends ServerParts {
  readonly settings: HttpSettings
}

function mountService(scope: FastifyInstance, { settings, host, routes, replies, bodies }: ServiceParts): void {
  const notFound = compileNotFound(routes)
  scope.setNotFoundHandler(notFound)
  scope.setErrorHandler((thrown, request, reply) => {
    if (request.is404) return notFound(request, reply)
    const error = toRequestError(thrown)
    if (error.code === 'internal') host.log.error({ err: thrown }, 'a request failed outside any operation')
    if (replies.isWithdrawn) reply.header('connection', 'close')
    writeFailure(reply, { error })
  })
  const { bodyLimitBytes, maxTimeoutMs } = settings
  mountRoutes(scope, routes, { replies, bodies, bodyLimitBytes, maxTimeoutMs, log: host.log })
}

function listenFailed({ host, port }: HttpSettings, cause: unknown): LifecycleError {
  const isTaken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
  const reason = isTaken ? 'the port is taken' : cause instanceof Error ? cause.message : String(cause)
  const message = `the HTTP server cannot listen on ${host}:${port}: ${reason}; change the options port or host of httpTransport (or TENON_HOST)`
  return new LifecycleError([{ code: 'service.listen_failed', message }], cause)
}
