import type { Metadata } from '../../../call/call.ts'
import type { OutgoingCall } from '../../client-transport.ts'

/** Keeps what the reply to one attempt says beside its output until it is known that no other takes its place. */
export class HeldReply {
  readonly #call: OutgoingCall
  #isTold = false
  #headers: Metadata | undefined
  #trailers: Metadata | undefined

  private constructor(call: OutgoingCall) {
    this.#call = call
  }

  /** Undefined where nobody listens. */
  static for(call: OutgoingCall): HeldReply | undefined {
    return call.onHeaders || call.onTrailers ? new HeldReply(call) : undefined
  }

  readonly onHeaders = (headers: Metadata): void => {
    if (this.#isTold) this.#call.onHeaders?.(headers)
    else this.#headers = headers
  }

  readonly onTrailers = (trailers: Metadata): void => {
    if (this.#isTold) this.#call.onTrailers?.(trailers)
    else this.#trailers = trailers
  }

  /** What was kept, and from now on what comes. */
  tell(): void {
    if (this.#isTold) return
    this.#isTold = true
    if (this.#headers) this.#call.onHeaders?.(this.#headers)
    if (this.#trailers) this.#call.onTrailers?.(this.#trailers)
  }
}
