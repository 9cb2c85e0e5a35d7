import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { GrpcSettings } from '../grpc-options.ts'
import { SessionLimits } from './session-limits.ts'

/** The largest number of a stream: none is refused. @see RFC 9113 section 6.8 */
const lastStreamId = 2 ** 31 - 1

/** Knows the HTTP/2 sessions that are open, and what each of them may do. */
export class Sessions {
  readonly #settings: GrpcSettings
  readonly #open = new Map<ServerHttp2Session, SessionLimits>()

  constructor(settings: GrpcSettings) {
    this.#settings = settings
  }

  enter(session: ServerHttp2Session): void {
    const limits = new SessionLimits(session, this.#settings)
    this.#open.set(session, limits)
    session.once('close', () => this.#open.delete(session))
  }

  /** Undefined when the session is gone already, and its stream with it. */
  limitsOf({ session }: ServerHttp2Stream): SessionLimits | undefined {
    return session === undefined ? undefined : this.#open.get(session as ServerHttp2Session)
  }

  /**
   * Asks callers to make new calls elsewhere. Calls that are on the way are still taken, and answered as the service sees fit.
   *
   * @see RFC 9113 section 6.8: a server that shuts down sends GOAWAY with the largest number first
   */
  withdraw(): void {
    for (const session of this.#open.keys())
      if (!session.closed && !session.destroyed) session.goaway(constants.NGHTTP2_NO_ERROR, lastStreamId)
  }
}
