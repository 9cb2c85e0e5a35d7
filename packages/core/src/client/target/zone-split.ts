import type { Target } from './target.ts'

/** The instances of the own zone, those of others, and what part of the calls stays. */
export interface ZoneSplit {
  readonly home: readonly Target[]
  readonly away: readonly Target[]
  /** 0–1. */
  readonly homeRatio: number
}

/**
 * How calls are split where the own zone is preferred: as many stay as the instances of the zone have room for, where callers are
 * spread evenly over the zones and each instance is to have the same. So the loss of a half of the zone sends some half of its calls elsewhere, and
 * does not double the load of the other half.
 *
 * @param known Also those that are not called now, which tell how many zones there are.
 * @param open Those that are called.
 */
export function splitByZone(known: readonly Target[], open: readonly Target[], zone: string): ZoneSplit {
  const home = open.filter((target) => target.zone === zone)
  const away = open.filter((target) => target.zone !== zone)
  const zoneCount = new Set(known.map((target) => target.zone)).size
  const room = (weightOf(home) * zoneCount) / weightOf(open)
  return { home, away, homeRatio: away.length === 0 ? 1 : Math.min(1, room) }
}

function weightOf(targets: readonly Target[]): number {
  return targets.reduce((sum, { weight }) => sum + weight, 0)
}
