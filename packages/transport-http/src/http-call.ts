import type { X509Certificate } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { type CallConvention, httpRequestAttributes, type SizeObserver } from '@tenon/core/telemetry'
import type { Arrival, Metadata } from '@tenon/core/transport'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { measureBodies } from './body-size.ts'
import { requestFault } from './http-status.ts'
import { pumpUntilAnswered } from './input/body-pump.ts'
import type { InputSource, PathValues } from './input/read-input.ts'
import type { IsAcceptable } from './reply/accept.ts'

/** What Fastify delivers of a request to an operation: its body as bytes or as a stream of them, everything else as text. */
export interface HttpShape {
  Params: PathValues
  Querystring: Record<string, string | string[] | undefined>
  Body: Buffer | Readable | undefined
}

export type HttpRequest = FastifyRequest<HttpShape>

/** What calls of one operation share. */
export interface CallReading {
  /** @throws ServiceError */
  readonly read: (source: InputSource, path: PathValues) => unknown
  readonly maxTimeoutMs: number
  /** How OpenTelemetry is told of requests with this method. */
  readonly conventionOf: (method: string) => CallConvention | undefined
  /** Whether an `Accept` header takes what the operation answers; undefined where a reply has no content. */
  readonly isAcceptable: IsAcceptable | undefined
}

export interface HttpExchange {
  readonly request: HttpRequest
  readonly reply: FastifyReply
  readonly path: PathValues
}

const timeoutHeader = 'x-request-timeout-ms'
const timeoutForm = /^[1-9]\d{0,14}$/

/** A request as the dispatcher sees it; whatever a handler may never ask for is made when it is asked for. */
export class HttpCall implements Arrival {
  readonly transport = 'http'
  readonly #exchange: HttpExchange
  readonly #reading: CallReading

  constructor(exchange: HttpExchange, reading: CallReading) {
    this.#exchange = exchange
    this.#reading = reading
  }

  get convention(): CallConvention | undefined {
    return this.#reading.conventionOf(this.#exchange.request.method)
  }

  get metadata(): Metadata {
    const { headers, method } = this.#exchange.request.raw
    // HTTP/2 has the request line among its headers.
    if (headers[':path'] !== undefined) return withoutRequestLine(headers, method)
    if (headers.range !== undefined && method !== 'GET') return withoutRange(headers)
    if (headers['set-cookie'] === undefined) return headers as Metadata
    // No header of a request, and the only one that Node makes a list of.
    const { 'set-cookie': _list, ...texts } = headers
    return texts as Metadata
  }

  get peer(): string | undefined {
    const { request } = this.#exchange
    const { remoteAddress, remotePort } = request.raw.socket
    if (remoteAddress === undefined) return undefined
    // Whom the option `trustProxy` lets a proxy name; of that caller's port nobody says anything.
    if (request.ip !== remoteAddress) return request.ip
    return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`
  }

  get certificate(): X509Certificate | undefined {
    // Over HTTP/2 it is a stand-in, which says that it is what it stands for.
    const { socket } = this.#exchange.request.raw
    return socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined
  }

  spanAttributes() {
    const { request } = this.#exchange
    const { httpVersion, headers, url = '' } = request.raw
    const host = headers.host ?? headers[':authority']?.toString()
    const { 'user-agent': userAgent } = headers
    const version = httpVersion === '2.0' ? '2' : httpVersion
    return httpRequestAttributes({ target: url, version, host, userAgent, client: request.ip })
  }

  measureBy(sizes: SizeObserver): void {
    measureBodies(this.#exchange, sizes)
  }

  /** A value that cannot be read is no timeout here; `decode` refuses it, once access was granted. */
  get timeoutMs(): number | undefined {
    const text = this.#exchange.request.raw.headers[timeoutHeader]
    if (typeof text !== 'string' || !timeoutForm.test(text)) return undefined
    return Math.min(Number(text), this.#reading.maxTimeoutMs)
  }

  get signal(): AbortSignal {
    const controller = new AbortController()
    const { request, reply } = this.#exchange
    const { raw } = reply
    if (request.body instanceof Readable) pumpUntilAnswered(request.body, raw)
    const abort = () => {
      if (!raw.writableFinished) controller.abort()
    }
    if (raw.destroyed || raw.req.socket.destroyed) abort()
    else raw.once('close', abort)
    return controller.signal
  }

  decode(): unknown {
    const { request, path } = this.#exchange
    const timeout = request.raw.headers[timeoutHeader]
    if (timeout !== undefined && !(typeof timeout === 'string' && timeoutForm.test(timeout))) {
      throw requestFault('malformed_header', `${timeoutHeader} must be a whole number above 0`, {
        header: timeoutHeader,
      })
    }
    this.#requireReadable()
    return this.#reading.read(request, path)
  }

  /** The router decodes the path and refuses what is not encoded as it should be; a query it leaves as it is. */
  #requireReadable(): void {
    const { headers, url = '' } = this.#exchange.request.raw
    if (url.includes('%') && !isDecodable(url))
      throw requestFault('malformed_request', 'the query is not percent-encoded as it should be')
    const { accept } = headers
    const { isAcceptable } = this.#reading
    if (accept === undefined || isAcceptable === undefined || isAcceptable(accept)) return
    throw requestFault('not_acceptable', `nothing that is answered here fits accept: ${accept}`)
  }
}

/** @see RFC 3986 section 2.1; what is encoded is UTF-8 */
function isDecodable(url: string): boolean {
  const start = url.indexOf('?')
  if (start === -1) return true
  try {
    decodeURIComponent(url.slice(start))
    return true
  } catch {
    return false
  }
}

/** What a caller sent as headers, and the host, which is one of them in HTTP/1.1. */
function withoutRequestLine(headers: IncomingHttpHeaders, method: string | undefined): Metadata {
  const {
    'set-cookie': _list,
    'transfer-encoding': _ours,
    ...texts
  } = method === 'GET' ? headers : withoutRange(headers)
  return Object.fromEntries(Object.entries(texts).filter(([name]) => !name.startsWith(':'))) as Metadata
}

/** @see RFC 9110 section 14.2: it has a meaning with GET alone */
function withoutRange(headers: IncomingHttpHeaders): Metadata {
  const { 'set-cookie': _list, range: _range, ...texts } = headers
  return texts as Metadata
}
