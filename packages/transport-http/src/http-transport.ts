import { Server as TlsServer } from 'node:tls'
import {
  type Address,
  drainingError,
  type IdleTime,
  lastRepliesMs,
  LifecycleError,
  secureServer,
  toIdleTime,
  type Transport,
  type TransportHost,
  type DrainTime,
  type TransportServer,
} from '@tenon/core/transport'
import type { FastifyInstance } from 'fastify'
import { type HttpOptions, type HttpSettings, resolveHttpOptions } from './http-options.ts'
import { BodyReader } from './input/read-body.ts'
import { OpenReplies } from './reply/open-replies.ts'
import { compileProbes } from './probe/answer-probe.ts'
import { nativeConflict } from './probe/probe-options.ts'
import { takesItems } from './route/mount-route.ts'
import { routesOf } from './route/route-table.ts'
import { buildFastify } from './server/build-fastify.ts'
import { Connections } from './server/connections.ts'
import { compileListener } from './server/listener.ts'
import { createNativeServer } from './server/native-server.ts'
import { mountBelow } from './server/path-prefix.ts'
import type { ReplyMatter } from './server/reply-class.ts'
import { readSecurityHeaders } from './plugin/security-headers.ts'

/**
 * Serves every operation that has a route as REST, over Fastify.
 *
 * @throws ConfigError `config.out_of_range`, `config.malformed`
 */
export function httpTransport(options: HttpOptions = {}): Transport {
  // Here already, so that what is wrong is told where it is written.
  const { probes } = resolveHttpOptions(options)
  return Object.freeze({
    name: 'http',
    carries: ({ http }) => http !== undefined,
    listensAt: (defaultHost) => [placeOf(resolveHttpOptions({ ...options, host: options.host ?? defaultHost }))],
    ...(probes.size > 0 && { probes }),
    bind: (host) => {
      const port = host.takesFreePorts === true ? { port: 0 } : {}
      return new HttpServer(resolveHttpOptions({ ...options, host: options.host ?? host.defaultHost, ...port }), host)
    },
  } satisfies Transport)
}

/** A probe answers these, and refuses all others. */
const probedMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

class HttpServer implements TransportServer {
  readonly #settings: HttpSettings
  readonly #host: TransportHost
  readonly #replies = new OpenReplies(() => this.#connections.replied())
  readonly #matter: ReplyMatter = { replies: this.#replies, fixedHeaders: undefined }
  readonly #bodies: BodyReader
  readonly #fastify: FastifyInstance
  readonly #connections: Connections
  #certificate: Disposable | undefined
  readonly #idleTime: IdleTime
  #turning: NodeJS.Timeout | undefined
  #isCut = false
  #closed: Promise<void> | undefined

  constructor(settings: HttpSettings, host: TransportHost) {
    this.#settings = settings
    this.#host = host
    this.#idleTime = toIdleTime(settings.keepAliveTimeoutMs, host.deregisterDelayMs)
    const routes = mountBelow(settings.pathPrefix, routesOf(host.operations))
    const hasItems = routes.some(takesItems)
    // Node watches over bodies of HTTP/1 only, and not where one may take as long as it likes.
    const timeoutMs = hasItems || settings.http2 ? settings.requestTimeoutMs : undefined
    this.#bodies = new BodyReader({ limitBytes: settings.bodyLimitBytes, timeoutMs })
    const { http2, headerLimitBytes, connectionLimit, probes } = settings
    const listening = {
      replies: this.#replies,
      http2,
      headerLimitBytes,
      answerProbe: compileProbes(probes, host),
      connections: () => this.#connections,
    }
    this.#fastify = buildFastify({
      settings,
      host,
      routes,
      bodies: this.#bodies,
      createServer: (handle) =>
        createNativeServer(
          { settings, hasItems, matter: this.#matter, idleTime: this.#idleTime },
          compileListener(listening, handle),
        ),
    })
    this.#connections = new Connections(this.#fastify.server, { log: host.log, connectionLimit })
  }

  async listen(): Promise<readonly Address[]> {
    const { host, port } = this.#settings
    await this.#prepare()
    try {
      await this.#fastify.listen({ host, port })
    } catch (cause) {
      throw listenFailed(this.#settings, cause)
    }
    const address = this.#fastify.server.address()
    const taken = typeof address === 'object' && address !== null ? { port: address.port } : {}
    return [{ ...placeOf(this.#settings), ...taken }]
  }

  withdraw(): void {
    this.#replies.withdraw()
    const { servedMs } = this.#idleTime
    if (servedMs > 0) this.#turning ??= setTimeout(() => this.#connections.drain(), servedMs).unref()
  }

  async drain(signal: AbortSignal, { graceMs }: Partial<DrainTime> = {}): Promise<number> {
    this.#replies.withdraw()
    const running = this.#replies.seal()
    // The dispatcher would refuse them when they are complete, which may be never.
    this.#bodies.refuseAll(drainingError())
    this.#connections.drain()
    await running.emptied(signal)
    if (running.count === 0) return 0
    this.#isCut = true
    // Half of what the service still waits, so that what is cut then is told in time.
    await running.emptied(AbortSignal.timeout(Math.min(lastRepliesMs, Math.round((graceMs ?? 2 * lastRepliesMs) / 2))))
    return running.count
  }

  close(): Promise<void> {
    this.#closed ??= this.#shut()
    return this.#closed
  }

  /** Everything that is loaded or read for the options that are switched on. */
  async #prepare(): Promise<void> {
    const { tls, plugins } = this.#settings
    const { securityHeaders } = plugins
    if (securityHeaders !== undefined) {
      this.#matter.fixedHeaders = await readSecurityHeaders(securityHeaders, tls !== undefined)
    }
    const { server } = this.#fastify
    if (tls !== undefined && server instanceof TlsServer) {
      this.#certificate = await secureServer(server, tls, this.#host.log)
    }
    await this.#fastify.ready()
    for (const [url, name] of this.#settings.probes) {
      if (probedMethods.some((method) => this.#fastify.hasRoute({ method, url }))) throw nativeConflict(url, name)
    }
  }

  async #shut(): Promise<void> {
    this.#replies.withdraw()
    clearTimeout(this.#turning)
    this.#certificate?.[Symbol.dispose]()
    await this.#connections.refuseNew()
    this.#bodies.refuseAll(drainingError())
    this.#connections.drain()
    // A request may have come after the drain began; it is being refused, which takes no time.
    if (!this.#isCut) await this.#replies.seal().emptied(AbortSignal.timeout(lastRepliesMs))
    await this.#connections.close(this.#isCut ? 0 : lastRepliesMs)
    await this.#fastify.close()
  }
}

function placeOf({ host, port, tls }: HttpSettings): Address {
  return { protocol: tls === undefined ? 'http' : 'https', host, port }
}

function listenFailed({ host, port }: HttpSettings, cause: unknown): LifecycleError {
  const isTaken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
  const reason = isTaken ? 'the port is taken' : cause instanceof Error ? cause.message : String(cause)
  const message = `the HTTP server cannot listen on ${host}:${port}: ${reason}; change the options port or host of httpTransport (or TENON_HOST)`
  return new LifecycleError([{ code: 'service.listen_failed', message }], cause)
}
