import type { RemotePolicy } from '@tenon/core'
import { meansOf, Measurement, type Span, spreadOf, stepMs } from './measurement.ts'
import { endMs, eventMs, type Scenario, settledMs } from './scenario.ts'
import { SimulatedClient } from './simulated-client.ts'
import { SimulatedInstance } from './simulated-instance.ts'
import { SimulatedTime } from './simulated-time.ts'

/** A service with so many instances. */
export interface Size {
  readonly instanceCount: number
  readonly clientCount: number
  /** Mean time of one call. Four workers of each instance do it, and half of their time is needed. */
  readonly serviceMs: number
  /** How many neighbours are taken together where the load is looked at in spans: a span needs some 300 calls, or chance alone makes a fifth of difference. */
  readonly groupSize: number
}

export interface Run {
  readonly scenario: Scenario
  readonly size: Size
  readonly policy: RemotePolicy
  readonly seed: number
}

/** What scenarios see of a run. */
export interface Site {
  readonly time: SimulatedTime
  /** In the order of their places. */
  readonly instances: readonly SimulatedInstance[]
  /** Puts a new instance into a place. */
  open(place: number): SimulatedInstance
  /** Lets all clients learn, a little later, who there is. */
  tell(instances: readonly SimulatedInstance[]): void
  /** Lets all clients begin anew. */
  restartClients(): void
}

/** What came of a run. */
export interface Result {
  /** From the event on. */
  readonly affected: Span
  /** The load of the instances when all has settled, as parts of its mean: of each over all that time, or of neighbours in one of its spans, whichever is worse. */
  readonly load: { readonly least: number; readonly most: number }
  /** From the event until nothing is to be seen of it; undefined where it is to be seen at the end. */
  readonly recoveryMs: number | undefined
  /** While it goes on. */
  readonly meanwhile: Span
  /** From its end until no call fails and none is slow any more, or from its beginning, where it goes on, until hardly any; undefined where that does not come. */
  readonly healedMs: number | undefined
}

const workerCount = 4
const utilisation = 0.5
const timeoutMs = 2_000
const zones = ['a', 'b', 'c']

/** Lets clients call a service for 45 seconds in which something happens to it; the same seed gives the same result. */
export async function simulate({ scenario, size, policy, seed }: Run): Promise<Result> {
  const { instanceCount, clientCount, serviceMs } = size
  const time = new SimulatedTime(seed)
  const measurement = new Measurement()
  const openAt = (place: number) =>
    new SimulatedInstance(
      { address: `instance-${place}:80`, zone: zones[place % 3] ?? '', workerCount, queueLimit: 50, serviceMs },
      time,
    )
  const instances = Array.from({ length: instanceCount }, (_, place) => openAt(place))
  const clients = Array.from({ length: clientCount }, (_, place) => {
    const zone = scenario.hasZones ? zones[place % 3] : undefined
    const noteAttempt = () => measurement.noteAttempt(time.nowMs())
    return new SimulatedClient({ time, policy, name: `client-${place}`, zone, timeoutMs, noteAttempt })
  })
  for (const client of clients) client.learn(instances)
  const site: Site = {
    time,
    instances,
    open: (place) => (instances[place] = openAt(place)),
    tell: (all) => {
      const told = [...all]
      for (const client of clients) time.after(time.random() * 500, () => client.learn(told))
    },
    restartClients: () => {
      for (const client of clients) client.restart()
    },
  }
  const betweenMs = (serviceMs * clientCount) / (instanceCount * workerCount * utilisation)
  for (const client of clients) callOn(client, { time, scenario, betweenMs, measurement })
  time.after(eventMs, () => scenario.begin?.(site))
  const loads = await loadsOf(site, { scenario, size })
  const overMs = eventMs + (scenario.lastsMs ?? 0)
  // Of what is still on its way nothing is known.
  return {
    affected: measurement.between(eventMs, endMs - timeoutMs),
    load: {
      least: Math.min(...loads.map(({ least }) => least)),
      most: Math.max(...loads.map(({ most }) => most)),
    },
    recoveryMs: recoveryOf(measurement, { fromMs: eventMs, failedRatio: 0.01 }),
    meanwhile: measurement.between(eventMs, scenario.lastsMs === undefined ? endMs - timeoutMs : overMs),
    healedMs: recoveryOf(measurement, { fromMs: overMs, failedRatio: scenario.lastsMs === undefined ? 0.01 : 0 }),
  }
}

interface Calling {
  readonly time: SimulatedTime
  readonly scenario: Scenario
  readonly betweenMs: number
  readonly measurement: Measurement
}

/** Calls come whether others have ended or not. */
function callOn(client: SimulatedClient, calling: Calling): void {
  const { time, scenario, betweenMs, measurement } = calling
  const waitMs = time.exponential(betweenMs / (scenario.rateAt?.(time.nowMs()) ?? 1))
  time.after(waitMs, () => {
    const atMs = time.nowMs()
    const end = (hasFailed: boolean) => measurement.note({ atMs, latencyMs: time.nowMs() - atMs, hasFailed })
    client.call(`key ${Math.floor(time.random() * 100_000)}`).then(
      () => end(false),
      () => end(true),
    )
    callOn(client, calling)
  })
}

/** When all has settled: in each span of what is left, and over all of it. */
async function loadsOf(
  site: Site,
  { scenario, size }: Pick<Run, 'scenario' | 'size'>,
): Promise<readonly ReturnType<typeof spreadOf>[]> {
  await site.time.runUntil(settledMs)
  const alike = scenario.alike?.(site) ?? site.instances
  const settled = countsOf(alike)
  let before = settled
  const loads: ReturnType<typeof spreadOf>[] = []
  for (let span = 1; span <= spanCount; span += 1) {
    await site.time.runUntil(settledMs + ((endMs - settledMs) * span) / spanCount)
    const counts = countsOf(alike)
    loads.push(spreadOf(meansOf(growth(before, counts), size.groupSize)))
    before = counts
  }
  return [...loads, spreadOf(growth(settled, before))]
}

/** A second swing would show in the later ones. */
const spanCount = 3

function countsOf(instances: readonly SimulatedInstance[]): readonly number[] {
  return instances.map(({ callCount }) => callCount)
}

function growth(before: readonly number[], counts: readonly number[]): readonly number[] {
  return counts.map((count, place) => count - (before[place] ?? 0))
}

interface Recovery {
  readonly fromMs: number
  /** Which part of the calls may fail. */
  readonly failedRatio: number
}

/** Until the first of the spans after which none is slower than twice what it was before the event, and in none more calls fail than may. */
function recoveryOf(measurement: Measurement, recovery: Recovery): number | undefined {
  const limitMs = 2 * measurement.between(eventMs / 2, eventMs).p99Ms
  const spanMs = 2_000
  let recoveredMs: number | undefined
  for (let fromMs = recovery.fromMs; fromMs <= endMs - timeoutMs - spanMs; fromMs += stepMs) {
    const { p99Ms, failedRatio } = measurement.between(fromMs, fromMs + spanMs)
    if (p99Ms > limitMs || failedRatio > recovery.failedRatio) recoveredMs = undefined
    else recoveredMs ??= fromMs - recovery.fromMs
  }
  return recoveredMs
}
