import type { ServiceError } from '@tenon/core/transport'
import type { ReceivedRecord, RecordHeader, RecordToSend } from '../queue-driver.ts'

/** Why a message was given up, and whose it was. */
export interface Burial {
  readonly error: ServiceError
  readonly group: string
  /** The operation's id, or `consume <topic>`. */
  readonly handler: string
  readonly attemptCount: number
  /** Epoch milliseconds. */
  readonly failedAt: number
}

/** Where the dead letters of a topic go: one topic for every group that reads it. */
export function deadLetterTopic(topic: string, group: string): string {
  return `${topic}.dlq.${group}`
}

/** A message as its group's dead letter: key, value and headers as they came, and why it is here. */
export function toDeadLetter(record: ReceivedRecord, burial: Burial): RecordToSend {
  return {
    topic: deadLetterTopic(record.topic, burial.group),
    key: record.key,
    value: record.value,
    headers: [...record.headers.filter(([name]) => !isOurs(name)), ...describe(record, burial)],
  }
}

function describe(record: ReceivedRecord, { error, handler, attemptCount, failedAt }: Burial): readonly RecordHeader[] {
  const facts = {
    'tenon-error-code': error.code,
    'tenon-error-message': wordsOf(error).slice(0, longestMessageCount),
    ...(error.reason === undefined ? {} : { 'tenon-error-reason': error.reason }),
    'tenon-attempts': String(attemptCount),
    'tenon-failed-at': new Date(failedAt).toISOString(),
    'tenon-handler': handler,
    'tenon-source-topic': record.topic,
    'tenon-source-partition': String(record.partition),
    'tenon-source-offset': String(record.offset),
  }
  return Object.entries(facts).map(([name, text]) => [name, Buffer.from(text)])
}

/** A guess: enough for a sentence, too little to make a message too large. */
const longestMessageCount = 1_000

/** A message that was sent again and failed again tells of its last failure only. */
function isOurs(name: string): boolean {
  return /^tenon-(?:error-|source-|attempts$|failed-at$|handler$)/.test(name)
}

/** Operators may read what callers are not told. */
function wordsOf({ message, cause }: ServiceError): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
