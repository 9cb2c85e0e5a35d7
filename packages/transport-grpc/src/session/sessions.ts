import { EventEmitter } from 'node:events'
import type { Http2Session, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { withdrawSession } from '@tenon/core/transport'
import type { GrpcSettings } from '../grpc-options.ts'
import { readTimeoutMs } from '../listen/request-head.ts'
import { markCut } from './cut-session.ts'
import { type AwaitedCall, OpenStreams } from './open-streams.ts'
import { SessionAge } from './session-age.ts'
import { SessionLimits } from './session-limits.ts'
import { tellMsOf } from './tell-time.ts'
import { UnreadSessions } from './unread-sessions.ts'

/** What is known of a session. */
interface SessionWatch {
  readonly session: ServerHttp2Session
  readonly socket: Socket
  readonly limits: SessionLimits
  readonly age: SessionAge
  /** The same for all of its streams: a listener of its own, or of another event, would be paid for with every call. */
  readonly closed: (this: ServerHttp2Stream) => void
  /** Whether it was there when callers were last asked to go elsewhere. */
  isKnown: boolean
  /** Resolves when its caller has been asked to go elsewhere. */
  withdrawn: Promise<void> | undefined
}

/** Knows the HTTP/2 sessions that are open, and what each of them may do. */
export class Sessions {
  readonly #settings: GrpcSettings
  readonly #open = new Map<Http2Session, SessionWatch>()
  readonly #streams: OpenStreams
  readonly #unread: UnreadSessions
  #empty: PromiseWithResolvers<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #turning: NodeJS.Timeout | undefined

  /**
   * @param domain The service's name, as the origin of reasons.
   * @param tellLate Is told how many calls were ended because their request took too long.
   */
  constructor(settings: GrpcSettings, domain: string, tellLate: (count: number) => void = () => undefined) {
    this.#settings = settings
    this.#unread = new UnreadSessions(settings)
    this.#streams = new OpenStreams({ requestTimeoutMs: settings.requestTimeoutMs, domain, tellLate })
  }

  /** @param socket What carries it: a session hands out none that could be ended. */
  enter(session: ServerHttp2Session, socket: Socket): void {
    const limits = new SessionLimits(session, this.#settings)
    const age = new SessionAge(session, this.#settings)
    const streams = this.#streams
    const closed = function (this: ServerHttp2Stream) {
      const isWaitedFor = streams.leave(this)
      if (!this.headersSent && isWaitedFor) limits.wasReset()
      // Node destroys a session that was closed when it has no stream left. grpc-js does so when a ping is not answered.
      if (session.destroyed) markCut(session)
      forgetListeners(this)
    }
    this.#open.set(session, { session, socket, limits, age, closed, isKnown: false, withdrawn: undefined })
    session.once('close', () => this.#leave(session))
  }

  /** Whether a stream is to be served. It is watched from here on. */
  admits(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const watch = stream.session === undefined ? undefined : this.#open.get(stream.session)
    // Without a session it is gone already.
    if (watch?.limits.admits(stream, headers) !== true) return false
    watch.age.enter(stream)
    this.#streams.enter(stream, readTimeoutMs(headers['grpc-timeout']))
    stream.on('close', watch.closed)
    return true
  }

  /** A stream is of a call that is handed to nobody before its one request message is there. */
  await(stream: ServerHttp2Stream, call: AwaitedCall): void {
    this.#streams.await(stream, call)
  }

  /** Ends streams that take too long, and connections that are over, from here on until `close`. */
  watch(): void {
    this.#streams.watch()
    this.#timer ??= setInterval(() => this.look(), lookMs).unref()
  }

  /**
   * Asks callers from now on to make new calls on another connection, while those that they have here are served: a balancer leads that one
   * elsewhere. Not at once, for it would lead here again. Those that still come are asked as well, but none as soon as it has come: many
   * clients make a call that was refused again only once.
   */
  turnAway(): void {
    if (this.#turning) return
    for (const watch of this.#open.values()) watch.isKnown = true
    this.#turning = setInterval(() => this.#turnOpenAway(), turnAwayMs).unref()
  }

  /**
   * Asks callers to make new calls elsewhere, also those of which only a part is here. Resolves when they have been told which calls
   * were taken.
   */
  async withdraw(): Promise<void> {
    const told = this.#withdrawAll([...this.#open.values()])
    this.#streams.refuseAwaited()
    await told
  }

  /** Waits no longer for requests, nor for callers that have their whole answer to complete theirs. */
  finish(): void {
    this.#streams.finish()
  }

  /** Ends connections that are over and whose callers do not read. */
  look(): void {
    for (const [session, { socket }] of this.#open) this.#unread.look(session, socket)
  }

  /** Resolves when there is none. */
  async emptied(): Promise<void> {
    if (this.#open.size === 0) return
    this.#empty ??= Promise.withResolvers()
    await this.#empty.promise
  }

  /** Looks after nothing any more. */
  close(): void {
    this.#streams.stop()
    clearInterval(this.#timer)
    clearInterval(this.#turning)
    this.#timer = undefined
    this.#turning = undefined
  }

  #turnOpenAway(): void {
    const watches = [...this.#open.values()]
    void this.#withdrawAll(watches.filter(({ isKnown }) => isKnown))
    for (const watch of watches) watch.isKnown = true
  }

  async #withdrawAll(watches: readonly SessionWatch[]): Promise<void> {
    const busy = this.#streams.busySessions
    const withdrawn = watches.map((watch) => {
      const { session } = watch
      watch.withdrawn ??= withdrawSession(session, tellMsOf({ isBusy: busy.has(session) }))
      return watch.withdrawn
    })
    await Promise.all(withdrawn)
  }

  #leave(session: ServerHttp2Session): void {
    this.#open.delete(session)
    if (this.#open.size > 0) return
    this.#empty?.resolve()
    this.#empty = undefined
  }
}

/** How often callers are asked to go elsewhere while they are still served. A guess: a balancer may have noticed by then. */
const turnAwayMs = 250

/** How often is looked for connections that are over. A guess. */
const lookMs = 1_000

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
