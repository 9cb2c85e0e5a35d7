import type { Logger } from '@tenon/core/transport'
import { ThinLines } from '../../thin-lines.ts'
import type { QueueClock } from '../../wait.ts'
import type { LostCommit } from './commit-progress.ts'

/** Tells the log of commits of one partition that were not stored: the same again at most once a minute, since they are tried for long. */
export function tellLostCommits(log: Logger, clock: Pick<QueueClock, 'now'>): (commit: LostCommit) => void {
  const lines = new ThinLines(clock)
  return ({ nextOffset, error, isTriedAgain }) => {
    const what = error === undefined ? 'was refused' : 'failed'
    const text = isTriedAgain
      ? `a commit ${what}; it is tried again`
      : `the last commit of a partition ${what}; what it covers may be handled again`
    if (lines.isDue(text)) log.warn({ nextOffset, ...(error !== undefined && { err: error }) }, text)
  }
}
