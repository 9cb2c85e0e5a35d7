import type { Operation } from '../contract/operation.ts'
import { Attempts } from './attempts.ts'
import { requireRunning } from './call-bounds.ts'
import type { ChannelList } from './channel-list.ts'
import type { ChannelState, ClientChannel, OutgoingCall } from './client-transport.ts'
import { HeldInputs } from './held-inputs.ts'
import { wasNotSent } from './not-sent.ts'

export interface BalancedOptions {
  /** Whether a call that no address could take waits for one until its deadline. */
  readonly waitForReady?: boolean | undefined
}

/**
 * Spreads calls over the addresses of a service, in turn. One that cannot be reached is passed over while there is another, and
 * so is one that is being connected; it has its turn again once its channel says that it is reached, or may be tried. A call of
 * which nothing was sent goes to the next address, to each at most once.
 */
export class BalancedChannel implements ClientChannel {
  readonly #channels: ChannelList
  readonly #waitForReady: boolean
  readonly #closing = new AbortController()
  #turn = 0

  constructor(channels: ChannelList, { waitForReady = false }: BalancedOptions = {}) {
    this.#channels = channels
    this.#waitForReady = waitForReady
  }

  unary(operation: Operation, input: unknown, call: OutgoingCall): Promise<unknown> {
    return this.#answer(call, (channel, left) => channel.unary(operation, input, left))
  }

  serverStream(operation: Operation, input: unknown, call: OutgoingCall): AsyncIterable<unknown> {
    return this.#receive(call, (channel, left) => channel.serverStream(operation, input, left))
  }

  async clientStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): Promise<unknown> {
    const held = new HeldInputs(inputs)
    try {
      return await this.#answer(
        call,
        (channel, left) => channel.clientStream(operation, held.attempt(), left),
        () => held.isWhole,
      )
    } finally {
      held.release()
    }
  }

  async *bidiStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): AsyncGenerator<unknown> {
    const held = new HeldInputs(inputs)
    try {
      yield* this.#receive(
        call,
        (channel, left) => channel.bidiStream(operation, held.attempt(), left),
        () => held.isWhole,
      )
    } finally {
      held.release()
    }
  }

  /** That of the address which is best reached. */
  state(): ChannelState {
    const states = this.#channels.current.map(stateOf)
    return preference.find((state) => states.includes(state)) ?? 'idle'
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#channels.close()
  }

  async #answer(call: OutgoingCall, begin: Begin<Promise<unknown>>, mayRepeat = always): Promise<unknown> {
    const attempts = new Attempts(call)
    for (;;) {
      try {
        const channel = this.#choose(attempts) ?? (await this.#first(attempts))
        return await begin(channel, attempts.begin(channel))
      } catch (error) {
        if (!mayRepeat()) throw error
        await this.#goOn(attempts, error)
      }
    }
  }

  async *#receive(
    call: OutgoingCall,
    begin: Begin<AsyncIterable<unknown>>,
    mayRepeat = always,
  ): AsyncGenerator<unknown> {
    const attempts = new Attempts(call)
    for (;;) {
      try {
        const channel = this.#choose(attempts) ?? (await this.#first(attempts))
        return yield* begin(channel, attempts.begin(channel))
      } catch (error) {
        if (!mayRepeat()) throw error
        await this.#goOn(attempts, error)
      }
    }
  }

  /** Returns when there is an address to be tried. @throws what the call failed with, where it is not to be made again. */
  async #goOn(attempts: Attempts, error: unknown): Promise<void> {
    if (!wasNotSent(error)) throw error
    requireRunning(attempts.left())
    if (this.#channels.current.some((channel) => !attempts.tried.has(channel))) return
    if (!this.#waitForReady) throw error
    // Channels are asked, not listened to.
    do await attempts.pause(this.#closing.signal)
    while (this.#channels.current.every((channel) => ranks[stateOf(channel)] > 0))
    attempts.tried.clear()
  }

  /**
   * Waits until it is known which channels there are, though not without end where the call has none.
   *
   * @throws ServiceError `unavailable`, marked as not sent, when there is none; `deadline_exceeded`, `cancelled`
   */
  async #first(attempts: Attempts): Promise<ClientChannel> {
    if (!this.#channels.isKnown) {
      const whenKnown = (listener: () => void) => this.#channels.whenKnown(listener)
      await attempts.wait(whenKnown, this.#closing.signal, firstListLimitMs)
    }
    const channel = this.#choose(attempts)
    if (channel === undefined) throw this.#channels.emptiness()
    return channel
  }

  /** Undefined where there is none that was not tried. */
  #choose({ tried }: Attempts): ClientChannel | undefined {
    const { current } = this.#channels
    const { length } = current
    let chosen: ClientChannel | undefined
    let [step, best] = [0, ranks.failing + 1]
    for (let ahead = 0; ahead < length && best > 0; ahead += 1) {
      const channel = current[(this.#turn + ahead) % length]
      const rank = channel === undefined || tried.has(channel) ? best : ranks[stateOf(channel)]
      if (rank < best) [chosen, step, best] = [channel, ahead, rank]
    }
    if (chosen !== undefined) this.#turn = (this.#turn + step + 1) % length
    return chosen
  }
}

/** What a channel says of itself; one that says nothing may be tried. */
export function stateOf(channel: ClientChannel): ChannelState {
  return channel.state?.() ?? 'idle'
}

/** One that was never tried has its turn like one that is connected, or it would stay untried. */
const ranks = { ready: 0, idle: 0, connecting: 1, failing: 2 } as const satisfies Record<ChannelState, number>
const preference: readonly ChannelState[] = ['ready', 'connecting', 'idle', 'failing']

/** How long a call without a deadline waits for the first list of a registry that does not answer. A guess. */
const firstListLimitMs = 10_000

type Begin<Answer> = (channel: ClientChannel, left: OutgoingCall) => Answer

const always = (): boolean => true
