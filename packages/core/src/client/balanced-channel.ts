import type { Operation } from '../contract/operation.ts'
import { ServiceError } from '../error/service-error.ts'
import { Attempts } from './attempts.ts'
import { requireRunning } from './call-bounds.ts'
import type { ChannelList } from './channel-list.ts'
import { stateOf } from './channel-state.ts'
import type { ChannelState, ClientChannel, OutgoingCall } from './client-transport.ts'
import { markElsewhere } from './elsewhere.ts'
import { HeldInputs } from './held-inputs.ts'
import { wasNotSent } from './not-sent.ts'
import { type PolicyTimer, processTimer } from './policy/policy-timer.ts'
import { type Outcome, outcomeOf } from './target/outcome.ts'
import type { Target } from './target/target.ts'
import type { TargetPool } from './target/target-pool.ts'

export interface BalancedOptions {
  /** Who chooses. */
  readonly pool: TargetPool
  /** Whether a call that no address could take waits for one until its deadline. */
  readonly waitForReady?: boolean | undefined
  /** @defaultValue timers of the process */
  readonly after?: PolicyTimer
}

/**
 * Spreads calls over the addresses of a service, as its pool says. One that cannot be reached is passed over while there is another, and
 * so is one that is being connected; it may be chosen again once its channel says that it is reached, or may be tried. A call of
 * which nothing was sent goes to another address, to each at most once, and to one at most of those that cannot be reached.
 */
export class BalancedChannel implements ClientChannel {
  readonly #channels: ChannelList
  readonly #pool: TargetPool
  readonly #waitForReady: boolean
  readonly #after: PolicyTimer
  readonly #closing = new AbortController()

  constructor(channels: ChannelList, { pool, waitForReady = false, after = processTimer }: BalancedOptions) {
    this.#channels = channels
    this.#pool = pool
    this.#waitForReady = waitForReady
    this.#after = after
  }

  unary(operation: Operation, input: unknown, call: OutgoingCall): Promise<unknown> {
    return this.#answer(this.#attempts(call, input), (channel, left) => channel.unary(operation, input, left), timed)
  }

  serverStream(operation: Operation, input: unknown, call: OutgoingCall): AsyncIterable<unknown> {
    return this.#receive(this.#attempts(call, input), (channel, left) => channel.serverStream(operation, input, left))
  }

