import {
  constants,
  monitorEventLoopDelay,
  type NodeGCPerformanceDetail,
  performance,
  type PerformanceEntry,
  PerformanceObserver,
} from 'node:perf_hooks'
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'
import { areMetricsRecorded, histogram, observe } from './instrument.ts'

/**
 * Records what the process is like, its event loop, its heap and the collections of that, until what it gives is called. Several services of a process
 * record it once. Does nothing where no OpenTelemetry SDK is registered.
 *
 * @see OpenTelemetry semantic conventions for Node.js and V8
 */
export function recordRuntime(): () => void {
  if (!areMetricsRecorded()) return () => undefined
  if (userCount === 0) end = begin()
  userCount += 1
  let isUsed = true
  return () => {
    if (!isUsed) return
    isUsed = false
    userCount -= 1
    if (userCount === 0) end?.()
  }
}

let userCount = 0
let end: (() => void) | undefined

function begin(): () => void {
  const ends = [observeDelay(), observeUse(), observeHeap(), recordCollections()]
  return () => {
    for (const one of ends) one()
  }
}

function observeDelay(): () => void {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs })
  delays.enable()
  const quantiles = [
    ['nodejs.eventloop.delay.p50', 50],
    ['nodejs.eventloop.delay.p90', 90],
    ['nodejs.eventloop.delay.p99', 99],
  ] as const
  const stop = observe([...extremes, ...quantiles.map(([name]) => name)], (tell) => {
    // There is no sample yet, or none since the last look.
    if (delays.count === 0) return
    tell('nodejs.eventloop.delay.min', lateSeconds(delays.min))
    tell('nodejs.eventloop.delay.max', lateSeconds(delays.max))
    tell('nodejs.eventloop.delay.mean', lateSeconds(delays.mean))
    tell('nodejs.eventloop.delay.stddev', delays.stddev / 1e9)
    for (const [name, percentile] of quantiles) tell(name, lateSeconds(delays.percentile(percentile)))
    delays.reset()
  })
  return () => {
    stop()
    delays.disable()
  }
}

const extremes = [
  'nodejs.eventloop.delay.min',
  'nodejs.eventloop.delay.max',
  'nodejs.eventloop.delay.mean',
  'nodejs.eventloop.delay.stddev',
] as const

/** Each sample wakes a process that is idle. @see OpenTelemetry's own instrumentation of the runtime: 10 ms */
const resolutionMs = 10

/** A sample is the time from one look to the next, in nanoseconds, of which the resolution is meant. */
function lateSeconds(sampleNs: number): number {
  return Math.max(0, sampleNs - resolutionMs * 1e6) / 1e9
}

function observeUse(): () => void {
  let last = performance.eventLoopUtilization()
  return observe(['nodejs.eventloop.utilization', 'nodejs.eventloop.time'], (tell) => {
    const now = performance.eventLoopUtilization()
    tell('nodejs.eventloop.utilization', performance.eventLoopUtilization(now, last).utilization)
    tell('nodejs.eventloop.time', now.active / 1_000, { 'nodejs.eventloop.state': 'active' })
    tell('nodejs.eventloop.time', now.idle / 1_000, { 'nodejs.eventloop.state': 'idle' })
    last = now
  })
}

function observeHeap(): () => void {
  const names = [
    'v8js.memory.heap.used',
    'v8js.memory.heap.space.size',
    'v8js.memory.heap.space.available_size',
    'v8js.memory.heap.space.physical_size',
    'tenon.runtime.heap_limit',
  ] as const
  return observe(names, (tell) => {
    for (const space of getHeapSpaceStatistics()) {
      const attributes = { 'v8js.heap.space.name': space.space_name }
      tell('v8js.memory.heap.used', space.space_used_size, attributes)
      tell('v8js.memory.heap.space.size', space.space_size, attributes)
      tell('v8js.memory.heap.space.available_size', space.space_available_size, attributes)
      tell('v8js.memory.heap.space.physical_size', space.physical_space_size, attributes)
    }
    tell('tenon.runtime.heap_limit', getHeapStatistics().heap_size_limit)
  })
}

function recordCollections(): () => void {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) recordCollection(entry)
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}

function recordCollection(entry: PerformanceEntry): void {
  const kind = isCollection(entry) ? entry.detail.kind : undefined
  const type = kind === undefined ? undefined : collectionTypes.get(kind)
  histogram('v8js.gc.duration').record(entry.duration / 1_000, { ...(type !== undefined && { 'v8js.gc.type': type }) })
}

/** The types of Node leave it out. @see Node.js perf_hooks: `performanceNodeEntry.detail` */
function isCollection(entry: PerformanceEntry): entry is PerformanceEntry & { detail: NodeGCPerformanceDetail } {
  return 'detail' in entry
}

const collectionTypes = new Map<number, string>([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
])
