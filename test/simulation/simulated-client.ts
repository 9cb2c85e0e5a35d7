import { contract } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { BalancedChannel } from '../../packages/core/src/client/balanced-channel.ts'
import type { ChannelList } from '../../packages/core/src/client/channel-list.ts'
import { resolveTargets, type TargetPolicy } from '../../packages/core/src/client/policy/target-policy.ts'
import { Target } from '../../packages/core/src/client/target/target.ts'
import { TargetPool } from '../../packages/core/src/client/target/target-pool.ts'
import { SimulatedChannel } from './simulated-channel.ts'
import type { SimulatedInstance } from './simulated-instance.ts'
import type { SimulatedTime } from './simulated-time.ts'

const { call: operation } = contract('simulation.Service', {
  call: { input: Type.Object({ key: Type.String() }), output: Type.Object({}) },
})

export interface ClientOptions {
  readonly time: SimulatedTime
  readonly policy: TargetPolicy
  readonly name: string
  readonly zone: string | undefined
  readonly timeoutMs: number
}

/** One process that calls, with the code that is in production. */
export class SimulatedClient {
  readonly #options: ClientOptions
  readonly #targets = new Map<SimulatedInstance, Target>()
  readonly #channel: BalancedChannel
  #current: readonly Target[] = []

  constructor(options: ClientOptions) {
    const { time, policy, name, zone } = options
    const listener = { picked() {}, passedOver() {}, breakerChanged() {}, ejected() {}, returned() {} }
    const settings = resolveTargets(policy)
    const pool = new TargetPool({ settings, zone, client: name, clock: time, listener })
    const current = () => this.#current
    const list: ChannelList = {
      get current() {
        return current()
      },
      opened: [],
      isKnown: true,
      whenKnown: () => ({ [Symbol.dispose]: () => undefined }),
      emptiness: () => {
        throw new Error('a simulation always has instances')
      },
      close: async () => undefined,
    }
    this.#options = options
    this.#channel = new BalancedChannel(list, { pool })
  }

  /** What its registry tells of. One that came back at its address is another. */
  learn(instances: readonly SimulatedInstance[]): void {
    const { time } = this.#options
    for (const known of this.#targets.keys()) if (!instances.includes(known)) this.#targets.delete(known)
    this.#current = instances.map((instance) => {
      const { address, zone } = instance
      const target = this.#targets.get(instance) ?? new Target(address, new SimulatedChannel(instance, time), { zone })
      this.#targets.set(instance, target)
      return target
    })
  }

  call(key: string): Promise<unknown> {
    const { timeoutMs } = this.#options
    return this.#channel.unary(operation, { key }, { metadata: {}, timeoutMs, signal: undefined })
  }
}
