import { toFound } from '../../error/given-value.ts'
import { checkSchedule, resolveSchedule } from './schedule-settings.ts'
import type { ScheduleOptions, Timing } from './timing.ts'

/** A length of time: milliseconds, or a number and its unit, such as `5 m`. */
export type Interval = number | `${number} ${IntervalUnit}`

/** Milliseconds, seconds, minutes, hours, days. */
export type IntervalUnit = keyof typeof unitMs

/**
 * Moments at a fixed distance: `every('5 m')`. The first is one interval after the service is ready, whatever time of day it is; how
 * long a run takes moves none of them. They go by a clock that nobody sets.
 *
 * What is wrong with it keeps the service from starting (`wiring.schedule`), by the name of the schedule.
 *
 * @param interval Milliseconds, or a number with a unit. Range 1 ms–365 d.
 */
export function every(interval: Interval, options: ScheduleOptions = {}): Timing {
  const intervalMs = toMs(interval)
  const settings = resolveSchedule(options)
  return Object.freeze({
    text: `every ${typeof interval === 'number' ? `${interval} ms` : interval}`,
    clock: 'steady',
    settings,
    problems: [
      ...checkInterval(interval, intervalMs),
      ...checkSchedule(settings),
      ...checkJitter(settings, intervalMs),
    ],
    momentsFrom: (beginMs: number) => (afterMs: number) => {
      const count = Math.floor((afterMs - beginMs) / intervalMs) + 1
      const nextMs = beginMs + count * intervalMs
      // A moment is a rounded sum, so the count of those up to it may come out as one too few.
      return nextMs > afterMs ? nextMs : beginMs + (count + 1) * intervalMs
    },
  })
}

const unitMs = Object.freeze({ ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 })

const longestMs = 365 * unitMs.d

/** NaN for what is no interval. */
function toMs(interval: unknown): number {
  if (typeof interval === 'number') return interval
  const [, amount, unit] = /^(\d+(?:\.\d+)?) (ms|s|m|h|d)$/.exec(String(interval)) ?? []
  return Number(amount) * unitMs[unit as IntervalUnit]
}

function checkInterval(interval: unknown, intervalMs: number): readonly string[] {
  if (intervalMs >= 1 && intervalMs <= longestMs) return []
  return [`every() takes 1 ms to 365 d, as milliseconds or as text such as "30 s" or "5 m", found ${toFound(interval)}`]
}

function checkJitter({ jitterMs }: Timing['settings'], intervalMs: number): readonly string[] {
  if (!(jitterMs > intervalMs && intervalMs > 0)) return []
  return [`jitterMs must not exceed the interval of ${intervalMs} ms, found ${jitterMs}`]
}
