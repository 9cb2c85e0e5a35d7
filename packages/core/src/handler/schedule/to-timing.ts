import { toFound } from '../../error/given-value.ts'
import { resolveSchedule } from './schedule-settings.ts'
import type { Timing } from './timing.ts'

/** What was given as a timing; whoever writes no TypeScript may give anything, and is told when the service is checked. */
export function toTiming(given: Partial<Timing> | undefined | null): Timing {
  if (typeof given?.momentsFrom === 'function') return given as Timing
  return Object.freeze({
    text: 'never',
    clock: 'steady',
    settings: resolveSchedule({}),
    problems: [`expected what every(…) or cron(…) gives, found ${toFound(given)}`],
    momentsFrom: () => () => Number.POSITIVE_INFINITY,
  })
}
