import type { Readable } from 'node:stream'
import type { Arrival, Metadata } from '@tenon/core/transport'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { requestFault } from './http-status.ts'
import type { InputSource, PathValues } from './input/read-input.ts'

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

  get metadata(): Metadata {
    const { headers } = this.#exchange.request.raw
    if (headers['set-cookie'] === undefined) return headers as Metadata
    // No header of a request, and the only one that Node makes a list of.
    const { 'set-cookie': _list, ...texts } = headers
    return texts as Metadata
  }

  get peer(): string | undefined {
    const { remoteAddress, remotePort } = this.#exchange.request.raw.socket
    if (remoteAddress === undefined) return undefined
    return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`
  }

  /** A value that cannot be read is no timeout here; `decode` refuses it, once access was granted. */
  get timeoutMs(): number | undefined {
    const text = this.metadata[timeoutHeader]
    if (text === undefined || !timeoutForm.test(text)) return undefined
    return Math.min(Number(text), this.#reading.maxTimeoutMs)
  }

  get signal(): AbortSignal {
    const controller = new AbortController()
    const { raw } = this.#exchange.reply
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
    return this.#reading.read(request, path)
  }
}
