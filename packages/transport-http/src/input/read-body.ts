import type { Readable } from 'node:stream'
import { ServiceError } from '@tenon/core/transport'
import type { FastifyRequest } from 'fastify'
import { requestFault } from '../http-status.ts'

/** Takes the whole body, or what is wrong with it. */
export type BodyDone = (error: Error | null, body?: Buffer) => void

export interface BodyLimits {
  readonly limitBytes: number
  /** Longest time a body may take to arrive; undefined where Node watches over it. */
  readonly timeoutMs: number | undefined
}

/** Reads whole bodies, and knows those that still arrive, so that a drain need not wait for a caller who sends no more. */
export class BodyReader {
  readonly #limits: BodyLimits
  readonly #arriving = new Set<ArrivingBody>()

  constructor(limits: BodyLimits) {
    this.#limits = limits
  }

  /** Hands over `resource_exhausted` with reason `body_too_large` as soon as the body is known to be larger than the limit. */
  read({ headers }: Pick<FastifyRequest, 'headers'>, payload: Readable, done: BodyDone): void {
    const { limitBytes, timeoutMs } = this.#limits
    if (Number(headers['content-length']) > limitBytes) return done(bodyTooLarge(limitBytes))
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => body.end(tooLate()), timeoutMs)
    timer?.unref()
    const body = new ArrivingBody(payload, limitBytes, (error, bytes) => {
      clearTimeout(timer)
      this.#arriving.delete(body)
      done(error, bytes)
    })
    this.#arriving.add(body)
  }

  /** Ends the wait for every body that is not complete. */
  refuseAll(error: ServiceError): void {
    for (const body of this.#arriving) body.end(error)
  }
}

/** What is told of a body that ended before it was complete. */
export function lostBody(cause: Error | null): ServiceError {
  // What Node's own stream says is that the connection was lost; a plugin may have put another in its place.
  if (cause === null || ('code' in cause && cause.code === 'ECONNRESET'))
    return new ServiceError('cancelled', 'the caller left before its request was complete')
  return new ServiceError('invalid_argument', 'the body cannot be read', { reason: 'undecodable', cause })
}

/** What is told of a body that did not come in time. */
export function tooLate(): ServiceError {
  return requestFault('request_timeout', 'the request did not arrive in time')
}

function bodyTooLarge(limitBytes: number): ServiceError {
  return requestFault('body_too_large', `the body must be at most ${limitBytes} bytes`)
}

class ArrivingBody {
  readonly #payload: Readable
  readonly #limitBytes: number
  readonly #done: BodyDone
  readonly #chunks: Buffer[] = []
  #lengthBytes = 0

  constructor(payload: Readable, limitBytes: number, done: BodyDone) {
    this.#payload = payload
    this.#limitBytes = limitBytes
    this.#done = done
    payload.on('data', this.#take).on('end', this.#complete).on('error', this.#lose)
  }

  /** Takes no more; what still comes is for Node to drop. */
  end(error: Error): void {
    this.#payload.off('data', this.#take).off('end', this.#complete).off('error', this.#lose)
    this.#done(error)
  }

  readonly #take = (chunk: Buffer): void => {
    this.#lengthBytes += chunk.length
    if (this.#lengthBytes > this.#limitBytes) this.end(bodyTooLarge(this.#limitBytes))
    else this.#chunks.push(chunk)
  }

  readonly #complete = (): void => {
    // The others are never called again; this one is when the caller leaves before it is answered.
    this.#payload.off('error', this.#lose)
    this.#done(null, this.#whole())
  }

  readonly #lose = (cause: Error): void => this.end(lostBody(cause))

  /** Without a copy where it came in one piece, as small bodies do. */
  #whole(): Buffer {
    const [only] = this.#chunks
    return only !== undefined && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks, this.#lengthBytes)
  }
}
