import { requireRunning } from '../../call-bounds.ts'
import type { OutgoingCall } from '../../client-transport.ts'
import { HeldReply } from './held-reply.ts'
import type { PolicyClock } from '../policy-clock.ts'

/** What one attempt may take, where that is less than what the call has left, and who else may end it. */
export interface AttemptLimit {
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly isHedge?: boolean
}

/** One call of a caller's, whatever number of attempts is made for it. */
export class LogicalCall {
  readonly #call: OutgoingCall
  readonly #clock: PolicyClock
  readonly #endsAtMs: number | undefined
  readonly #tried = new Set<object>()
  #attemptCount = 0
  #failedReply: HeldReply | undefined
  #isAnswered = false

  constructor(call: OutgoingCall, clock: PolicyClock) {
    const { timeoutMs } = call
    this.#call = call
    this.#clock = clock
    this.#endsAtMs = timeoutMs === undefined ? undefined : clock.nowMs() + timeoutMs
  }

  get signal(): AbortSignal | undefined {
    return this.#call.signal
  }

  /** How many attempts were begun. */
  get attemptCount(): number {
    return this.#attemptCount
  }

  /** What is left of its time; Infinity without a deadline. */
  leftMs(): number {
    return this.#endsAtMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, this.#endsAtMs - this.#clock.nowMs())
  }

  /**
   * Makes one attempt. The caller is told what its reply says beside the output when it succeeds, and of no other.
   *
   * @throws ServiceError `deadline_exceeded` or `cancelled` before anything is sent; what the attempt failed with
   */
  async attempt(send: (call: OutgoingCall) => Promise<unknown>, limit: AttemptLimit = {}): Promise<unknown> {
    const reply = HeldReply.for(this.#call)
    try {
      const answer = await send(this.#outgoing(limit, reply))
      if (!this.#isAnswered) reply?.tell()
      this.#isAnswered = true
      return answer
    } catch (error) {
      this.#failedReply = reply
      throw error
    }
  }

  /** No further attempt is made: what the reply of the last one to fail said is the caller's. */
  giveUp(): void {
    this.#failedReply?.tell()
  }

  #outgoing(
    { timeoutMs = Number.POSITIVE_INFINITY, signal, isHedge }: AttemptLimit,
    reply: HeldReply | undefined,
  ): OutgoingCall {
    const leftMs = Math.min(this.leftMs(), timeoutMs)
    const call = {
      metadata: this.#call.metadata,
      timeoutMs: leftMs === Number.POSITIVE_INFINITY ? undefined : leftMs,
      signal: signal ?? this.#call.signal,
      ...(reply && { onHeaders: reply.onHeaders, onTrailers: reply.onTrailers }),
      attempt: { tried: this.#tried, ...(isHedge && { isHedge }) },
      previousAttemptCount: this.#attemptCount,
      trace: this.#call.trace,
    } satisfies OutgoingCall
    requireRunning(call)
    this.#attemptCount += 1
    return call
  }
}
