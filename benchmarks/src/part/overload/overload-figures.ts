import type { Usage } from '../../child.ts'
import type { MarkedCall } from '../../load/marked-load.ts'
import type { ControlRange } from './control-watch.ts'

/** What the service says of its work so far. */
export interface Counts {
  /** Messages that were handled, and those of them that were more than once. */
  readonly handled: number
  readonly repeated: number
  /** Calls that were computed, and the CPU time of that alone. */
  readonly computed: number
  readonly computeMicroseconds: number
  /** Calls that waited before they were refused. */
  readonly refusedLate: number
}

/** A moment. */
export interface Moment {
  readonly atMs: number
  readonly usage: Usage
  readonly counts: Counts
}

/** What a round saw. */
export interface Round {
  /** Calls a second that it did at its most, and the moments between which it did. */
  readonly peak: number
  readonly peakFrom: Moment
  readonly peakUntil: Moment
  /** How long calls came faster than it could do them, and what became of them; it began at `peakUntil`. */
  readonly burstMs: number
  readonly calls: readonly MarkedCall[]
  readonly burstUntil: Moment
  readonly range: ControlRange
  /** Calls that came behind it. */
  readonly after: readonly MarkedCall[]
  readonly messageCount: number
  /** When all messages were handled, or time was over. */
  readonly settled: Counts
}

/** One figure of one round. */
export interface Measured {
  readonly name: string
  readonly unit: string
  readonly value: number
  readonly target?: number
}

export function figuresOf(round: Round): readonly Measured[] {
  const { peak, peakFrom, peakUntil, burstMs, calls, burstUntil, range, after, messageCount, settled } = round
  const good = calls.filter(isUseful)
  const critical = calls.filter(({ criticality }) => criticality === 'critical')
  const sheddable = good.filter(({ criticality }) => criticality === 'sheddable')
  const quiet = sheddable.filter(({ tenant }) => tenant === 'quiet')
  const sentLate = calls.map(({ sentLateMs }) => sentLateMs)
  const atPeak = between(peakFrom, peakUntil)
  const inBurst = between(peakUntil, burstUntil)
  // Per second of CPU time, and as a share of it.
  const goodputOfCpu = good.length / inBurst.cpuSeconds / (atPeak.computed / atPeak.cpuSeconds)
  const usefulSeconds = (inBurst.computeSeconds * good.length) / inBurst.computed
  const usefulShare = usefulSeconds / inBurst.cpuSeconds / (atPeak.computeSeconds / atPeak.cpuSeconds)
  return [
    { name: 'peak', unit: 'calls/s', value: peak },
    lost('goodput lost', good.length / (burstMs / 1_000) / peak, 10),
    lost('goodput lost, by CPU time', goodputOfCpu),
    lost('goodput lost, by what calls compute', usefulShare),
    { name: 'a call computes, at the peak', unit: 'ms of CPU', value: perCall(atPeak) },
    { name: 'a call computes', unit: 'ms of CPU', value: perCall(inBurst) },
    { name: 'had of its core, at the peak', unit: '%', value: (100 * atPeak.cpuSeconds) / atPeak.seconds },
    { name: 'had of its core', unit: '%', value: (100 * inBurst.cpuSeconds) / inBurst.seconds },
    { name: 'sent late, p99', unit: 'ms', value: percentile99(sentLate) },
    { name: 'calls refused', unit: '%', value: percentOf(calls, ({ end }) => end === 'refused') },
    { name: 'calls refused after they waited', unit: '%', value: (100 * inBurst.refusedLate) / calls.length },
    { name: 'calls failed otherwise', unit: '%', value: percentOf(calls, ({ end }) => end === 'failed') },
    {
      name: 'calls answered too late',
      unit: '%',
      value: percentOf(calls, (call) => call.end === 'ok' && !isUseful(call)),
    },
    { name: 'computed for nothing', unit: '% of what was computed', value: 100 * (1 - good.length / inBurst.computed) },
    { name: 'lowest limit', unit: 'calls', value: range.lowestLimit },
    { name: 'highest limit', unit: 'calls', value: range.highestLimit },
    { name: 'most waiting', unit: 'calls', value: range.mostWaiting },
    { name: 'critical calls lost', unit: '%', value: percentOf(critical, (call) => !isUseful(call)), target: 1 },
    { name: 'answered in time, p99', unit: 'ms', value: percentile99(good.map(({ tookMs }) => tookMs)) },
    { name: 'until all succeed for a second', unit: 's', value: recoveredMs(after) / 1_000, target: 5 },
    { name: 'calls lost after it', unit: '%', value: percentOf(after, (call) => !isUseful(call)) },
    {
      name: 'share of the tenant with a third of the sheddable calls',
      unit: '%',
      value: (100 * quiet.length) / sheddable.length,
    },
    { name: 'messages handled meanwhile', unit: `of ${messageCount}`, value: burstUntil.counts.handled },
    {
      name: 'messages lost or repeated',
      unit: '',
      value: messageCount - settled.handled + settled.repeated,
      target: 0,
    },
  ]
}

/** An answer that comes later is of no use to anybody. A guess. */
const usefulMs = 1_000

interface Spent {
  readonly seconds: number
  /** On a machine that does something else too, a program is given more of it at one time than at another. */
  readonly cpuSeconds: number
  readonly computed: number
  readonly computeSeconds: number
  readonly refusedLate: number
}

function between(from: Moment, until: Moment): Spent {
  return {
    seconds: (until.atMs - from.atMs) / 1_000,
    cpuSeconds: (until.usage.cpuMicroseconds - from.usage.cpuMicroseconds) / 1e6,
    computed: until.counts.computed - from.counts.computed,
    refusedLate: until.counts.refusedLate - from.counts.refusedLate,
    computeSeconds: (until.counts.computeMicroseconds - from.counts.computeMicroseconds) / 1e6,
  }
}

function perCall({ computed, computeSeconds }: Spent): number {
  return (1_000 * computeSeconds) / computed
}

function lost(name: string, keptShare: number, target?: number): Measured {
  return { name, unit: '% of peak', value: 100 * (1 - keptShare), ...(target !== undefined && { target }) }
}

function isUseful({ end, tookMs }: MarkedCall): boolean {
  return end === 'ok' && tookMs <= usefulMs
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

function percentOf(calls: readonly MarkedCall[], isMeant: (call: MarkedCall) => boolean): number {
  return (100 * calls.filter(isMeant).length) / calls.length
}

function percentile99(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY
}
