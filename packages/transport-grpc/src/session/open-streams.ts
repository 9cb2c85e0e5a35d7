import type { Http2Session, ServerHttp2Stream } from 'node:http2'
import type { StatusObject } from '@grpc/grpc-js'
import { drainingError, ServiceError } from '@tenon/core/transport'
import { toStatus } from '../wire/grpc-status.ts'
import { leaveStream } from './leave-stream.ts'

/** A call that is handed to nobody before its one request message is there, and can be answered until then. */
export interface AwaitedCall {
  sendStatus(status: StatusObject): void
}

export interface OpenStreamOptions {
  /** How long a request message may take to arrive, in milliseconds. */
  readonly requestTimeoutMs: number
  /** The service's name, as the origin of reasons. */
  readonly domain: string
  /** Is told how many calls were ended because their request took too long. */
  readonly tellLate: (count: number) => void
  /** The time in milliseconds, from any beginning. @defaultValue performance.now */
  readonly now?: () => number
}

/** The streams that are not over. Looks from time to time for those that nothing else would end. */
export class OpenStreams {
  readonly #streams = new Map<ServerHttp2Stream, OpenStream>()
  readonly #requestTimeoutMs: number
  readonly #late: StatusObject
  readonly #draining: StatusObject
  readonly #now: () => number
  readonly #tellLate: (count: number) => void
  #timer: NodeJS.Timeout | undefined
  #isFinishing = false

  constructor({ requestTimeoutMs, domain, tellLate, now = () => performance.now() }: OpenStreamOptions) {
    this.#requestTimeoutMs = requestTimeoutMs
    this.#late = toStatus(lateError(), { domain })
    this.#draining = toStatus(drainingError(), { domain })
    this.#now = now
    this.#tellLate = tellLate
  }

  /** @param timeoutMs How long the caller waits, where it says so. */
  enter(stream: ServerHttp2Stream, timeoutMs = Number.POSITIVE_INFINITY): void {
    const beganAt = this.#now()
    this.#streams.set(stream, { beganAt, givenUpAt: beganAt + timeoutMs - earlyMs, call: undefined })
    if (this.#isFinishing) leaveWhenAnswered(stream)
  }

  /** The stream is over. @returns whether its caller had reason to wait on. */
  leave(stream: ServerHttp2Stream): boolean {
    const open = this.#streams.get(stream)
    this.#streams.delete(stream)
    return open === undefined || this.#now() < open.givenUpAt
  }

  /** Its stream is of a call that has one request message, which has not arrived yet. */
  await(stream: ServerHttp2Stream, call: AwaitedCall): void {
    const open = this.#streams.get(stream)
    if (open) open.call = call
  }

  /** The sessions that have any. */
  get busySessions(): ReadonlySet<Http2Session | undefined> {
    return new Set([...this.#streams.keys()].map(({ session }) => session))
  }

  /** Begins to look, until `finish` has ended all streams and `stop` is called. */
  watch(): void {
    this.#timer ??= setInterval(() => this.sweep(), Math.min(sweepMs, this.#requestTimeoutMs)).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Answers the calls whose request takes too long, and leaves the streams that are answered and that their callers keep open. */
  sweep(): void {
    const latestBeginAt = this.#now() - this.#requestTimeoutMs
    let lateCount = 0
    for (const [stream, { beganAt, call }] of this.#streams) {
      if (isAnswered(stream)) leaveAnswered(stream)
      else if (call && beganAt <= latestBeginAt && !stream.readableEnded) {
        call.sendStatus(this.#late)
        lateCount += 1
      }
    }
    if (lateCount > 0) this.#tellLate(lateCount)
  }

  /** Answers the calls whose request has not arrived as those are that come while the service drains: nothing of them was handled. */
  refuseAwaited(): void {
    for (const [stream, { call }] of this.#streams)
      if (call && !stream.readableEnded && !isAnswered(stream)) call.sendStatus(this.#draining)
  }

  /** Waits no longer for requests, nor for callers that have their whole answer to complete theirs. */
  finish(): void {
    this.#isFinishing = true
    this.refuseAwaited()
    for (const stream of this.#streams.keys()) leaveWhenAnswered(stream)
  }
}

interface OpenStream {
  readonly beganAt: number
  /** When its caller gives it up; Infinity where it does not say. */
  readonly givenUpAt: number
  call: AwaitedCall | undefined
}

/** How often is looked. A limit that is shorter is looked after as often as that. */
const sweepMs = 1_000

/** How early callers may give up by their own clocks. A guess; ours does so 25 ms early at most. */
const earlyMs = 25

/** The same as over HTTP, where it is 408. */
function lateError(): ServiceError {
  return new ServiceError('deadline_exceeded', 'the request did not arrive in time', { reason: 'request_timeout' })
}

function leaveWhenAnswered(stream: ServerHttp2Stream): void {
  const leave = () => {
    if (isAnswered(stream)) leaveAnswered(stream)
  }
  // The status comes behind the messages, or at once where there are none.
  stream.on('wantTrailers', () => setImmediate(leave)).on('finish', leave)
  leave()
}

function leaveAnswered(stream: ServerHttp2Stream): void {
  if (!stream.readableEnded) leaveStream(stream)
}

function isAnswered({ sentTrailers, sentHeaders }: ServerHttp2Stream): boolean {
  return sentTrailers !== undefined || sentHeaders?.['grpc-status'] !== undefined
}
