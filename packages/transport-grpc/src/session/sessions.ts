import {
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { GrpcSettings } from '../grpc-options.ts'
import { leaveStream } from './leave-stream.ts'
import { SessionAge } from './session-age.ts'
import { SessionLimits } from './session-limits.ts'
import { withdrawSession } from './withdraw-session.ts'

/** Knows the HTTP/2 sessions that are open, and what each of them may do. */
export class Sessions {
  readonly #settings: GrpcSettings
  readonly #open = new Set<ServerHttp2Session>()
  readonly #watches = new WeakMap<Http2Session, { readonly limits: SessionLimits; readonly age: SessionAge }>()
  /** Those that have their whole answer, though their caller has not said that its request is complete. */
  readonly #answered = new Set<ServerHttp2Stream>()
  #isFinishing = false
  /** The same for all streams: listeners of their own would be paid for with every call. */
  readonly #trailing: (this: ServerHttp2Stream) => void
  readonly #finished: (this: ServerHttp2Stream) => void

  constructor(settings: GrpcSettings) {
    this.#settings = settings
    const answer = (stream: ServerHttp2Stream) => this.#answer(stream)
    this.#trailing = function () {
      answer(this)
    }
    this.#finished = function () {
      if (this.sentHeaders?.['grpc-status'] !== undefined) answer(this)
    }
  }

  enter(session: ServerHttp2Session): void {
    const settings = this.#settings
    this.#watches.set(session, {
      limits: new SessionLimits(session, settings),
      age: new SessionAge(session, settings),
    })
    this.#open.add(session)
    session.once('close', () => this.#open.delete(session))
  }

  /** Whether a stream is to be served. It is watched from here on. */
  admits(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const watch = stream.session === undefined ? undefined : this.#watches.get(stream.session)
    // Without a session it is gone already.
    if (watch?.limits.admits(stream, headers) !== true) return false
    watch.age.enter(stream)
    stream.on('wantTrailers', this.#trailing).on('finish', this.#finished)
    return true
  }

  /**
   * Asks callers to make new calls elsewhere. Resolves when they have heard. Calls that are on the way are still taken, and answered
   * as the service sees fit.
   */
  async withdraw(): Promise<void> {
    await Promise.all([...this.#open].map((session) => withdrawSession(session)))
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
