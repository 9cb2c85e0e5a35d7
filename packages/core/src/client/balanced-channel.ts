import type { Operation } from '../contract/operation.ts'
import type { ChannelState, ClientChannel, OutgoingCall } from './client-transport.ts'

/**
 * Spreads calls over the addresses of a service, in turn. One that cannot be reached is passed over while there is another, and
 * so is one that is being connected; it has its turn again once its channel says that it is reached, or may be tried.
 */
export class BalancedChannel implements ClientChannel {
  readonly #channels: readonly ClientChannel[]
  #turn = 0

  constructor(channels: readonly ClientChannel[]) {
    this.#channels = channels
  }

  unary(operation: Operation, input: unknown, call: OutgoingCall): Promise<unknown> {
    return this.#choose().unary(operation, input, call)
  }

  serverStream(operation: Operation, input: unknown, call: OutgoingCall): AsyncIterable<unknown> {
    return this.#choose().serverStream(operation, input, call)
  }

  clientStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): Promise<unknown> {
    return this.#choose().clientStream(operation, inputs, call)
  }

  bidiStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): AsyncIterable<unknown> {
    return this.#choose().bidiStream(operation, inputs, call)
  }

  /** That of the address which is best reached. */
  state(): ChannelState {
    const states = this.#channels.map(stateOf)
    return preference.find((state) => states.includes(state)) ?? 'idle'
  }

  async close(): Promise<void> {
    await Promise.all(this.#channels.map((channel) => channel.close()))
  }

  #choose(): ClientChannel {
    const { length } = this.#channels
    let chosen: ClientChannel | undefined
    let [step, best] = [0, ranks.failing + 1]
    for (let ahead = 0; ahead < length && best > 0; ahead += 1) {
      const channel = this.#channels[(this.#turn + ahead) % length]
      const rank = channel === undefined ? best : ranks[stateOf(channel)]
      if (rank < best) [chosen, step, best] = [channel, ahead, rank]
    }
    this.#turn = (this.#turn + step + 1) % length
    if (chosen === undefined) throw new TypeError('expected at least one channel to choose from')
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
