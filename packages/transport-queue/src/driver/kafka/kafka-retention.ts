import type { TopicRetention, TopicToEnsure } from '../../queue-driver.ts'

/** Settings of a topic that is kept for ever, or for a time. @see Kafka topic settings retention.ms, retention.bytes, cleanup.policy */
export function keptSettings({ isKept = false, keptMs }: TopicToEnsure): { name: string; value: string }[] {
  if (!isKept && keptMs === undefined) return []
  return [
    { name: 'retention.ms', value: isKept ? '-1' : String(keptMs) },
    { name: 'retention.bytes', value: '-1' },
    { name: 'cleanup.policy', value: 'delete' },
  ]
}

/** The settings that `toRetention` reads. */
export const retentionSettings: readonly string[] = ['retention.ms', 'cleanup.policy']

/** What settings of a topic say. @throws Error when they do not */
export function toRetention(settings: ReadonlyMap<string, string | null | undefined>): TopicRetention {
  const [retentionMs, policy] = retentionSettings.map((name) => settings.get(name) ?? undefined)
  if (retentionMs === undefined || policy === undefined)
    throw new Error('a broker left out settings that it was asked for')
  const policies = policy.split(',').map((one) => one.trim())
  const isEndless = Number(retentionMs) < 0 || !policies.includes('delete')
  return {
    keptMs: isEndless ? Number.POSITIVE_INFINITY : Number(retentionMs),
    isCompacted: policies.includes('compact'),
  }
}
