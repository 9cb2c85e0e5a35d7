import { ServiceError } from '../error/service-error.ts'
import { requireRunning } from './call-bounds.ts'
import type { Choice } from './balancer/balancer.ts'
import { stateOf } from './channel-state.ts'
import type { ChannelState, OutgoingCall } from './client-transport.ts'
import { pause } from './policy/pause.ts'
import type { PolicyClock } from './policy/policy-clock.ts'
import type { PolicyTimer } from './policy/policy-timer.ts'
import type { Target } from './target/target.ts'

/** What the attempts of a call are made with. */
export interface AttemptOptions {
  readonly clock: PolicyClock
  readonly after: PolicyTimer
  readonly key: string | undefined
}

/** What a call may still be tried with. */
export interface Rest {
  /** Whether one of them stands well. */
  readonly hasBest: boolean
  /** Whether one is to be tried at once. Of those that are ejected or could not be reached one is enough, or each call of an outage would be sent to all. */
  readonly mayGoOn: boolean
}

/** The addresses that a call was tried with, and what is left of its time. */
export class Attempts implements Choice {
  readonly key: string | undefined
  readonly #call: OutgoingCall
  readonly #clock: PolicyClock
  readonly #after: PolicyTimer
  readonly #endsAtMs: number | undefined
  readonly #tried = new Set<Target>()
  #worstRank = 0

  constructor(call: OutgoingCall, { clock, after, key }: AttemptOptions) {
    const { timeoutMs } = call
    this.key = key
    this.#call = call
    this.#clock = clock
    this.#after = after
    this.#endsAtMs = timeoutMs === undefined ? undefined : clock.nowMs() + timeoutMs
  }

  begin(target: Target): OutgoingCall {
    this.#tried.add(target)
    this.#call.attempt?.tried.add(target)
    return this.left()
  }

  /** All may be tried again. */
  forget(): void {
    this.#tried.clear()
  }

  isOpen(target: Target): boolean {
    return this.#rankOf(target) <= this.#worstRank
  }

  /** What there is beside those that were tried. */
  rest(targets: readonly Target[]): Rest {
    const best = this.#bestRankOf(targets)
    const limit = this.#worstRank >= ranks.ejected ? ranks.ejected : Number.POSITIVE_INFINITY
    return { hasBest: best === 0, mayGoOn: best < limit }
  }

  /** Opens the call to those that are well reached and were not tried. */
  wantBest(): void {
    this.#worstRank = 0
  }

  /** Opens the call to the best that there are, whatever they are like. Returns whether there is any. */
  wantBestOf(targets: readonly Target[]): boolean {
    this.#worstRank = this.#bestRankOf(targets)
    return this.#worstRank < Number.POSITIVE_INFINITY
  }

  /** Infinity where all were tried. */
  #bestRankOf(targets: readonly Target[]): number {
    let best = Number.POSITIVE_INFINITY
    for (const target of targets) {
      best = Math.min(best, this.#rankOf(target))
      if (best === 0) break
    }
    return best
  }

  /** One that fails calls is better than one that cannot be reached, and one that was tried before is better than either. */
  #rankOf(target: Target): number {
    if (this.#tried.has(target)) return Number.POSITIVE_INFINITY
    const before = this.#call.attempt?.tried.has(target) === true ? ranks.tried : 0
    const out = target.ejectedUntilMs === undefined ? 0 : ranks.ejected
    return ranks[stateOf(target.channel)] + before + out
  }

  /** The call as of now. */
  left(): OutgoingCall {
    if (this.#endsAtMs === undefined) return this.#call
    return { ...this.#call, timeoutMs: Math.max(0, this.#endsAtMs - this.#clock.nowMs()) }
  }

  /** Lets a moment pass, but no more than what is left. @throws ServiceError `deadline_exceeded` or `cancelled` */
  pause(closing: AbortSignal): Promise<void> {
    return this.wait(never, closing, askAgainMs)
  }

  /** Waits for something, but no longer than what is left, nor than the limit. @throws ServiceError `deadline_exceeded` or `cancelled` */
  async wait(awaited: Awaited, closing: AbortSignal, limitMs: number): Promise<void> {
    const { timeoutMs = limitMs, signal } = this.left()
    const { promise, resolve } = Promise.withResolvers<void>()
    const listening = awaited(resolve)
    await pause(Math.min(limitMs, timeoutMs), { after: this.#after, awaited: promise, signals: [signal, closing] })
    listening[Symbol.dispose]()
    if (closing.aborted) throw new ServiceError('cancelled', 'the client was closed')
    requireRunning(this.left())
  }
}

/** One that was never tried has its turn like one that is connected, or it would stay untried. The sums of two differ. */
const ranks = { ready: 0, idle: 0, connecting: 1, tried: 2, ejected: 4, failing: 8 } as const satisfies Record<
  ChannelState | 'tried' | 'ejected',
  number
>

/** How often channels are asked on behalf of a call that waits. A guess: below the back-off of `grpcClient()`. */
const askAgainMs = 50

/** Calls the listener when it has come, until that is disposed of. */
type Awaited = (listener: () => void) => Disposable

const never: Awaited = () => ({ [Symbol.dispose]: () => undefined })
