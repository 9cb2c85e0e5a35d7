import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerRequest } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TlsOptions as NodeTlsOptions } from 'node:tls'
import type { IdleTime, TlsSettings } from '@tenon/core/transport'
import type { HttpSettings } from '../http-options.ts'
import { http2ReplyClass } from './http2-reply-class.ts'
import { isHttp2 } from './http2-request.ts'
import { refuseOn, tunnelFault } from './refuse-request.ts'
import { reservedCount } from './reserve.ts'
import { type ReplyMatter, replyClass } from './reply-class.ts'

export interface NativeServerOptions {
  readonly settings: HttpSettings
  readonly matter: ReplyMatter
  /** Whether some request is a stream of items, which may take as long as it likes. */
  readonly hasItems: boolean
  readonly idleTime: IdleTime
}

/**
 * The server that Fastify works on: plain, over TLS, or over TLS with HTTP/2. Over TLS it listens without a certificate until it
 * is given one by `setSecureContext`.
 */
export function createNativeServer(options: NativeServerOptions, serve: RequestListener): Server {
  const { settings } = options
  const { tls, http2, connectionLimit, probes } = settings
  const http1 = toHttp1Options(options)
  const server =
    tls === undefined
      ? createServer(http1, serve)
      : http2
        ? createHttp2Server(options, { ...http1, ...toNodeTls(tls, settings) }, serve)
        : createTlsServer({ ...http1, ...toNodeTls(tls, settings) }, serve)
  server.on('checkExpectation', serve)
  server.on('connect', (request: IncomingMessage | Http2ServerRequest, to: Socket | ServerResponse) => {
    if (isHttp2(request)) serve(request as unknown as IncomingMessage, to as ServerResponse)
    else refuseTunnel(to as Socket)
  })
  if (connectionLimit !== undefined) server.maxConnections = connectionLimit + (probes.size > 0 ? reservedCount : 0)
  return server
}

/** Node has let go of the connection: nobody else reads it, or hears that it is lost. @see Node, the event `connect` */
function refuseTunnel(socket: Socket): void {
  socket.on('error', () => undefined).resume()
  refuseOn(socket, tunnelFault())
}

/** Node looks at its time limits this often, unless one is so short that it would be missed by far. @see Node, connectionsCheckingInterval */
const checkIntervalMs = 30_000

function toHttp1Options({ settings, hasItems, matter, idleTime }: NativeServerOptions) {
  const { headersTimeoutMs, requestTimeoutMs, headerLimitBytes } = settings
  return {
    // Answered by us, so that the caller is told what is missing.
    requireHostHeader: false,
    ServerResponse: replyClass(matter),
    maxHeaderSize: headerLimitBytes,
    // Node tells callers the one, and closes after both.
    keepAliveTimeout: idleTime.toldMs,
    keepAliveTimeoutBuffer: idleTime.untoldMs,
    headersTimeout: headersTimeoutMs,
    requestTimeout: hasItems ? 0 : requestTimeoutMs,
    connectionsCheckingInterval: Math.min(checkIntervalMs, headersTimeoutMs, requestTimeoutMs),
  }
}

function toNodeTls({ clientCertificate, minVersion }: TlsSettings, settings: HttpSettings): NodeTlsOptions {
  return {
    minVersion,
    requestCert: clientCertificate !== 'none',
    rejectUnauthorized: clientCertificate === 'require',
    handshakeTimeout: settings.headersTimeoutMs,
  }
}

/** The number of requests a caller may have open on one connection. @see RFC 9113 section 6.5.2: not below 100 */
const concurrentStreamCount = 100

function createHttp2Server(
  { settings, matter }: NativeServerOptions,
  http1: ReturnType<typeof toHttp1Options> & NodeTlsOptions,
  serve: RequestListener,
): Server {
  const { headerLimitBytes, keepAliveTimeoutMs } = settings
  const server = createSecureServer({
    ...http1,
    allowHTTP1: true,
    Http2ServerResponse: http2ReplyClass(matter),
    settings: { maxConcurrentStreams: concurrentStreamCount, maxHeaderListSize: headerLimitBytes },
  })
  // Node 22 takes these for HTTP/1 from the server only.
  const { keepAliveTimeout, keepAliveTimeoutBuffer } = http1
  Object.assign(server, { keepAliveTimeout, keepAliveTimeoutBuffer })
  server.on('session', (session) => {
    // Only idle ones: requests that are under way are finished.
    session.setTimeout(keepAliveTimeoutMs, () => session.close())
  })
  // Requests of both versions are of one shape, and so are replies of the classes above; only Node's types keep them apart.
  const compatible = server as unknown as Server
  return compatible.on('request', serve)
}
