import { type EventLoopUtilization, type Histogram, monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import { ConfigError } from '../../error/setup-error.ts'
import { toFound } from '../../error/given-value.ts'
import type { HealthCheck } from '../../handler/check.ts'
import { type HealthCheckOptions, resolveHealthCheck } from '../../handler/check-settings.ts'

export interface EventLoopDelayOptions extends Omit<HealthCheckOptions, 'timeoutMs'> {
  /**
   * Longest time that the event loop may stand still between two looks, once: one long computation, or one long collection of the heap.
   *
   * @defaultValue 250
   * @remarks Range 10–60_000 ms
   * @throws ConfigError `config.out_of_range`
   */
  readonly limitMs?: number
}

export interface RatioOptions extends Omit<HealthCheckOptions, 'timeoutMs'> {
  /**
   * Largest share that is well.
   *
   * @defaultValue 0.95 of the time for `eventLoopUtilization()`, 0.9 of V8's limit for `heapUse()`
   * @remarks Range above 0–1
   * @throws ConfigError `config.out_of_range`
   */
  readonly limitRatio?: number
}

/** What is used where an option of a check of the process is left out. Guesses; they only show. */
export const processCheckDefaults = Object.freeze({
  eventLoopDelayMs: 250,
  eventLoopUtilizationRatio: 0.95,
  heapRatio: 0.9,
  affects: 'none',
})

/**
 * Looks at how late the event loop is, by the name `event-loop-delay`. Every service shows it; in `checks` it takes other limits,
 * or decides something. A process that is busy answers probes late, and one that hangs does not answer: neither needs it.
 *
 * @throws ConfigError `config.out_of_range`, `config.malformed`
 */
export function eventLoopDelay(options: EventLoopDelayOptions = {}): HealthCheck {
  const { limitMs = processCheckDefaults.eventLoopDelayMs } = options
  const name = processCheckNames.eventLoopDelay
  checkLimit(`eventLoopDelay(…): limitMs`, limitMs, [10, 60_000])
  return processCheck(name, options, () => {
    const delays = monitorEventLoopDelay({ resolution: resolutionMs })
    delays.enable()
    let isFirst = true
    const run = async () => {
      // There is no sample yet.
      if (isFirst) return void (isFirst = false)
      // A sample that is due is taken by the timers of the next turn; the first of these ends this one.
      await setImmediate()
      await setImmediate()
      const delayMs = latenessMs(delays)
      delays.reset()
      if (delayMs > limitMs) throw new Error(`the event loop was ${delayMs} ms late, more than ${limitMs} ms`)
    }
    return { run, close: () => void delays.disable() }
  })
}

/**
 * How late the latest sample was. A share of the samples would say nothing: while the loop stands still, however long, it takes one.
 *
 * @param delays The times between two samples, in nanoseconds, of which the resolution is meant.
 */
export function latenessMs({ max }: Pick<Histogram, 'max'>): number {
  return Math.max(0, Math.round(max / 1e6) - resolutionMs)
}

/**
 * Looks at how much of its time the event loop is busy, by the name `event-loop-utilization`. Every service shows it.
 *
 * @throws ConfigError `config.out_of_range`, `config.malformed`
 */
export function eventLoopUtilization(options: RatioOptions = {}): HealthCheck {
  const { limitRatio = processCheckDefaults.eventLoopUtilizationRatio } = options
  checkLimit('eventLoopUtilization(…): limitRatio', limitRatio, [0, 1])
  return processCheck(processCheckNames.eventLoopUtilization, options, () => {
    let last: EventLoopUtilization | undefined
    const run = () => {
      const now = performance.eventLoopUtilization()
      const before = last
      last = now
      // A start is all work: what came before the first look does not count.
      if (before === undefined) return
      const { utilization } = performance.eventLoopUtilization(now, before)
      requireShare('the event loop was busy', utilization, limitRatio)
    }
    return { run }
  })
}

/**
 * Looks at how much of V8's heap limit is used, by the name `heap`. Every service shows it. With `affects: 'liveness'` a process
 * that leaks is drained and started anew before it runs out of memory.
 *
 * @throws ConfigError `config.out_of_range`, `config.malformed`
 */
export function heapUse(options: RatioOptions = {}): HealthCheck {
  const { limitRatio = processCheckDefaults.heapRatio } = options
  checkLimit('heapUse(…): limitRatio', limitRatio, [0, 1])
  const run = () => {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
    requireShare('the heap is used', used / limit, limitRatio)
  }
  return processCheck(processCheckNames.heapUse, options, () => ({ run }))
}

/** Those of every service, but for those that it lists itself by the same name. */
export function processChecks(own: readonly HealthCheck[]): readonly HealthCheck[] {
  const names = new Set(own.map(({ name }) => name))
  return [eventLoopDelay(), eventLoopUtilization(), heapUse()].filter(({ name }) => !names.has(name))
}

const processCheckNames = {
  eventLoopDelay: 'event-loop-delay',
  eventLoopUtilization: 'event-loop-utilization',
  heapUse: 'heap',
} as const

/** Each sample wakes a process that is idle: 20 times a second. A guess: enough to see delays from 100 ms on. */
const resolutionMs = 50

function processCheck(name: string, options: HealthCheckOptions, open: HealthCheck['open']): HealthCheck {
  const settings = resolveHealthCheck(`${name}(…)`, { affects: processCheckDefaults.affects, ...options })
  return Object.freeze({ name, needs: [], settings, open })
}

function requireShare(what: string, ratio: number, limitRatio: number): void {
  if (ratio <= limitRatio) return
  throw new Error(`${what} to ${percent(ratio)}, more than ${percent(limitRatio)}`)
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`
}

function checkLimit(what: string, value: number, [min, max]: readonly [number, number]): void {
  if (typeof value === 'number' && value >= min && value <= max && value > 0) return
  const message = `${what} must be ${min === 0 ? 'above 0, up to' : `from ${min} to`} ${max}, found ${toFound(value)}`
  throw new ConfigError([{ code: 'config.out_of_range', message }])
}
