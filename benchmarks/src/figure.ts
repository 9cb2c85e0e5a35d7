import type { Spread } from './statistic.ts'

/** One line of the result. */
export interface Figure {
  readonly name: string
  readonly unit: string
  readonly spread: Spread
  /** The figure to stay at or below. */
  readonly target?: number
}

/** What a run found, and where. */
export interface Report {
  readonly measuredAt: string
  readonly machine: { readonly node: string; readonly platform: string; readonly cores: number }
  readonly figures: readonly Figure[]
}

/** Whether a figure has no target, or reached it. */
export function isReached({ spread, target }: Figure): boolean {
  return target === undefined || spread.median <= target
}
