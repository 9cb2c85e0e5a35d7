import type { DatedFact } from '../model/journal.ts'
import type { Verdict } from '../model/judge.ts'
import { tell, toText } from '../model/tally.ts'

export interface Restart {
  readonly fromAt: number
  readonly toAt: number
}

export interface Roll {
  readonly facts: readonly DatedFact[]
  readonly restarts: readonly Restart[]
  readonly verdict: Verdict
}

/** Prints what restarts cost: how long no message was handled at all, at worst in each, and what was handled twice. */
export function tellPauses(what: string, { facts, restarts, verdict }: Roll): void {
  const effectsAt = facts.filter(({ is }) => is === 'effect').map(({ at }) => at)
  const pausesMs = restarts.map((restart) => longestPauseMs(effectsAt, restart)).toSorted((one, other) => one - other)
  const medianMs = pausesMs[Math.floor(pausesMs.length / 2)] ?? 0
  const { messageCount, letterCount, duplicates, assignmentCount, violations } = verdict
  const lostCount = violations.filter(({ rule }) => rule === 'lost').length
  const pauses = `longest pause of each: median ${medianMs} ms, worst ${pausesMs.at(-1) ?? 0} ms`
  const counts = `${messageCount} messages, ${letterCount} dead letters, ${assignmentCount} assignments, ${lostCount} lost`
  tell(`${what}; ${pauses}; ${counts}; handled twice: ${toText(duplicates)}`)
}

function longestPauseMs(effectsAt: readonly number[], { fromAt, toAt }: Restart): number {
  const within = [fromAt, ...effectsAt.filter((at) => at > fromAt && at < toAt), toAt]
  return Math.max(...within.map((at, index) => at - (within[index - 1] ?? at)))
}
