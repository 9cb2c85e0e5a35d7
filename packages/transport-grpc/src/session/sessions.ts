import { EventEmitter } from 'node:events'
import {
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { GrpcSettings } from '../grpc-options.ts'
import { readTimeoutMs } from '../listen/request-head.ts'
import { leaveStream } from './leave-stream.ts'
import { SessionAge } from './session-age.ts'
import { SessionLimits } from './session-limits.ts'
import { withdrawSession } from './withdraw-session.ts'

/** What is known of a session. */
interface SessionWatch {
  readonly limits: SessionLimits
  readonly age: SessionAge
  /** The same for all of its streams: a listener of its own, or of another event, would be paid for with every call. */
  readonly closed: (this: ServerHttp2Stream) => void
}

/** Knows the HTTP/2 sessions that are open, and what each of them may do. */
export class Sessions {
  readonly #settings: GrpcSettings
  readonly #open = new Map<Http2Session, SessionWatch>()
  /** Those that are not over, with the time when their callers give them up; Infinity where they do not say. */
  readonly #streams = new Map<ServerHttp2Stream, number>()
  #isFinishing = false

  constructor(settings: GrpcSettings) {
    this.#settings = settings
  }

  enter(session: ServerHttp2Session): void {
    const limits = new SessionLimits(session, this.#settings)
    const age = new SessionAge(session, this.#settings)
    const streams = this.#streams
    const closed = function (this: ServerHttp2Stream) {
      const givenUpAt = streams.get(this) ?? Number.POSITIVE_INFINITY
      streams.delete(this)
      if (!this.headersSent && performance.now() < givenUpAt) limits.wasReset()
      forgetListeners(this)
    }
    this.#open.set(session, { limits, age, closed })
    session.once('close', () => this.#open.delete(session))
  }

  /** Whether a stream is to be served. It is watched from here on. */
  admits(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const watch = stream.session === undefined ? undefined : this.#open.get(stream.session)
    // Without a session it is gone already.
    if (watch?.limits.admits(stream, headers) !== true) return false
    watch.age.enter(stream)
    const timeoutMs = readTimeoutMs(headers['grpc-timeout'])
    const givenUpAt = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs - earlyMs
    this.#streams.set(stream, givenUpAt)
    stream.on('close', watch.closed)
    if (this.#isFinishing) leaveWhenAnswered(stream)
    return true
  }

  /**
   * Asks callers to make new calls elsewhere. Resolves when they have heard. Calls that are on the way are still taken, and answered
   * as the service sees fit.
   */
  async withdraw(): Promise<void> {
    const busy = new Set([...this.#streams.keys()].map(({ session }) => session))
    await Promise.all(
      Array.from(this.#open, ([session, { limits }]) =>
        withdrawSession(session as ServerHttp2Session, {
          tellMs: busy.has(session) ? longestTellMs : tellMsOf(limits),
        }),
      ),
    )
  }

  /** Waits no longer for callers that have their whole answer to complete their request. */
  finish(): void {
    this.#isFinishing = true
    for (const stream of this.#streams.keys()) leaveWhenAnswered(stream)
  }
}

/** How early callers may give up by their own clocks. A guess; ours does so 25 ms early at most. */
const earlyMs = 25

/** Longest time that a caller may take to say that it has heard. A guess: more than a round trip, and time to get round to it. */
const longestTellMs = 500

/**
 * A client on Node that has no call under way never says that it has heard, for it stops reading. So for an idle one a few round
 * trips are enough: what it sent before has arrived by then.
 */
function tellMsOf({ roundTripMs = longestTellMs }: SessionLimits): number {
  return Math.min(longestTellMs, Math.max(leastTellMs, 4 * roundTripMs))
}

/** A guess. */
const leastTellMs = 10

/**
 * Node's own handle of a stream keeps it, and all that listens to it, until the next collection of the whole heap: of each call
 * two kilobytes would grow old. This is the last event of a stream, and those who listen to it are still told.
 *
 * @see benchmarks, `npm run bench -- profile grpc`
 */
function forgetListeners(stream: ServerHttp2Stream): void {
  const { removeAllListeners } = EventEmitter.prototype
  // As long as somebody wants to hear of it, each is removed by itself.
  removeAllListeners.call(stream, 'removeListener')
  removeAllListeners.call(stream)
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