  async clientStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): Promise<unknown> {
    const held = new HeldInputs(inputs)
    try {
      return await this.#answer(
        this.#attempts(call),
        (channel, left) => channel.clientStream(operation, held.attempt(), left),
        { mayRepeat: () => held.isWhole, isTimed: false },
      )
    } finally {
      held.release()
    }
  }

  async *bidiStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): AsyncGenerator<unknown> {
    const held = new HeldInputs(inputs)
    try {
      yield* this.#receive(
        this.#attempts(call),
        (channel, left) => channel.bidiStream(operation, held.attempt(), left),
        () => held.isWhole,
      )
    } finally {
      held.release()
    }
  }

  /** That of the address which is best reached. */
  state(): ChannelState {
    const states = this.#channels.current.map(({ channel }) => stateOf(channel))
    return preference.find((state) => states.includes(state)) ?? 'idle'
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#pool.close()
    await this.#channels.close()
  }

  #attempts(call: OutgoingCall, input?: unknown): Attempts {
    const { clock, balancer } = this.#pool
    return new Attempts(call, {
      clock,
      after: this.#after,
      key: balancer.keyOf?.(input, call),
    })
  }

  async #answer(
    attempts: Attempts,
    begin: Begin<Promise<unknown>>,
    { mayRepeat, isTimed }: AnswerOptions,
  ): Promise<unknown> {
    for (;;) {
      try {
        const target = this.#choose(attempts) ?? (await this.#first(attempts))
        return await this.#observe(target, () => begin(target.channel, attempts.begin(target)), isTimed)
      } catch (error) {
        if (!mayRepeat()) throw error
        await this.#goOn(attempts, error)
      }
    }
  }

  async #observe(target: Target, begin: () => Promise<unknown>, isTimed: boolean): Promise<unknown> {
    const beganAtMs = this.#pool.clock.nowMs()
    let outcome: Outcome = 'answered'
    if (!isTimed) target.streamCount += 1
    try {
      return await begin()
    } catch (error) {
      outcome = outcomeOf(error)
      throw error
    } finally {
      if (!isTimed) target.streamCount -= 1
      this.#pool.end(target, outcome, isTimed ? this.#pool.clock.nowMs() - beganAtMs : undefined)
    }
  }

  async *#receive(
    attempts: Attempts,
    begin: Begin<AsyncIterable<unknown>>,
    mayRepeat = always,
  ): AsyncGenerator<unknown> {
    for (;;) {
      try {
        const target = this.#choose(attempts) ?? (await this.#first(attempts))
        return yield* this.#pass(target, () => begin(target.channel, attempts.begin(target)))
      } catch (error) {
        if (!mayRepeat()) throw error
        await this.#goOn(attempts, error)
      }
    }
  }

  async *#pass(target: Target, begin: () => AsyncIterable<unknown>): AsyncGenerator<unknown> {
    let outcome: Outcome = 'left'
    target.streamCount += 1
    try {
      yield* begin()
      outcome = 'answered'
    } catch (error) {
      outcome = outcomeOf(error)
      throw error
    } finally {
      target.streamCount -= 1
      this.#pool.end(target, outcome)
    }
  }

  /** Returns when there is an address to be tried. @throws what the call failed with, where it is not to be made again. */
  async #goOn(attempts: Attempts, error: unknown): Promise<void> {
    const { hasBest, mayGoOn } = attempts.rest(this.#targets())
    if (ServiceError.is(error) && hasBest) markElsewhere(error)
    if (!wasNotSent(error)) throw error
    requireRunning(attempts.left())
    if (mayGoOn) return
    if (!this.#waitForReady) throw error
    // Channels are asked, not listened to.
    do await attempts.pause(this.#closing.signal)
    while (this.#targets().every(({ channel }) => !canTake.includes(stateOf(channel))))
    attempts.forget()
  }

  /**
   * Waits until it is known which channels there are, though not without end where the call has none.
   *
   * @throws ServiceError `unavailable`, marked as not sent, when there is none; `deadline_exceeded`, `cancelled`
   */
  async #first(attempts: Attempts): Promise<Target> {
    if (!this.#channels.isKnown) {
      const whenKnown = (listener: () => void) => this.#channels.whenKnown(listener)
      await attempts.wait(whenKnown, this.#closing.signal, firstListLimitMs)
    }
    const target = this.#choose(attempts)
    if (target === undefined) throw this.#channels.emptiness()
    return target
  }

  /** Undefined where there is none that was not tried. The call has begun there then. */
  #choose(attempts: Attempts): Target | undefined {
    const targets = this.#targets()
    const nowMs = this.#pool.clock.nowMs()
    attempts.wantBest()
    let target = this.#pool.pick(attempts, nowMs)
    if (target === undefined && attempts.wantBestOf(targets)) target = this.#pool.pickAny(attempts, nowMs)
    if (target !== undefined) this.#pool.begin(target)
    return target
  }

  #targets(): readonly Target[] {
    this.#pool.use(this.#channels.current)
    return this.#pool.targets
  }
}

const preference: readonly ChannelState[] = ['ready', 'connecting', 'idle', 'failing']
const canTake: readonly ChannelState[] = ['ready', 'idle']

/** How long a call without a deadline waits for the first list of a registry that does not answer. A guess. */
const firstListLimitMs = 10_000

type Begin<Answer> = (channel: ClientChannel, left: OutgoingCall) => Answer

interface AnswerOptions {
  readonly mayRepeat: () => boolean
  /** Whether the time it takes is that of the instance. */
  readonly isTimed: boolean
}

const always = (): boolean => true
const timed: AnswerOptions = { mayRepeat: always, isTimed: true }
