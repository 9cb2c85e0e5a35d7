import { setTimeout as wait } from 'node:timers/promises'
import { Child, stayAwake, type Usage } from '../child.ts'
import type { Figure } from '../figure.ts'
import {
  callMarked,
  grpcCaller,
  httpCaller,
  type Mark,
  type MarkedCall,
  type MarkedCaller,
  markedCapacity,
} from '../load/marked-load.ts'
import { spreadOf } from '../statistic.ts'

const warmUpMs = 2_000
const capacityMs = 3_000
const overloadMs = 10_000
const recoveryMs = 8_000
const overload = 3
/** How much of its capacity the service gets after the overload. */
const usualShare = 0.5
/** An answer that comes later is of no use to anybody. A guess. */
const usefulMs = 1_000
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
    ...(await measureOver('gRPC', roundCount, async ({ adminPort = 0 }) =>
      grpcCaller(adminPort, '/demo.v1.WorkService/Work'),
    )),
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

interface Measured {
  readonly name: string
  readonly unit: string
  readonly value: number
  readonly target?: number
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
  const before = await child.usage()
  const peak = await markedCapacity(caller, usual, capacityMs)
  const began = await child.usage()
  const beganAtMs = performance.now()
  // Messages come with the calls, and are to be handled when there is time for them.
  const burst = callMarked(caller, marks, { callsPerSecond: peak * overload, durationMs: overloadMs })
  await wait(overloadMs / 10)
  await ask(child, 'POST', '/v1/publish', { count: messageCount })
  const calls = await burst
  const ended = await child.usage()
  const endedAtMs = performance.now()
  const during = await ask(child, 'GET', '/v1/counts')
  const after = await callMarked(caller, [usual], { callsPerSecond: peak * usualShare, durationMs: recoveryMs })
  const { handled, repeated } = await settled(child)
  caller.close()
  const good = calls.filter(isUseful)
  const critical = calls.filter(({ criticality }) => criticality === 'critical')
  const sheddable = good.filter(({ criticality }) => criticality === 'sheddable')
  const quiet = sheddable.filter(({ tenant }) => tenant === 'quiet')
  const goodput = good.length / (overloadMs / 1_000)
  const peakOfCpu = (peak * capacityMs) / 1_000 / cpuBetween(before, began)
  const goodputOfCpu = good.length / cpuBetween(began, ended)
  return [
    { name: 'peak', unit: 'calls/s', value: peak },
    { name: 'goodput lost', unit: '% of peak', value: 100 * (1 - goodput / peak), target: 10 },
    { name: 'goodput lost, by CPU time', unit: '% of peak', value: 100 * (1 - goodputOfCpu / peakOfCpu) },
    { name: 'had of its core', unit: '%', value: (100 * cpuBetween(began, ended)) / ((endedAtMs - beganAtMs) / 1_000) },
    {
      name: 'critical calls lost',
      unit: '%',
      value: 100 * (1 - critical.filter(isUseful).length / critical.length),
      target: 1,
    },
    { name: 'answered in time, p99', unit: 'ms', value: percentile99(good.map(({ tookMs }) => tookMs)) },
    { name: 'until all succeed for a second', unit: 's', value: recoveredMs(after) / 1_000, target: 5 },
    { name: 'calls lost after it', unit: '%', value: 100 * (1 - after.filter(isUseful).length / after.length) },
    {
      name: 'share of the tenant with a third of the sheddable calls',
      unit: '%',
      value: (100 * quiet.length) / sheddable.length,
    },
    { name: 'messages handled meanwhile', unit: `of ${messageCount}`, value: Number(during.handled) },
    { name: 'messages lost or repeated', unit: '', value: messageCount - handled + repeated, target: 0 },
  ]
}

/** Seconds. On a machine that does something else too, a program is given more of it at one time than at another. */
function cpuBetween(before: Usage, after: Usage): number {
  return (after.cpuMicroseconds - before.cpuMicroseconds) / 1e6
}

function isUseful({ isOk, tookMs }: MarkedCall): boolean {
  return isOk && tookMs <= usefulMs
}

/** When the first second began in which no call was lost; one that is lost much later tells of the machine. */
function recoveredMs(calls: readonly MarkedCall[]): number {
  let sinceMs = 0
  for (const call of calls) {
    if (call.dueMs - sinceMs >= 1_000) break
    if (!isUseful(call)) sinceMs = call.dueMs
  }
  return sinceMs
}

interface Counts {
  readonly handled: number
  readonly repeated: number
}

/** What was handled once all is, or time is over. */
async function settled(child: Child): Promise<Counts> {
  const endsAtMs = performance.now() + settleMs
  for (;;) {
    const counts = await ask(child, 'GET', '/v1/counts')
    if (counts.handled === messageCount || performance.now() > endsAtMs) return counts
    await wait(100)
  }
}

async function ask(child: Child, method: string, path: string, body?: object): Promise<Counts> {
  const reply = await fetch(`http://127.0.0.1:${child.port}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  if (!reply.ok) throw new Error(`${path} answered ${reply.status}`)
  return (await reply.json()) as Counts
}

function percentile99(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY
}
