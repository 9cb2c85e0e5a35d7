import type { IHeaders, KafkaMessage } from 'kafkajs'
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

export type RecordPlace = Pick<ReceivedRecord, 'topic' | 'partition'>

/** A record as kafkajs received it. */
export function toRecord({ topic, partition }: RecordPlace, message: KafkaMessage): ReceivedRecord {
  return new KafkajsRecord(topic, partition, message)
}

/** Many wait at a time: each has its headers as a list only while somebody looks at them. */
class KafkajsRecord implements ReceivedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestampAt: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly #headers: IHeaders | undefined

  constructor(topic: string, partition: number, message: KafkaMessage) {
    this.topic = topic
    this.partition = partition
    this.offset = Number(message.offset)
    this.timestampAt = Number(message.timestamp)
    this.key = message.key
    this.value = message.value
    this.#headers = message.headers
  }

  get headers(): readonly RecordHeader[] {
    return toHeaders(this.#headers)
  }
}

/** Without lists in between: this is done for every message. */
function toHeaders(headers: IHeaders = {}): readonly RecordHeader[] {
  const list: RecordHeader[] = []
  // Its own names only: kafkajs makes a plain object of them.
  for (const name in headers) {
    const values = headers[name]
    if (!Array.isArray(values)) list.push(toHeader(name, values))
    else for (const value of values) list.push(toHeader(name, value))
  }
  return list
}

function toHeader(name: string, value: Buffer | string | undefined): RecordHeader {
  return [name, Buffer.isBuffer(value) ? value : Buffer.from(value ?? '')]
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
