/** What has become of the moments of a schedule up to now. */
export interface PassedMoments {
  /** The last one; undefined when none has come, or the last one so long ago that its run would come at another time of day. */
  readonly dueMs: number | undefined
  /** How many came beside it. */
  readonly missedCount: number
  /** The first one that is still to come. */
  readonly nextMs: number
}

/** Goes through the moments from one on up to now. Of very many it counts the first ones only. */
export function passedMoments(firstMs: number, nowMs: number, nextAfter: (afterMs: number) => number): PassedMoments {
  let nextMs = firstMs
  let dueMs: number | undefined
  let missedCount = 0
  while (nextMs <= nowMs) {
    if (dueMs !== undefined) missedCount += 1
    dueMs = nextMs
    nextMs = momentAfter(missedCount < mostCounted ? dueMs : Math.max(dueMs, nowMs - toleratedLateMs), nextAfter)
  }
  if (dueMs === undefined || nowMs - dueMs <= toleratedLateMs) return { dueMs, missedCount, nextMs }
  return { dueMs: undefined, missedCount: missedCount + 1, nextMs }
}

/** The moment after another one; none ever comes, `Infinity`, of a timing that does not go on from there. */
export function momentAfter(afterMs: number, nextAfter: (afterMs: number) => number): number {
  const nextMs = nextAfter(afterMs)
  return nextMs > afterMs ? nextMs : Number.POSITIVE_INFINITY
}

/**
 * How late a run may begin. A guess: more than a busy process, less than what a person would call another time.
 *
 * @see Quartz, misfireThreshold: the same
 */
export const toleratedLateMs = 60_000

/** A guess: finding a moment takes some 40 µs. */
const mostCounted = 1_000
