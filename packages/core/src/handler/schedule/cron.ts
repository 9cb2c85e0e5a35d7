import { Cron } from 'croner'
import { toFound } from '../../error/given-value.ts'
import { checkSchedule, resolveSchedule } from './schedule-settings.ts'
import { type ScheduleOptions, scheduleDefaults, type Timing } from './timing.ts'

export interface CronOptions extends ScheduleOptions {
  /**
   * Whose time of day it is: a name of the IANA database, such as `Europe/Berlin`. Where the clocks change, it depends on the pattern. With one
   * time of day (`30 2 * * *`: hour, minute and second are single numbers), one that is left out comes right after the change, and one that comes twice counts once.
   * With several (`0,30 2 * * *`), those that are left out do not exist on that day, not even later, and those that come twice count twice. What must run once
   * on every day goes by UTC, or by an hour in which no clock changes.
   *
   * @defaultValue `UTC`, whatever the machine is set to
   */
  readonly timeZone?: string
}

/**
 * Moments by the time of day: `cron('0 3 * * *', { timeZone: 'Europe/Berlin' })`. Five fields (minute, hour, day of the month, month,
 * day of the week), six with seconds before them, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
 *
 * What is wrong with it keeps the service from starting (`wiring.schedule`), by the name of the schedule.
 *
 * @see Vixie cron, crontab(5)
 */
export function cron(pattern: string, options: CronOptions = {}): Timing {
  const { timeZone = scheduleDefaults.timeZone } = options
  const settings = resolveSchedule(options)
  const parsed = parse(pattern, timeZone)
  return Object.freeze({
    text: `cron ${pattern} (${timeZone})`,
    clock: 'wall',
    settings,
    problems: [...parsed.problems, ...checkSchedule(settings)],
    momentsFrom: () => parsed.nextAfter,
  })
}

interface Parsed {
  readonly problems: readonly string[]
  nextAfter(afterMs: number): number
}

function parse(pattern: unknown, timeZone: unknown): Parsed {
  if (!isTimeZone(timeZone))
    return broken(`timeZone must be a name such as "Europe/Berlin", found ${toFound(timeZone)}`)
  if (typeof pattern !== 'string' || !patternForm.test(pattern)) return broken(`${expected}, found ${toFound(pattern)}`)
  try {
    const moments = new Cron(pattern, { paused: true, timezone: timeZone, mode: '5-or-6-parts' })
    if (moments.nextRun(new Date()) === null) return broken(`cron("${pattern}") has no moment that will ever come`)
    const nextAfter = (afterMs: number) => moments.nextRun(new Date(afterMs))?.getTime() ?? Number.POSITIVE_INFINITY
    return { problems: [], nextAfter }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^CronPattern: /, '') : String(cause)
    return broken(`${expected}, found ${toFound(pattern)}: ${reason}`)
  }
}

/** A date is one too for the library, and would run once. */
const patternForm = /^\s*(?:@\w+|\S+(?:\s+\S+){4,5})\s*$/

const expected = 'cron() takes five fields such as "0 3 * * *", or six with seconds first'

function broken(problem: string): Parsed {
  return { problems: [problem], nextAfter: () => Number.POSITIVE_INFINITY }
}

function isTimeZone(name: unknown): name is string {
  if (typeof name !== 'string' || name === '') return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone.length > 0
  } catch {
    return false
  }
}
