import type { ServerResponse } from 'node:http'

/** Counts the requests that have no complete reply yet, whoever answers them. */
export class OpenReplies {
  readonly #left: () => void
  #batch: ReplyBatch
  #isWithdrawn = false

  /** @param left Called after each reply that is over. */
  constructor(left: () => void = () => undefined) {
    this.#left = left
    this.#batch = new ReplyBatch(left)
  }

  /** Whether callers are to be told to go elsewhere. */
  get isWithdrawn(): boolean {
    return this.#isWithdrawn
  }

  withdraw(): void {
    this.#isWithdrawn = true
  }

  /** Follows a reply until it is written or its connection is gone. */
  enter(reply: ServerResponse): void {
    this.#batch.enter(reply)
    if (reply.socket === null) followPipelined(reply)
  }

  /** The replies that are open now. Later ones are counted apart, so that a stream of refusals holds nothing up. */
  seal(): ReplyBatch {
    const sealed = this.#batch
    this.#batch = new ReplyBatch(this.#left)
    return sealed
  }
}

/** Replies that are waited for together. */
export class ReplyBatch {
  #count = 0
  #empty: PromiseWithResolvers<void> | undefined
  readonly #leave = () => this.#left()
  readonly #tellLeft: () => void

  constructor(tellLeft: () => void) {
    this.#tellLeft = tellLeft
  }

  /** How many are open. */
  get count(): number {
    return this.#count
  }

  enter(reply: ServerResponse): void {
    this.#count += 1
    // One shared listener and a number: a set of replies costs three times as much a request. Once, because a reply that was
    // closed with its connection is closed again when it is answered afterwards.
    reply.once('close', this.#leave)
  }

  /** Resolves when none is open, or when the signal fires before. */
  async emptied(signal: AbortSignal): Promise<void> {
    if (this.#count === 0 || signal.aborted) return
    this.#empty ??= Promise.withResolvers()
    const aborted = Promise.withResolvers<void>()
    const abort = () => aborted.resolve()
    signal.addEventListener('abort', abort, { once: true })
    try {
      await Promise.race([this.#empty.promise, aborted.promise])
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  #left(): void {
    this.#count -= 1
    this.#tellLeft()
    if (this.#count === 0) this.#empty?.resolve()
  }
}

/**
 * A reply to a pipelined request has no socket before the replies ahead of it are written; Node 22 never closes it when the
 * connection is lost until then.
 *
 * @see lib/_http_server.js of Node: parserOnIncoming, onServerResponseClose; Node 24.21 closes it
 */
function followPipelined(reply: ServerResponse): void {
  const { socket } = reply.req
  const lost = () => {
    if (reply.closed) return
    // What is written from here on is dropped, as on a reply that had the connection when it was lost.
    reply.destroy()
    reply.emit('close')
  }
  socket.setMaxListeners(0).once('close', lost)
  reply.once('close', () => socket.off('close', lost))
}
