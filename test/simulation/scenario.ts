import { type Conduct, serving, type SimulatedInstance } from './simulated-instance.ts'
import type { Site } from './simulate.ts'

/** What happens to a service. */
export interface Scenario {
  readonly name: string
  /** Whether clients know where they are. */
  readonly hasZones?: boolean
  /** How many times as many calls as usual come at a moment. */
  readonly rateAt?: (atMs: number) => number
  /** How long it goes on; undefined where it does so to the end, or where nothing happens. */
  readonly lastsMs?: number
  /** Begins what happens, at `eventMs`. */
  begin?(site: Site): void
  /** Those that are to have the same load when all has settled. */
  alike?(site: Site): readonly SimulatedInstance[]
}

/** When it happens. */
export const eventMs = 10_000
/** When the run ends. */
export const endMs = 45_000
/** How long an outage lasts. */
const outageMs = 10_000
const herdMs = 2_000
/** From when on all has settled: what came back has warmed up. */
export const settledMs = 30_000

const first = ({ instances }: Site): SimulatedInstance => {
  const [instance] = instances
  if (instance === undefined) throw new Error('a service has an instance')
  return instance
}
const others = ({ instances }: Site) => instances.slice(1)

const threefold = (atMs: number): number => (atMs >= eventMs && atMs < eventMs + herdMs ? 3 : 1)

export const scenarios: readonly Scenario[] = [
  { name: 'steady' },
  {
    name: 'one slow',
    begin: (site) => void (first(site).conduct = { kind: 'serves', slowness: 10 }),
    alike: others,
  },
  { name: 'one flapping', begin: (site) => flap(site), alike: others },
  { name: 'one dead', begin: (site) => first(site).vanish(), alike: others },
  { name: 'one silent', begin: (site) => void (first(site).conduct = { kind: 'hangs' }), alike: others },
  { name: 'rolling restart', lastsMs: 13_000, begin: (site) => restartNext(site, 0) },
  {
    name: 'zone loss',
    hasZones: true,
    begin: loseZone,
    alike: ({ instances }) => instances.filter(({ zone }) => zone !== lostZone),
  },
  { name: 'thundering herd', lastsMs: herdMs, rateAt: threefold },
]

/** What no choice among instances helps against. */
export const outages: readonly Scenario[] = [
  { name: 'all failing', lastsMs: outageMs, begin: (site) => loseAll(site, { kind: 'fails' }) },
  { name: 'all silent', lastsMs: outageMs, begin: (site) => loseAll(site, { kind: 'hangs' }) },
  { name: 'all gone', lastsMs: outageMs, begin: (site) => loseAll(site) },
  { name: 'cold herd', lastsMs: herdMs, rateAt: threefold, begin: startCold },
]

/** Puts all instances out for a while, at once; without a conduct they are not there. */
function loseAll({ time, instances }: Site, conduct?: Conduct): void {
  for (const instance of instances) {
    if (conduct === undefined) instance.vanish()
    else instance.conduct = conduct
    time.after(outageMs, () => void (instance.conduct = serving))
  }
}

/** Three times as many calls as usual, of clients that have just started, to instances whose caches are cold. */
function startCold(site: Site): void {
  site.restartClients()
  for (const instance of site.instances) {
    instance.conduct = { kind: 'serves', slowness: 2 }
    site.time.after(herdMs, () => void (instance.conduct = serving))
  }
}

/** Fails all for two seconds, and none for three. */
function flap(site: Site): void {
  const instance = first(site)
  const turn = (isFailing: boolean) => {
    instance.conduct = isFailing ? { kind: 'fails' } : serving
    site.time.after(isFailing ? 2_000 : 3_000, () => turn(!isFailing))
  }
  turn(true)
}

/** A fifth at a time: it tells the registry, serves on for a second, is gone for one, and comes back cold. */
function restartNext(site: Site, from: number): void {
  const { time, instances } = site
  const part = instances.slice(from, from + instances.length / 5)
  if (part.length === 0) return
  site.tell(instances.filter((instance) => !part.includes(instance)))
  time.after(1_000, () => {
    for (const instance of part) instance.vanish()
  })
  time.after(2_000, () => {
    for (const place of part.keys()) {
      const fresh = site.open(from + place)
      fresh.conduct = { kind: 'serves', slowness: 3 }
      time.after(3_000, () => void (fresh.conduct = serving))
    }
    site.tell(instances)
    restartNext(site, from + part.length)
  })
}

const lostZone = 'a'

/** The registry notices it five seconds later. */
function loseZone(site: Site): void {
  const { time, instances } = site
  const [lost, left] = [
    instances.filter(({ zone }) => zone === lostZone),
    instances.filter(({ zone }) => zone !== lostZone),
  ]
  for (const instance of lost) instance.vanish()
  time.after(5_000, () => site.tell(left))
}
