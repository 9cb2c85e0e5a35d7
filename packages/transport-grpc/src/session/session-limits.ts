import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { GrpcSettings } from '../grpc-options.ts'
import { readTimeoutMs } from '../listen/request-head.ts'
import { cutSession } from './cut-session.ts'

/** @see gRFC A8: servers forgive two pings that come too early */
const forgivenPings = 2

/** A frame of PING, which is all that is sent to a caller who only pings. @see RFC 9113 sections 4.1 and 6.7 */
const pingBytes = 17

/** A frame of SETTINGS that says that those of the caller were taken. @see RFC 9113 sections 4.1 and 6.5.3 */
const settingsAckBytes = 9

/** A guess: how long the process may be too busy to look at what has come. */
const longestBusyMs = 1_000

/** Ends a session that never begins, and one whose caller pings, or resets calls, more than is good for the others. */
export class SessionLimits {
  readonly #session: ServerHttp2Session
  readonly #settings: GrpcSettings
  #pingAt = -Infinity
  #earlyPings = 0
  /** How many bytes had been sent when something else than answers to frames last was, and how many answers take that came since. */
  #sentBytes = 0
  #answerBytes = 0
  #resetCount = 0
  #resetAt = -Infinity
  /** Whether the caller has heard of the limits, from when on Node enforces that of headers. */
  #isTold = false

  constructor(session: ServerHttp2Session, settings: GrpcSettings) {
    this.#session = session
    this.#settings = settings
    const timer = setTimeout(() => cutSession(session), settings.handshakeTimeoutMs).unref()
    session.once('remoteSettings', () => clearTimeout(timer)).once('close', () => clearTimeout(timer))
    session.once('localSettings', () => (this.#isTold = true))
    if (settings.minPingIntervalMs === 0) return
    session.on('ping', () => this.#pinged())
    // Or a caller could hide its pings behind settings.
    session.on('remoteSettings', () => (this.#answerBytes += settingsAckBytes))
  }

  /** Whether a stream is to be served. Then its end is to be told by `closed`. */
  admits(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    // Opened and reset in one breath: Node tells of both in turn.
    if (stream.destroyed) {
      // Or there was no time to look at it while its caller waited.
      if ((readTimeoutMs(headers['grpc-timeout']) ?? longestBusyMs + 1) > longestBusyMs) this.#reset()
      return false
    }
    if (!this.#isTold && sizeOf(headers) > this.#settings.maxHeaderBytes) {
      stream.on('error', () => undefined).close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
      return false
    }
    return true
  }

  /** A stream that was admitted is over before it was answered, and not because its caller's time was. */
  wasReset(): void {
    this.#reset()
  }

  /**
   * grpc-js enforces nothing here. Like other servers we forgive everything to a caller who is sent something, because that may
   * be what it pings for.
   *
   * @see gRFC A8, Server Enforcement
   */
  #pinged(): void {
    if (this.#session.destroyed) return
    const now = performance.now()
    const sinceMs = now - this.#pingAt
    this.#pingAt = now
    if (this.#hasSent() || sinceMs >= this.#settings.minPingIntervalMs) {
      this.#earlyPings = 0
      return
    }
    this.#earlyPings += 1
    if (this.#earlyPings > forgivenPings) this.#end('too_many_pings')
  }

  #hasSent(): boolean {
    const { bytesWritten } = this.#session.socket
    const isMore = bytesWritten - this.#sentBytes > this.#answerBytes
    if (isMore) {
      this.#sentBytes = bytesWritten
      this.#answerBytes = 0
    }
    this.#answerBytes += pingBytes
    return isMore
  }

  #reset(): void {
    const now = performance.now()
    if (now - this.#resetAt >= 1_000) {
      this.#resetAt = now
      this.#resetCount = 0
    }
    this.#resetCount += 1
    if (this.#resetCount > this.#settings.maxResetsPerSecond) this.#end('too_many_resets')
  }

  /** Says why before the connection is closed: callers slow down by it. Also on one that only finishes its calls. */
  #end(reason: string): void {
    const session = this.#session
    if (session.destroyed) return
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from(reason))
    cutSession(session)
  }
}

/** @see RFC 9113 section 6.5.2, SETTINGS_MAX_HEADER_LIST_SIZE: 32 bytes for each field */
function sizeOf(headers: IncomingHttpHeaders): number {
  let bytes = 0
  for (const [name, value] of Object.entries(headers)) {
    for (const text of [value].flat()) bytes += name.length + (text?.length ?? 0) + 32
  }
  return bytes
}
