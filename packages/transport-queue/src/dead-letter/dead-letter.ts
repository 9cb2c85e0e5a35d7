import type { ServiceError } from '@tenon/core/transport'
import { errorText } from '../error-text.ts'
import type { ReceivedRecord, RecordHeader, RecordToSend } from '../queue-driver.ts'

/** Why a message was given up, and whose it was. */
export interface Burial {
  readonly error: ServiceError
  readonly group: string
  /** The operation's id, or `consume <topic>`. */
  readonly handler: string
  readonly attemptCount: number
  /** Epoch milliseconds of the first failure and of the last, which is now. */
  readonly firstFailedAt: number
  readonly failedAt: number
}

/** How a message was given up, whoever buries it. */
export type GivenUp = Omit<Burial, 'group' | 'handler'>

/** A message that a group gave up. */
export interface DeadLetter {
  /** Where the letter lies: `shop.order.placed.v1.dlq.user/0@17`. */
  readonly position: string
  readonly group: string
  /** Where the message lay. */
  readonly source: DeadLetterSource
  /** As they came, without what had to be left out. */
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
  /** What the broker took the letter without only. It lies at `source`, as long as that is kept. */
  readonly isValueOmitted: boolean
  readonly areHeadersOmitted: boolean
  readonly isKeyOmitted: boolean
  /** The operation's id, or `consume <topic>`. */
  readonly handler: string
  readonly code: string
  readonly message: string
  readonly reason: string | undefined
  readonly attemptCount: number
  /** Epoch milliseconds. */
  readonly firstFailedAt: number
  readonly lastFailedAt: number
}

export interface DeadLetterSource {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** When it happened, as its producer or broker said, in epoch milliseconds; undefined for a letter that does not tell. */
  readonly timestampAt: number | undefined
}

/** Where the dead letters of a topic go: one topic for every group that reads it. */
export function deadLetterTopic(topic: string, group: string): string {
  return `${topic}.dlq.${group}`
}

/** The group that a redriven message is for; the others pass it over. */
export const redriveGroupHeader = 'tenon-redrive-group'
/** The position of the letter that a redriven message was, and what is not as it came. */
export const redriveLetterHeader = 'tenon-redrive-letter'
export const redrivePatchedHeader = 'tenon-redrive-patched'

/**
 * A message as its group's dead letter: key, value and headers as they came, and why it is here. Then the same letter with less and
 * less of the message, for a broker that finds it too large: a header or a key may be as hostile as a value. The least is returned,
 * for nothing comes behind it. None is made before it is asked for.
 */
export function* deadLetterForms(record: ReceivedRecord, burial: Burial): Generator<RecordToSend, RecordToSend, void> {
  const topic = deadLetterTopic(record.topic, burial.group)
  const { key } = record
  const facts = describe(record, burial)
  const given = ownHeaders(record.headers)
  yield { topic, key, value: record.value, headers: [...given, ...facts] }
  const noValue = [omitted('value')]
  yield { topic, key, value: null, headers: [...given, ...facts, ...noValue] }
  const noHeaders = [...noValue, omitted('headers')]
  yield { topic, key, value: null, headers: [...facts, ...noHeaders] }
  const short = describe(record, burial, shortestTextCount)
  return { topic, key: null, value: null, headers: [...short, ...noHeaders, omitted('key')] }
}

/** What of its message one of these forms lacks. */
export function omittedParts({ headers }: RecordToSend): readonly OmittedPart[] {
  return parts.filter((part) => headers.some(([name]) => name === omittedName(part)))
}

/** Reads what `deadLetterForms` wrote; undefined for any other record. */
export function readDeadLetter(record: ReceivedRecord, group: string): DeadLetter | undefined {
  const texts = new Map(record.headers.map(([name, value]) => [name, Buffer.from(value).toString()]))
  const code = texts.get('tenon-error-code')
  const topic = texts.get('tenon-source-topic')
  if (code === undefined || topic === undefined) return undefined
  const numberOf = (name: string) => Number(texts.get(name) ?? Number.NaN)
  const momentOf = (name: string) => Date.parse(texts.get(name) ?? '')
  const lastFailedAt = momentOf('tenon-failed-at')
  return {
    position: `${record.topic}/${record.partition}@${record.offset}`,
    group,
    source: {
      topic,
      partition: numberOf('tenon-source-partition'),
      offset: numberOf('tenon-source-offset'),
      timestampAt: texts.has('tenon-source-timestamp') ? numberOf('tenon-source-timestamp') : undefined,
    },
    key: record.key,
    value: record.value,
    headers: ownHeaders(record.headers),
    isValueOmitted: texts.has('tenon-value-omitted'),
    areHeadersOmitted: texts.has('tenon-headers-omitted'),
    isKeyOmitted: texts.has('tenon-key-omitted'),
    handler: texts.get('tenon-handler') ?? '',
    code,
    message: texts.get('tenon-error-message') ?? '',
    reason: texts.get('tenon-error-reason'),
    attemptCount: numberOf('tenon-attempts'),
    firstFailedAt: texts.has('tenon-first-failed-at') ? momentOf('tenon-first-failed-at') : lastFailedAt,
    lastFailedAt,
  }
}

const parts = ['value', 'headers', 'key'] as const
type OmittedPart = (typeof parts)[number]

function omittedName(part: OmittedPart): string {
  return `tenon-${part}-omitted`
}

function omitted(part: OmittedPart): RecordHeader {
  return [omittedName(part), Buffer.from('true')]
}

function describe(record: ReceivedRecord, burial: Burial, longestTextCount = usualTextCount): readonly RecordHeader[] {
  const { error, handler, attemptCount, firstFailedAt, failedAt } = burial
  const facts = {
    'tenon-error-code': error.code,
    // Operators may read what callers are not told.
    'tenon-error-message': errorText(error, longestTextCount),
    ...(error.reason === undefined ? {} : { 'tenon-error-reason': error.reason.slice(0, longestTextCount) }),
    'tenon-attempts': String(attemptCount),
    'tenon-first-failed-at': new Date(firstFailedAt).toISOString(),
    'tenon-failed-at': new Date(failedAt).toISOString(),
    'tenon-handler': handler,
    'tenon-source-topic': record.topic,
    'tenon-source-partition': String(record.partition),
    'tenon-source-offset': String(record.offset),
    'tenon-source-timestamp': String(record.timestampAt),
  }
  return Object.entries(facts).map(([name, text]) => [name, Buffer.from(text)])
}

/** Characters. A guess: enough for a sentence, too little to make a message too large. */
const usualTextCount = 1_000
/** For the least that a letter can be. A guess: what every broker takes. */
const shortestTextCount = 50

/** Those that the message came with. One that was sent again and failed again tells of its last failure only. */
export function ownHeaders(headers: readonly RecordHeader[]): readonly RecordHeader[] {
  return headers.filter(([name]) => !addedForm.test(name))
}

const addedForm =
  /^tenon-(?:error-.*|source-.*|attempts|failed-at|first-failed-at|handler|(?:value|headers|key)-omitted|redrive-(?:group|letter|patched))$/
