import type { Readable } from 'node:stream'
import { ServiceError } from '@tenon/core/transport'
import type { FastifyRequest } from 'fastify'
import { requestFault } from './http-status.ts'

/** Takes the whole body, or what is wrong with it. */
export type BodyDone = (error: Error | null, body?: Buffer) => void

/** Reads whole bodies, and knows those that still arrive, so that a drain need not wait for a caller who sends no more. */
export class BodyReader {
  readonly #limitBytes: number
  readonly #arriving = new Set<ArrivingBody>()

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** Hands over `resource_exhausted` with reason `body_too_large` as soon as the body is known to be larger than the limit. */
  read({ headers }: Pick<FastifyRequest, 'headers'>, payload: Readable, done: BodyDone): void {
    if (Number(headers['content-length']) > this.#limitBytes) return done(bodyTooLarge(this.#limitBytes))
    const body = new ArrivingBody(payload, this.#limitBytes, (error, bytes) => {
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

/** The words for a body that is larger than it may be. */
export function bodyTooLarge(limitBytes: number): ServiceError {
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
  end(error: Error | null, body?: Buffer): void {
    this.#payload.off('data', this.#take).off('end', this.#complete).off('error', this.#lose)
    this.#done(error, body)
  }

  readonly #take = (chunk: Buffer): void => {
    this.#lengthBytes += chunk.length
    if (this.#lengthBytes > this.#limitBytes) this.end(bodyTooLarge(this.#limitBytes))
    else this.#chunks.push(chunk)
  }

  readonly #complete = (): void => this.end(null, Buffer.concat(this.#chunks, this.#lengthBytes))

  readonly #lose = (cause: Error): void => {
    this.end(new ServiceError('cancelled', 'the caller left before its request was complete', { cause }))
  }
}
