import type { WatchedLoop } from './watched-loop.ts'

/** A partition that stands still although its broker answers. */
export interface StalledPartition {
  readonly partition: number
  /**
   * `handler`: its oldest message has no outcome, and no handler is at work that has time left. `commit`: all that may be handled
   * before a commit is, and none is stored. `fetch`: messages are there, and reading gives none.
   */
  readonly waitsFor: 'handler' | 'commit' | 'fetch'
  /** Of the oldest message that it concerns. */
  readonly offset: number
  /** Since when nothing has moved, in epoch milliseconds. */
  readonly sinceAt: number
}

/** What a partition is judged by. */
export interface StandstillFacts {
  readonly now: number
  /** Of the partition's consumer: more than its handlers have, so that one that heeds its signal may still clean up. */
  readonly stallAfterMs: number
  readonly loop: WatchedLoop
  /** Of the other partitions that the same handler reads. */
  readonly others: readonly WatchedLoop[]
  /** Whether the handler's places are all taken, so that a message may wait for one. */
  readonly areSlotsTaken: boolean
  /** Whether none is given since calls have to wait for their turn. */
  readonly areSlotsHeld: boolean
}

/**
 * Whether a partition's messages wait for nothing that comes by itself: no handler is at work that has time left, none is handled again
 * later, none waits for others of its batch, none is being stored as a dead letter, none is halted, and no messages are held back for the sake of calls. A message that an earlier handler still
 * works on counts for nothing, whatever else is tried with it; what is held back or halted counts for nothing either when there is such a handler.
 */
export function isHeldUp({ now, stallAfterMs, loop, others, areSlotsTaken, areSlotsHeld }: StandstillFacts): boolean {
  const wedged = wedgedOffsets(loop, now - stallAfterMs)
  if (areSlotsHeld && wedged.size === 0) return false
  if (isAtWork(loop, wedged)) return false
  for (const [offset, waiting] of loop.stages) {
    const { stage } = waiting
    if (stage === 'gathered' && waiting.untilAt > now) return false
    if (stage === 'buried' || stage === 'parked' || (stage === 'retried' && !wedged.has(offset))) return false
    if ((stage === 'held' || stage === 'halted') && wedged.size === 0) return false
  }
  return !(areSlotsTaken && others.some((other) => isAtWork(other, wedgedOffsets(other, now - stallAfterMs))))
}

/** What an operator is to read of it. */
export function stallText(
  topic: string,
  group: string | undefined,
  { partition, waitsFor, offset, sinceAt }: StalledPartition,
): string {
  const since = new Date(sinceAt).toISOString()
  const where = group === undefined ? 'as a broadcast' : `in group ${group}`
  return `partition ${partition} of ${topic} stands still ${where} since ${since}: ${causes[waitsFor]} ${offset}`
}

const causes = {
  handler: 'no handler comes to an end, the oldest message is at offset',
  commit: 'the broker answers but stores no commit, the oldest message that is not committed is at offset',
  fetch: 'messages are there but are not given out, from offset',
} as const satisfies Record<StalledPartition['waitsFor'], string>

/** The messages of handlers that began by the moment, and should have ended. */
function wedgedOffsets({ runs }: WatchedLoop, latestAt: number): ReadonlySet<number> {
  const wedged = new Set<number>()
  for (const { offset, beganAt } of runs) if (beganAt <= latestAt) wedged.add(offset)
  return wedged
}

function isAtWork({ runs }: WatchedLoop, wedged: ReadonlySet<number>): boolean {
  for (const { offset } of runs) if (!wedged.has(offset)) return true
  return false
}
