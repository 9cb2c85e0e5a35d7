import { toFound } from '../../error/given-value.ts'
import { type Overlap, type ScheduleOptions, type ScheduleSettings, scheduleDefaults } from './timing.ts'

/** Fills in defaults. */
export function resolveSchedule(options: ScheduleOptions): ScheduleSettings {
  const { overlap = scheduleDefaults.overlap, jitterMs = scheduleDefaults.jitterMs, timeoutMs } = options
  return Object.freeze({ overlap, jitterMs, timeoutMs })
}

/** What is wrong with the settings, each as what was expected and what was found. */
export function checkSchedule({ overlap, jitterMs, timeoutMs }: ScheduleSettings): readonly string[] {
  const known: readonly unknown[] = overlaps
  return [
    ...(known.includes(overlap) ? [] : [`overlap must be skip, queue or parallel, found ${toFound(overlap)}`]),
    ...checkRange('jitterMs', jitterMs, [0, 3_600_000]),
    ...(timeoutMs === undefined ? [] : checkRange('timeoutMs', timeoutMs, [1, 86_400_000])),
  ]
}

const overlaps = ['skip', 'queue', 'parallel'] as const satisfies readonly Overlap[]

function checkRange(name: string, value: unknown, [min, max]: readonly [number, number]): readonly string[] {
  if (typeof value === 'number' && value >= min && value <= max) return []
  return [`${name} must be from ${min} to ${max}, found ${toFound(value)}`]
}
