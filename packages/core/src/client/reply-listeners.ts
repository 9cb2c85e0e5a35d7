import type { Metadata } from '../call/call.ts'

type Listener = (metadata: Metadata) => void

/** Who wants to know what a reply says beside its output. */
export interface ReplyListening {
  readonly onHeaders?: Listener | undefined
  readonly onTrailers?: Listener | undefined
}

/** Tells the caller's listeners what came, out of the reach of the transport that tells it: what they throw is kept for the call. */
export class ReplyListeners {
  readonly onHeaders: Listener | undefined
  readonly onTrailers: Listener | undefined
  #failure: { readonly error: unknown } | undefined

  constructor({ onHeaders, onTrailers }: ReplyListening) {
    this.onHeaders = onHeaders && this.#guard(onHeaders)
    this.onTrailers = onTrailers && this.#guard(onTrailers)
  }

  /** @throws what a listener threw. */
  requireSound(): void {
    if (this.#failure) throw this.#failure.error
  }

  #guard(listener: Listener): Listener {
    return (metadata) => {
      try {
        listener(metadata)
      } catch (error) {
        this.#failure ??= { error }
      }
    }
  }
}
