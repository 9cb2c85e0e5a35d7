import {
  type AnnounceOptions,
  type Discovery,
  type Instance,
  type Registrar,
  type Registration,
  type WatchOptions,
} from '@tenon/core/registry'
import { ConsulAgent } from './agent/consul-agent.ts'
import { type ConsulOptions, type ConsulSettings, resolveConsul } from './consul-options.ts'
import { ConsulRegistration } from './consul-registration.ts'
import { InstanceCalls } from './instance-calls.ts'
import { watchInstances } from './watch-instances.ts'

/** A registry in Consul: announces through an agent, and finds others by its blocking queries. Connects when it is first used. */
export interface ConsulRegistry extends Registrar, Discovery {
  /** The agent, as a URL. */
  readonly connectsTo: readonly string[]
  /** Removes what was left under maintenance, and releases the connections. Safe to call twice. */
  close(): Promise<void>
}

/** @throws ConfigError `config.malformed`, `config.out_of_range`; all problems at once. */
export function consulRegistry(options: ConsulOptions = {}): ConsulRegistry {
  return new AgentRegistry(resolveConsul(options, process.env))
}

class AgentRegistry implements ConsulRegistry {
  readonly name = 'consul'
  readonly connectsTo: readonly string[]
  readonly #settings: ConsulSettings
  readonly #agent: ConsulAgent
  #parked: ((signal: AbortSignal) => Promise<void>)[] = []

  constructor(settings: ConsulSettings) {
    this.#settings = settings
    this.#agent = new ConsulAgent(settings.agent)
    this.connectsTo = Object.freeze([settings.agent.origin])
  }

  announce(instance: Instance, options: AnnounceOptions): Promise<Registration> {
    return ConsulRegistration.announce(instance, options, {
      settings: this.#settings,
      calls: new InstanceCalls(this.#agent, this.#settings),
      onParked: (remove) => void this.#parked.push(remove),
    })
  }

  watch(name: string, options: WatchOptions): AsyncGenerator<readonly Instance[]> {
    return watchInstances(name, options, { agent: this.#agent, settings: this.#settings.agent })
  }

  async close(): Promise<void> {
    const parked = this.#parked
    this.#parked = []
    const signal = AbortSignal.timeout(this.#settings.agent.requestTimeoutMs)
    const removals = await Promise.allSettled(parked.map((remove) => remove(signal)))
    await this.#agent.close()
    const failures = removals.flatMap((removal) => (removal.status === 'rejected' ? [removal.reason as unknown] : []))
    if (failures.length > 0)
      throw new AggregateError(failures, 'Consul may still show instances that were left under maintenance')
  }
}
