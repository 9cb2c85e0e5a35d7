import type { EachBatchPayload, IHeaders, KafkaMessage } from 'kafkajs'
import { asBuffer } from '../../bytes.ts'
import type { ReceivedRecord, RecordHeader, RecordToSend } from '../../queue-driver.ts'

/** A record as kafkajs sends it. */
export function toMessage({ key, value, headers, partition, timestampAt }: RecordToSend) {
  const byName = Map.groupBy(headers, ([name]) => name)
  return {
    key: key && asBuffer(key),
    value: value && asBuffer(value),
    headers: Object.fromEntries(Array.from(byName, ([name, same]) => [name, same.map(([, text]) => asBuffer(text))])),
    ...(partition === undefined ? {} : { partition }),
    ...(timestampAt === undefined ? {} : { timestamp: String(timestampAt) }),
  }
}

/** A record as kafkajs received it. */
export function toRecord({ topic, partition }: EachBatchPayload['batch'], message: KafkaMessage): ReceivedRecord {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    timestampAt: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: toHeaders(message.headers),
  }
}

/** Without copies and lists in between: this is done for every message. */
function toHeaders(headers: IHeaders = {}): readonly RecordHeader[] {
  const list: RecordHeader[] = []
  for (const [name, values] of Object.entries(headers))
    for (const value of Array.isArray(values) ? values : [values])
      list.push([name, Buffer.isBuffer(value) ? value : Buffer.from(value ?? '')])
  return list
}

/** Kafka's own name for an error, which kafkajs may have wrapped; empty when it is none of Kafka's. */
export function kafkaErrorType(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  const type: unknown = Reflect.get(error, 'type')
  if (typeof type === 'string') return type
  const cause: unknown = Reflect.get(error, 'cause')
  return cause === error ? '' : kafkaErrorType(cause)
}

/** Whether kafkajs holds that trying again may help. It forgets that when it has tried often enough itself. */
export function isRetriable(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const cause: unknown = Reflect.get(error, 'cause')
  return Reflect.get(error, 'retriable') === true || (cause !== error && isRetriable(cause))
}

/** What went wrong, in words. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
