import { peakEwma, roundRobin, ServiceError } from '@tenon/core'
import { buildClient, type Client, type ClientChannel } from '@tenon/core/client'
import { BalancedChannel } from '../../../packages/core/src/client/balanced-channel.ts'
import { fixedChannels } from '../../../packages/core/src/client/channel-list.ts'
import { processClock } from '../../../packages/core/src/client/policy/policy-clock.ts'
import { resolveTargets } from '../../../packages/core/src/client/policy/target-policy.ts'
import { PoolTelemetry } from '../../../packages/core/src/client/target/pool-telemetry.ts'
import { Target } from '../../../packages/core/src/client/target/target.ts'
import { TargetPool } from '../../../packages/core/src/client/target/target-pool.ts'
import { silent } from '../../../packages/core/src/telemetry/log.ts'
import type { Figure } from '../figure.ts'
import { shop } from '../server/shop.ts'
import { findUser } from '../server/shop-work.ts'
import { spreadOf } from '../statistic.ts'

const instanceCount = 1_000
const pickCount = 1_000_000
const callCount = 100_000

/** How long it takes to choose one of a thousand instances, with what is noted of the call, and what a call through all of it costs. */
export async function measurePicks(roundCount: number): Promise<readonly Figure[]> {
  const balancers = [peakEwma(), roundRobin()]
  const pools = balancers.map((balancer) => ({ name: balancer.name, pool: poolOf(balancer), picks: [] as number[] }))
  const { bare, balanced } = clients()
  const own: number[] = []
  for (let round = 0; round <= roundCount; round++) {
    const measured = pools.map(({ pool }) => nanosecondsPer(pickCount, () => pickAll(pool)))
    const direct = await microsecondsPerCall(bare)
    const through = await microsecondsPerCall(balanced)
    // The first round warms up.
    if (round === 0) continue
    for (const [place, { picks }] of pools.entries()) picks.push(measured[place] ?? 0)
    own.push(through - direct)
  }
  return [
    ...pools.map(({ name, picks }) => ({
      name: `a pick among 1,000 instances, ${name}`,
      unit: 'ns CPU',
      spread: spreadOf(picks),
      target: 500,
    })),
    {
      name: 'a call to one of 1,000 instances, above the bare client',
      unit: 'µs CPU',
      spread: spreadOf(own),
      target: 5,
    },
  ]
}

/** Answers at once, as far as any caller can tell. */
const channel: ClientChannel = {
  unary: async () => findUser('u42'),
  serverStream: refuse,
  clientStream: refuse,
  bidiStream: refuse,
  state: () => 'ready',
  close: async () => undefined,
}

function refuse(): never {
  throw new ServiceError('unimplemented', 'only unary calls are measured')
}

function targets(): readonly Target[] {
  return Array.from(
    { length: instanceCount },
    (_, place) => new Target(`10.0.${place >> 8}.${place & 255}:80`, channel),
  )
}

function poolOf(balancer: ReturnType<typeof peakEwma>, list = targets()): TargetPool {
  const settings = resolveTargets({ balancer, breaker: true })
  const listener = new PoolTelemetry('bench', silent)
  const pool = new TargetPool({ settings, zone: undefined, client: 'bench', clock: processClock, listener })
  pool.use(list)
  for (const target of list) target.answered('answered', 10 + 5 * processClock.random(), processClock.nowMs())
  return pool
}

const anyOpen = { isOpen: ({ channel: { state } }: Target) => state?.() === 'ready' }

function pickAll(pool: TargetPool): void {
  for (let pick = 0; pick < pickCount; pick += 1) {
    const nowMs = processClock.nowMs()
    const target = pool.pick(anyOpen, nowMs)
    if (target === undefined) throw new Error('all are open')
    pool.begin(target)
    pool.end(target, 'answered', 12)
  }
}

function clients() {
  const list = targets()
  const over = new BalancedChannel(fixedChannels(list), { pool: poolOf(peakEwma(), list) })
  return { bare: buildClient<typeof shop>(shop, channel), balanced: buildClient<typeof shop>(shop, over) }
}

async function microsecondsPerCall(client: Client<typeof shop>): Promise<number> {
  const before = process.cpuUsage()
  for (let call = 0; call < callCount; call += 1) await client.getUser({ userId: 'u42' })
  const { user, system } = process.cpuUsage(before)
  return (user + system) / callCount
}

function nanosecondsPer(count: number, run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1_000) / count
}
