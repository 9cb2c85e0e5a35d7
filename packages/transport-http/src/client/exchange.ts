import type { IncomingHttpHeaders } from 'node:http'
import { markNotSent } from '@tenon/core/client'
import { ServiceError } from '@tenon/core/transport'
import type { Dispatcher } from 'undici'

type Controller = Dispatcher.DispatchController

/** The head of a reply. Its body waits in the exchange. */
export interface ReplyHead {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

export interface ExchangeOptions {
  /** Ends the exchange with its reason. */
  readonly signal: AbortSignal
  /** `host:port`, for messages. */
  readonly address: string
}

/** What is known of a connection. */
export interface Connection {
  /** Whether a reply has come over it in whole. */
  hasAnswered: boolean
}

/** Why no reply came, or not all of one. */
const lossReasons = {
  /** Nothing was sent: the call may be made again, whatever it does. */
  notSent: 'connection_failed',
  /** The request was sent, in part at least: it may have been carried out. */
  maybeSent: 'connection_lost',
} as const

/**
 * One request and its reply, as undici tells of them. What comes in waits here for its reader; when much waits, the connection is
 * read no further, which holds the server back.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Tells over which connection it goes when it is sent; given by whoever sends it. */
  connectionNow: (() => Connection) | undefined
  readonly #options: ExchangeOptions
  readonly #head = Promise.withResolvers<ReplyHead>()
  #chunks: Buffer[] = []
  #waitingBytes = 0
  #controller: Controller | undefined
  #connection: Connection | undefined
  #isConnectionProven = false
  #hasReply = false
  #trailers: IncomingHttpHeaders | undefined
  #hasEnded = false
  #failure: { readonly error: unknown } | undefined
  #wake: () => void = () => undefined
  readonly #ended = Promise.withResolvers<void>()

  constructor(options: ExchangeOptions) {
    this.#options = options
    // The failure of an exchange that nobody waits for is told to nobody.
    this.#head.promise.catch(() => undefined)
    const { signal } = options
    if (signal.aborted) this.#abort()
    else signal.addEventListener('abort', this.#abort, { once: true })
  }

  /** @throws what the signal was fired with; ServiceError `unavailable` for a connection that failed. */
  get head(): Promise<ReplyHead> {
    return this.#head.promise
  }

  /**
   * Whether it failed after something was sent and before anything of a reply came, over a connection that had answered before: the
   * server may have closed an idle one just then.
   */
  get wasDropped(): boolean {
    return this.#failure !== undefined && this.#isConnectionProven && !this.#hasReply
  }

  /** Resolves when the reply has come in whole, or never will, whether somebody reads it or not. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** What stood behind the body; undefined before the reply has come in whole. */
  get trailers(): IncomingHttpHeaders | undefined {
    return this.#trailers
  }

  /** Whether it failed before anything was sent, because there was no connection. */
  get wasNotSent(): boolean {
    return this.#failure !== undefined && this.#controller === undefined && !this.#options.signal.aborted
  }

  /** The bytes of the body as they come. @throws as `head` */
  async *body(): AsyncGenerator<Buffer> {
    for (;;) {
      // What came in before a failure is of no use to anybody: half a reply, or items of a call that was given up.
      if (this.#failure) throw this.#failure.error
      const chunks = this.#chunks
      if (chunks.length > 0) {
        this.#chunks = []
        this.#waitingBytes = 0
        this.#controller?.resume()
        yield* chunks
      } else if (this.#hasEnded) return
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  onRequestStart(controller: Controller): void {
    if (this.#failure) return controller.abort(aborted)
    this.#controller = controller
    this.#connection = this.connectionNow?.()
    this.#isConnectionProven = this.#connection?.hasAnswered ?? false
  }

  onResponseStarted(): void {
    this.#hasReply = true
  }

  onResponseStart(_controller: Controller, status: number, headers: IncomingHttpHeaders): void {
    this.#hasReply = true
    // 103 and the like come before the reply. @see RFC 9110 section 15.2
    if (status >= 200) this.#head.resolve({ status, headers })
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#failure) return
    this.#chunks.push(chunk)
    this.#waitingBytes += chunk.length
    if (this.#waitingBytes >= longestWaitBytes) controller.pause()
    this.#wake()
  }

  onResponseEnd(_controller: Controller, trailers: IncomingHttpHeaders): void {
    if (this.#failure) return
    this.#trailers = trailers
    this.#hasEnded = true
    if (this.#connection) this.#connection.hasAnswered = true
    this.#settle()
  }

  onResponseError(_controller: Controller | null, cause: Error): void {
    this.#fail(this.#toError(cause))
  }

  readonly #abort = (): void => {
    this.#fail(this.#options.signal.reason)
    this.#controller?.abort(aborted)
  }

  #fail(error: unknown): void {
    if (this.#failure || this.#hasEnded) return
    this.#failure = { error }
    this.#chunks = []
    this.#head.reject(error)
    this.#settle()
  }

  #settle(): void {
    this.#options.signal.removeEventListener('abort', this.#abort)
    this.#ended.resolve()
    this.#wake()
  }

  #toError(cause: Error): ServiceError {
    const { address } = this.#options
    if (this.#controller === undefined) {
      const reason = lossReasons.notSent
      return markNotSent(new ServiceError('unavailable', `no connection to ${address}`, { reason, cause }))
    }
    const message = `the connection to ${address} was lost ${this.#hasReply ? 'during' : 'before'} the reply`
    return new ServiceError('unavailable', message, { reason: lossReasons.maybeSent, cause })
  }
}

/** As much as a window of HTTP/2. @see RFC 9113 section 6.9.2 */
const longestWaitBytes = 65_536
/** What undici is told; the caller learns the signal's reason. */
const aborted = new Error('the call was given up')
