import { vi } from 'vitest'
import { roundRobin } from '../balancer/round-robin.ts'
import type { ChannelState, ClientChannel } from '../client-transport.ts'
import type { PolicyClock } from '../policy/policy-clock.ts'
import { resolveTargets } from '../policy/target-policy.ts'
import { Target, type TargetFacts } from './target.ts'
import { TargetPool } from './target-pool.ts'

/** Time that stands still until it is turned, and chance that comes again. */
class SteadyClock implements PolicyClock {
  #ms = 0
  #seed = 1

  nowMs(): number {
    return this.#ms
  }

  /** @see Marsaglia, "Xorshift RNGs" */
  random(): number {
    this.#seed ^= this.#seed << 13
    this.#seed ^= this.#seed >>> 17
    this.#seed ^= this.#seed << 5
    return (this.#seed >>> 0) / 2 ** 32
  }

  advance(ms: number): void {
    this.#ms += ms
  }
}

interface Surroundings {
  /** In the place of time that stands still. */
  readonly nowMs?: () => number
  readonly zone?: string
  readonly client?: string
}

/** A pool whose events are noted; in turn from the first one on, unless the policy says otherwise. */
export function steadyPool(
  policy: Parameters<typeof resolveTargets>[0] = {},
  { nowMs, zone, client = 'a' }: Surroundings = {},
) {
  const clock = new SteadyClock()
  if (nowMs) clock.nowMs = nowMs
  if (policy.balancer === undefined) clock.random = () => 0
  const settings = resolveTargets({ balancer: roundRobin(), ...policy })
  const listener = {
    picked: vi.fn(),
    passedOver: vi.fn(),
    breakerChanged: vi.fn(),
    ejected: vi.fn(),
    returned: vi.fn(),
  }
  const pool = new TargetPool({ settings, zone, client, clock, listener })
  return { clock, listener, pool }
}

/** A target over which nothing is sent. */
export function idleTarget(address: string, facts: TargetFacts & { readonly state?: ChannelState } = {}): Target {
  const channel = { state: () => facts.state ?? 'ready', close: async () => undefined }
  return new Target(address, channel as unknown as ClientChannel, facts)
}

export const anyTarget = { isOpen: () => true }

/** How many of the calls each address got, when each is over at once. */
export function sharesOf(pool: TargetPool, count: number, key?: (call: number) => string): Record<string, number> {
  const shares: Record<string, number> = {}
  for (let call = 0; call < count; call += 1) {
    const choice = key ? { ...anyTarget, key: key(call) } : anyTarget
    const target = pool.pick(choice, pool.clock.nowMs())
    if (target !== undefined) shares[target.address] = (shares[target.address] ?? 0) + 1
  }
  return shares
}
