import type { RemotePolicy } from '@tenon/core'
import { contract, contractInfo } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { BalancedChannel } from '../../packages/core/src/client/balanced-channel.ts'
import type { ChannelList } from '../../packages/core/src/client/channel-list.ts'
import { ClientJournal } from '../../packages/core/src/client/policy/client-journal.ts'
import { PolicedChannel } from '../../packages/core/src/client/policy/policed-channel.ts'
import { resolvePolicy } from '../../packages/core/src/client/policy/remote-policy.ts'
import { Target } from '../../packages/core/src/client/target/target.ts'
import { TargetPool } from '../../packages/core/src/client/target/target-pool.ts'
import { SimulatedChannel } from './simulated-channel.ts'
import type { SimulatedInstance } from './simulated-instance.ts'
import type { SimulatedTime } from './simulated-time.ts'

const service = contract('simulation.Service', {
  call: { input: Type.Object({ key: Type.String() }), output: Type.Object({}), idempotency: 'safe' },
})
const { call: operation } = service

export interface ClientOptions {
  readonly time: SimulatedTime
  readonly policy: RemotePolicy
  readonly name: string
  readonly zone: string | undefined
  readonly timeoutMs: number
  /** Is told of each call that is sent, and of each connection that cannot be made. */
  readonly noteAttempt: () => void
}

/** One process that calls, with the code that is in production. */
export class SimulatedClient {
  readonly #options: ClientOptions
  readonly #targets = new Map<SimulatedInstance, Target>()
  #channel: PolicedChannel
  #current: readonly Target[] = []

  constructor(options: ClientOptions) {
    this.#options = options
    this.#channel = this.#open()
  }

  /** It begins anew, and knows nothing of anybody. */
  restart(): void {
    const known = [...this.#targets.keys()]
    this.#targets.clear()
    this.#channel = this.#open()
    this.learn(known)
  }

  /** What its registry tells of. One that came back at its address is another. */
  learn(instances: readonly SimulatedInstance[]): void {
    for (const known of this.#targets.keys()) if (!instances.includes(known)) this.#targets.delete(known)
    this.#current = instances.map((instance) => {
      const { address, zone } = instance
      const target =
        this.#targets.get(instance) ?? new Target(address, new SimulatedChannel(instance, this.#options), { zone })
      this.#targets.set(instance, target)
      return target
    })
  }

  call(key: string): Promise<unknown> {
    const { timeoutMs } = this.#options
    return this.#channel.unary(operation, { key }, { metadata: {}, timeoutMs, signal: undefined })
  }

  /** As `remote()` joins it. */
  #open(): PolicedChannel {
    const { time, policy, name, zone } = this.#options
    const contractFacts = contractInfo(service)
    const settings = resolvePolicy(contractFacts, policy)
    const listener = { picked() {}, passedOver() {}, breakerChanged() {}, ejected() {}, returned() {} }
    const pool = new TargetPool({ settings: settings.targets, zone, client: name, clock: time, listener })
    const spread = new BalancedChannel(this.#list(), { pool, after: time.timer })
    const journal = new ClientJournal()
    return new PolicedChannel(spread, { contract: contractFacts, settings, journal, clock: time, after: time.timer })
  }

  #list(): ChannelList {
    const current = () => this.#current
    return {
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
  }
}
