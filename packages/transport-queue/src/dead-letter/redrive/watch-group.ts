import { ServiceError } from '@tenon/core/transport'
import { lagOf } from '../../partition-lag.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import type { RedriveSettings } from './redrive-options.ts'

/** How far a group has come in a topic. */
export interface GroupProgress {
  /** The next offset of each partition. */
  readonly ends: Readonly<Record<string, number>>
  /** Messages that it has not committed. */
  readonly lagCount: number
  /** All of its commits together; undefined before its first. */
  readonly committedCount: number | undefined
}

/** @throws ServiceError `not_found` when the topic is gone, `unavailable` */
export async function readProgress(driver: QueueDriver, { owner }: RedriveSettings): Promise<GroupProgress> {
  const { topic, group } = owner
  const progress = await driver.describe(topic, group).catch((cause: unknown) => {
    if (!ServiceError.is(cause) || cause.code !== 'not_found') throw cause
    throw new ServiceError('not_found', `topic ${topic}, which the messages would go back to, is gone`, { cause })
  })
  const commits = progress.flatMap(({ committedOffset }) => committedOffset ?? [])
  return {
    ends: Object.fromEntries(progress.map(({ partition, nextOffset }) => [partition, nextOffset])),
    lagCount: lagOf(progress),
    committedCount: commits.length === 0 ? undefined : commits.reduce((sum, offset) => sum + offset, 0),
  }
}

/** What is to be said of a group before anything is put back for it. */
export function warningOf({ committedCount }: GroupProgress, { owner }: RedriveSettings): string | undefined {
  if (committedCount !== undefined) return undefined
  return `group ${owner.group} has never committed anything of topic ${owner.topic}: nobody may handle what is put back`
}

/** Looks until the group goes on from where it was before, or has nothing to do. What is to be said when it does not in time. */
export async function watchGroup(
  driver: QueueDriver,
  before: GroupProgress,
  settings: RedriveSettings,
): Promise<string | undefined> {
  const { owner, watchMs, clock, signal } = settings
  if (watchMs === 0) return undefined
  const untilAt = clock.now() + watchMs
  for (;;) {
    const progress = await readProgress(driver, settings).catch(() => undefined)
    if (progress === undefined) return `how far group ${owner.group} is cannot be told: the broker does not say`
    const { lagCount, committedCount } = progress
    if (lagCount === 0 || committedCount !== before.committedCount) return undefined
    if (clock.now() >= untilAt || signal.aborted)
      return `group ${owner.group} has committed nothing of topic ${owner.topic} for ${watchMs} ms, though ${lagCount} messages wait: its consumers may be down`
    await clock.wait(Math.min(pauseMs, watchMs), signal)
  }
}

/** Between two looks. A guess. */
const pauseMs = 250
