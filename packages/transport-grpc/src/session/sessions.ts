import { EventEmitter } from 'node:events'
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

/** What is known of a session. */
interface Watch {
  readonly limits: SessionLimits
  readonly age: SessionAge
  /** The same for all of its streams: a listener of its own, or of another event, would be paid for with every call. */
  readonly closed: (this: ServerHttp2Stream) => void
}

/** Knows the HTTP/2 sessions that are open, and what each of them may do. */
export class Sessions {
  readonly #settings: GrpcSettings
  readonly #open = new Set<ServerHttp2Session>()
  readonly #watches = new WeakMap<Http2Session, Watch>()
  readonly #streams = new Set<ServerHttp2Stream>()
  #isFinishing = false

  constructor(settings: GrpcSettings) {
    this.#settings = settings
  }

  enter(session: ServerHttp2Session): void {
    const limits = new SessionLimits(session, this.#settings)
    const age = new SessionAge(session, this.#settings)
    const streams = this.#streams
    const closed = function (this: ServerHttp2Stream) {
      streams.delete(this)
      limits.closed(this)
      forgetListeners(this)
    }
    this.#watches.set(session, { limits, age, closed })
    this.#open.add(session)
    session.once('close', () => this.#open.delete(session))
  }

  /** Whether a stream is to be served. It is watched from here on. */
  admits(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const watch = stream.session === undefined ? undefined : this.#watches.get(stream.session)
    // Without a session it is gone already.
    if (watch?.limits.admits(stream, headers) !== true) return false
    watch.age.enter(stream)
    this.#streams.add(stream)
    stream.on('close', watch.closed)
    if (this.#isFinishing) leaveWhenAnswered(stream)
    return true
  }

  /**
   * Asks callers to make new calls elsewhere. Resolves when they have heard. Calls that are on the way are still taken, and answered
   * as the service sees fit.
   */
  async withdraw(): Promise<void> {
    await Promise.all([...this.#open].map((session) => withdrawSession(session)))
  }

  /** Waits no longer for callers that have their whole answer to complete their request. */
  finish(): void {
    this.#isFinishing = true
    for (const stream of this.#streams) leaveWhenAnswered(stream)
  }
}

/**
 * Node's own handle of a stream keeps it, and all that listens to it, until the next collection of the whole heap: of each call
 * two kilobytes would grow old. This is the last event of a stream, and those who listen to it are still told.
 *
 * @see benchmarks, `npm run bench -- profile grpc`
 */
function forgetListeners(stream: ServerHttp2Stream): void {
  // That of streams does more, which here is only paid for.
  EventEmitter.prototype.removeAllListeners.call(stream)
}

function leaveWhenAnswered(stream: ServerHttp2Stream): void {
  const leave = () => {
    if (isAnswered(stream) && !stream.readableEnded) leaveStream(stream)
  }
  // The status comes behind the messages, or at once where there are none.
  stream.on('wantTrailers', () => setImmediate(leave)).on('finish', leave)
  leave()
}

function isAnswered({ sentTrailers, sentHeaders }: ServerHttp2Stream): boolean {
  return sentTrailers !== undefined || sentHeaders?.['grpc-status'] !== undefined
}
