import { type Logger, ServiceError } from '@tenon/core/transport'
import type { SharedProgress } from './shared-progress.ts'

export interface RightsSurroundings {
  /** Where messages are set aside. */
  readonly topic: string
  readonly group: string
  readonly log: Logger
  readonly progress: Pick<SharedProgress, 'lines'>
}

/** Whether the retry topic may not be used, for a reason that no waiting mends. Says so in the log, once for all partitions. */
export function isForbidden(
  error: unknown,
  { topic, group, log, progress }: RightsSurroundings,
): error is ServiceError {
  if (!ServiceError.is(error) || error.code !== 'permission_denied') return false
  const needed = `describe, read, write and create topic ${topic}, and read as group ${group}`
  const text = `nothing can be set aside in ${topic}, and messages that fail wait in memory: the service needs the rights to ${needed}`
  if (progress.lines.isDue(text)) log.warn({ err: error }, text)
  return true
}
