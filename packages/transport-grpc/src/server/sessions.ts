import {
  constants,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { GrpcSettings } from '../grpc-options.ts'
import { leaveStream } from './leave-stream.ts'
import { SessionLimits } from './session-limits.ts'

/** The largest number of a stream: none is refused. @see RFC 9113 section 6.8 */
const lastStreamId = 2 ** 31 - 1

/** Knows the HTTP/2 sessions that are open, and what each of them may do. */
export class Sessions {
  readonly #settings: GrpcSettings
  readonly #open = new Set<ServerHttp2Session>()
  readonly #limits = new WeakMap<Http2Session, SessionLimits>()
  /** Those that have their whole answer, though their caller has not said that its request is complete. */
  readonly #answered = new Set<ServerHttp2Stream>()
  #isFinishing = false

  constructor(settings: GrpcSettings) {
    this.#settings = settings
  }

  enter(session: ServerHttp2Session): void {
    this.#limits.set(session, new SessionLimits(session, this.#settings))
    this.#open.add(session)
    session.once('close', () => this.#open.delete(session))
  }

  /** Whether a stream is to be served. It is watched from here on. */
  admits(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const { session } = stream
    // Without one it is gone already.
    if (session === undefined || this.#limits.get(session)?.admits(stream, headers) !== true) return false
    stream.once('wantTrailers', () => this.#answer(stream))
    stream.once('finish', () => {
      if (stream.sentHeaders?.['grpc-status'] !== undefined) this.#answer(stream)
    })
    return true
  }

  /**
   * Asks callers to make new calls elsewhere. Calls that are on the way are still taken, and answered as the service sees fit.
   *
   * @see RFC 9113 section 6.8: a server that shuts down sends GOAWAY with the largest number first
   */
  withdraw(): void {
    for (const session of this.#open)
      if (!session.closed && !session.destroyed) session.goaway(constants.NGHTTP2_NO_ERROR, lastStreamId)
  }

  /** Waits no longer for callers that have their answer to complete their request. */
  finish(): void {
    this.#isFinishing = true
    for (const stream of this.#answered) leaveStream(stream)
  }

  #answer(stream: ServerHttp2Stream): void {
    if (stream.destroyed || stream.readableEnded) return
    this.#answered.add(stream)
    stream.once('close', () => this.#answered.delete(stream))
    if (this.#isFinishing) leaveStream(stream)
  }
}
