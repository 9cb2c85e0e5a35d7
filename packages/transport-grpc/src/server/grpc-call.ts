import { X509Certificate } from 'node:crypto'
import type { Metadata as GrpcMetadata } from '@grpc/grpc-js'
import { type CallConvention, peerAttributes, type SizeObserver } from '@tenon/core/telemetry'
import type { Arrival, Metadata } from '@tenon/core/transport'
import { readMetadata } from '../wire/grpc-metadata.ts'

/** A server call as far as it is used here, of any kind. */
export interface ServerCall {
  readonly metadata: GrpcMetadata
  readonly cancelled: boolean
  getPeer(): string
  getAuthContext(): { readonly sslPeerCertificate?: { readonly raw: Buffer } }
  getDeadline(): Date | number
  once(event: 'cancelled', listener: () => void): unknown
}

/** What calls of one method share. */
export interface CallReading<Call> {
  /** @param counted To be told of each message that is read. */
  readonly read: (call: Call, counted: CountBytes) => unknown
  /** How OpenTelemetry is told of them. */
  readonly convention: CallConvention
}

/** Takes how long a message is. */
export type CountBytes = (message: Buffer) => void

/** A gRPC call as the dispatcher sees it. */
export class GrpcCall<Call extends ServerCall = ServerCall> implements Arrival {
  readonly transport = 'grpc'
  readonly #call: Call
  readonly #reading: CallReading<Call>
  #metadata: Metadata | undefined
  #sizes: SizeObserver | undefined
  #isAnswered = false

  constructor(call: Call, reading: CallReading<Call>) {
    this.#call = call
    this.#reading = reading
  }

  get convention(): CallConvention {
    return this.#reading.convention
  }

  get metadata(): Metadata {
    this.#metadata ??= readMetadata(this.#call.metadata)
    return this.#metadata
  }

  get peer(): string {
    return this.#call.getPeer()
  }

  /** grpc-js has none of a caller that was let in unchecked. @see grpc-js 1.14, server-interceptors.ts, getAuthContext */
  get certificate(): X509Certificate | undefined {
    const shown = this.#call.getAuthContext().sslPeerCertificate
    return shown && new X509Certificate(shown.raw)
  }

  spanAttributes() {
    return peerAttributes(this.peer)
  }

  measureBy(sizes: SizeObserver): void {
    this.#sizes = sizes
  }

  get timeoutMs(): number | undefined {
    const deadline = this.#call.getDeadline()
    return deadline === Number.POSITIVE_INFINITY ? undefined : Math.max(0, Number(deadline) - Date.now())
  }

  get signal(): AbortSignal {
    const controller = new AbortController()
    if (this.#call.cancelled) controller.abort()
    else {
      this.#call.once('cancelled', () => {
        // The same event follows every answer, and every deadline, which the dispatcher tells from a caller that leaves.
        if (!this.#isAnswered) controller.abort()
      })
    }
    return controller.signal
  }

  /** Says that the caller has its answer, so that its going means nothing any more. */
  end(): void {
    this.#isAnswered = true
  }

  decode(): unknown {
    return this.#reading.read(this.#call, this.#received)
  }

  /** The message, which is counted as one that the call is answered with. */
  sent(message: Buffer): Buffer {
    this.#sizes?.addBytes('response', message.length)
    return message
  }

  readonly #received: CountBytes = (message) => this.#sizes?.addBytes('request', message.length)
}
