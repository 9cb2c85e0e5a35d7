/** Settings of a topic that is kept for ever. @see Kafka topic settings retention.ms, retention.bytes, cleanup.policy */
export function keptSettings(isKept = false): { name: string; value: string }[] {
  if (!isKept) return []
  return [
    { name: 'retention.ms', value: '-1' },
    { name: 'retention.bytes', value: '-1' },
    { name: 'cleanup.policy', value: 'delete' },
  ]
}
