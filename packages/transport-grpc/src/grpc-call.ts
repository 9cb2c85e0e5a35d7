import type { Metadata as GrpcMetadata } from '@grpc/grpc-js'
import type { Arrival, Metadata } from '@tenon/core/transport'
import type { MessageCodec } from './message-codec.ts'

/** A server call as far as it is used here, of any kind. */
export interface ServerCall {
  readonly metadata: GrpcMetadata
  readonly cancelled: boolean
  getPeer(): string
  getDeadline(): Date | number
  once(event: 'cancelled', listener: () => void): unknown
}

/** A gRPC call as the dispatcher sees it. */
export class GrpcCall implements Arrival {
  readonly transport = 'grpc'
  readonly #call: ServerCall
  readonly #request: Buffer
  readonly #codec: MessageCodec
  #metadata: Metadata | undefined

  constructor(call: ServerCall, request: Buffer, codec: MessageCodec) {
    this.#call = call
    this.#request = request
    this.#codec = codec
  }

  get metadata(): Metadata {
    this.#metadata ??= toMetadata(this.#call.metadata)
    return this.#metadata
  }

  get peer(): string {
    return this.#call.getPeer()
  }

  get timeoutMs(): number | undefined {
    const deadline = this.#call.getDeadline()
    const leftMs = Number(deadline) - Date.now()
    return Number.isFinite(leftMs) ? Math.max(0, leftMs) : undefined
  }

  get signal(): AbortSignal {
    const controller = new AbortController()
    if (this.#call.cancelled) controller.abort()
    else this.#call.once('cancelled', () => controller.abort())
    return controller.signal
  }

  decode(): unknown {
    return this.#codec.decode(this.#request)
  }
}

/** The text values; binary ones, whose keys end in `-bin`, have no place in a call's metadata. */
function toMetadata(metadata: GrpcMetadata): Metadata {
  const texts: Record<string, string> = {}
  for (const [key, value] of Object.entries(metadata.getMap())) if (typeof value === 'string') texts[key] = value
  return texts
}
