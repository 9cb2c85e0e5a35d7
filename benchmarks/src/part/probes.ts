import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Child } from '../child.ts'
import type { Figure } from '../figure.ts'
import { callAtRate, capacityOf, openConnections, probe } from '../load/probe-load.ts'
import { spreadOf } from '../statistic.ts'

const warmUpMs = 2_000
const capacityMs = 3_000
const overloadMs = 20_000
const overload = 3
/** As many as the service lets run at a time, so that it refuses none. */
const laneCount = 16
const targetMs = 250

const units: Readonly<Record<string, string>> = {
  capacity: 'calls/s',
  refused: '% of calls',
  'share of a core': '%',
  'delay of the load itself': 'ms',
}

/** How long probes take while a service gets three times the calls that it can do. */
export async function measureProbes(roundCount: number): Promise<readonly Figure[]> {
  const rounds: (readonly (readonly [string, number])[])[] = []
  while (rounds.length < roundCount) rounds.push(await measureOnce())
  const [first = []] = rounds
  return first.map(([name], index) => {
    const isLatency = name.endsWith('p99')
    const spread = spreadOf(rounds.map((round) => round[index]?.[1] ?? Number.POSITIVE_INFINITY))
    const unit = isLatency ? 'ms' : (units[name] ?? '')
    return { name: `probes at ${overload} × capacity: ${name}`, unit, spread, ...(isLatency && { target: targetMs }) }
  })
}

async function measureOnce(): Promise<readonly (readonly [string, number])[]> {
  await using child = await Child.start('dist/server/tenon-busy')
  const { port, adminPort = 0 } = child
  // What is not compiled yet would make three times its capacity less than that.
  await capacityOf(port, laneCount, warmUpMs)
  const capacity = await capacityOf(port, laneCount, capacityMs)
  const agent = await openConnections(port)
  const places = [
    ['/livez on the admin port', adminPort, '/livez'],
    ['/readyz on the admin port', adminPort, '/readyz'],
    ['/readyz over HTTP', port, '/readyz'],
  ] as const
  // A load that is late itself measures nothing.
  const delays = monitorEventLoopDelay({ resolution: 10 })
  delays.enable()
  const [startedAt, before] = [performance.now(), await child.usage()]
  const [answered, latencies] = await Promise.all([
    callAtRate({ port, agent }, capacity * overload, overloadMs),
    probe({ places: places.map(([, at, path]) => ({ port: at, path })), durationMs: overloadMs }),
  ])
  delays.disable()
  const after = await child.usage()
  const share = (after.cpuMicroseconds - before.cpuMicroseconds) / (1_000 * (performance.now() - startedAt))
  const { okCount, refusedCount } = answered
  return [
    ['capacity', capacity],
    ['refused', (100 * refusedCount) / (okCount + refusedCount)],
    ['share of a core', 100 * share],
    ['delay of the load itself', delays.percentile(99) / 1e6],
    ...places.map(([name], index) => [`${name}, p99`, percentile99(latencies[index] ?? [])] as const),
  ]
}

function percentile99(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY
}
