import { setTimeout as wait } from 'node:timers/promises'
import { Child, stayAwake } from '../child.ts'
import type { Figure } from '../figure.ts'
import {
  callMarked,
  grpcCaller,
  httpCaller,
  type Mark,
  type MarkedCaller,
  markedCapacity,
} from '../load/marked-load.ts'
import { spreadOf } from '../statistic.ts'
import { askInfo, watchControl } from './overload/control-watch.ts'
import { type Counts, figuresOf, type Measured, type Moment } from './overload/overload-figures.ts'

const warmUpMs = 2_000
const capacityMs = 3_000
const overloadMs = 10_000
const recoveryMs = 8_000
const overload = 3
/** How much of its capacity the service gets after the overload. */
const usualShare = 0.5
/** Until no refusal is remembered. */
const calmMs = 2_000
const messageCount = 500
const settleMs = 60_000

/** A tenth of the calls are critical, that is 0.3 of what the service can do. Of the others one tenant has twice as many as the other. */
const marks: readonly Mark[] = [
  { criticality: 'critical', tenant: 'quiet' },
  { criticality: 'sheddable', tenant: 'loud' },
  { criticality: 'sheddable', tenant: 'loud' },
  { criticality: 'sheddable', tenant: 'quiet' },
  { criticality: 'sheddable', tenant: 'loud' },
  { criticality: 'sheddable', tenant: 'loud' },
  { criticality: 'sheddable', tenant: 'quiet' },
  { criticality: 'sheddable', tenant: 'loud' },
  { criticality: 'sheddable', tenant: 'loud' },
  { criticality: 'sheddable', tenant: 'quiet' },
]
const usual: Mark = { criticality: 'critical', tenant: 'quiet' }

/** What a service that protects itself does of three times as many calls as it can do, over HTTP and over gRPC. */
export async function measureOverload(roundCount: number): Promise<readonly Figure[]> {
  return [
    ...(await measureOver('HTTP', roundCount, ({ port }) => httpCaller(port, '/v1/work'))),
    ...(await measureOver('gRPC', roundCount, async ({ adminPort = 0 }) => {
      const { addresses } = await askInfo(adminPort)
      const { port = 0 } = addresses.find(({ protocol }) => protocol === 'grpc') ?? {}
      return grpcCaller(port, '/demo.v1.WorkService/Work')
    })),
  ]
}

async function measureOver(
  protocol: string,
  roundCount: number,
  open: (child: Child) => Promise<MarkedCaller>,
): Promise<readonly Figure[]> {
  const rounds: (readonly Measured[])[] = []
  while (rounds.length < roundCount) rounds.push(await measureOnce(open))
  const [first = []] = rounds
  return first.map(({ name, unit, target }, index) => {
    const spread = spreadOf(rounds.map((round) => round[index]?.value ?? Number.POSITIVE_INFINITY))
    return {
      name: `${protocol} at ${overload} × capacity: ${name}`,
      unit,
      spread,
      ...(target !== undefined && { target }),
    }
  })
}

async function measureOnce(open: (child: Child) => Promise<MarkedCaller>): Promise<readonly Measured[]> {
  await using child = await Child.start('dist/server/tenon-overload')
  // As busy at the peak as beyond it: the cores of a machine share its caches.
  using _awake = stayAwake()
  const caller = await open(child)
  // What is not compiled yet would make a capacity of less than it is, and refusals cost more than they do.
  const guess = await markedCapacity(caller, usual, warmUpMs)
  await callMarked(caller, marks, { callsPerSecond: guess * overload, durationMs: warmUpMs })
  await wait(calmMs)
  const peakFrom = await now(child)
  const peak = await markedCapacity(caller, usual, capacityMs)
  const peakUntil = await now(child)
  // Messages come with the calls, and are to be handled when there is time for them.
  const burst = callMarked(caller, marks, { callsPerSecond: peak * overload, durationMs: overloadMs })
  const watched = watchControl(child.adminPort ?? 0, burst)
  await wait(overloadMs / 10)
  await ask(child, 'POST', '/v1/publish', { count: messageCount })
  const calls = await burst
  const burstUntil = await now(child)
  const range = await watched
  const after = await callMarked(caller, [usual], { callsPerSecond: peak * usualShare, durationMs: recoveryMs })
  const settled = await settledCounts(child)
  caller.close()
  const seen = { peak, peakFrom, peakUntil, burstMs: overloadMs, calls, burstUntil, range, after }
  return figuresOf({ ...seen, messageCount, settled })
}

async function now(child: Child): Promise<Moment> {
  const usage = await child.usage()
  return { atMs: performance.now(), usage, counts: await countsOf(child) }
}

/** What was handled once all is, or time is over. */
async function settledCounts(child: Child): Promise<Counts> {
  const endsAtMs = performance.now() + settleMs
  for (;;) {
    const counts = await countsOf(child)
    if (counts.handled === messageCount || performance.now() > endsAtMs) return counts
    await wait(100)
  }
}

async function countsOf(child: Child): Promise<Counts> {
  return (await ask(child, 'GET', '/v1/counts')) as Counts
}

async function ask(child: Child, method: string, path: string, body?: object): Promise<unknown> {
  const reply = await fetch(`http://127.0.0.1:${child.port}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  if (!reply.ok) throw new Error(`${path} answered ${reply.status}`)
  return reply.json()
}
