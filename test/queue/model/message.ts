import type { ReceivedRecord, RecordToSend } from '@tenon/transport-queue'
import type { Handling, MessageName } from './journal.ts'

/** What a handler is to do with a message. It is part of the message, so that every process knows. */
export interface MessagePlan {
  readonly durationMs: number
  /** How many attempts of an assignment fail before one works. @defaultValue 0 */
  readonly failureCount?: number
  /** What they fail with. @defaultValue `internal`, which counts */
  readonly code?: 'internal' | 'unavailable' | 'invalid_argument'
  /** How long a failed attempt of `unavailable` wants the next one to wait at least. @defaultValue not at all */
  readonly retryDelayMs?: number
  /** Whether the handler goes on though its signal has fired. @defaultValue false */
  readonly isDeaf?: boolean
  /** By how much the first attempt exceeds its time. @defaultValue 0, not at all */
  readonly overrunMs?: number
  /** Whether the value cannot be read. @defaultValue false */
  readonly isGarbage?: boolean
}

/** A message that is to be sent. Without a key it has no order; its name has one all the same. */
export interface PlannedMessage extends MessageName {
  readonly topic: string
  readonly isKeyed: boolean
  readonly plan: MessagePlan
}

/** What a message must come to in the end. */
export type Expected = 'effect' | 'letter'

/** A record of the log, with what must become of it. */
export interface LoggedMessage extends MessageName {
  readonly offset: number
  readonly isKeyed: boolean
  readonly expected: Expected
  /** Whether at least one attempt does not work. @defaultValue false */
  readonly hasFailures?: boolean
}

/** A failure that is the message's own fault is final, one that says "not now" does not count. */
function expectedOf(plan: MessagePlan, maxAttemptCount: number): Expected {
  const { failureCount = 0, code = 'internal', isGarbage = false, overrunMs = 0 } = plan
  if (isGarbage) return 'letter'
  if (failureCount > 0 && code === 'invalid_argument') return 'letter'
  const countedCount = Math.max(code === 'internal' ? failureCount : 0, overrunMs > 0 ? 1 : 0)
  return countedCount >= maxAttemptCount ? 'letter' : 'effect'
}

/** Whether a message fails only until it is cured. */
export function isCurable({ code }: MessagePlan): boolean {
  return code !== 'invalid_argument'
}

/** A message as it is sent. Garbage is named by its headers only. */
export function toRecord(message: PlannedMessage): RecordToSend {
  const { topic, key, number, isKeyed, plan } = message
  const facts = JSON.stringify({ key, number, plan })
  return {
    topic,
    key: isKeyed ? Buffer.from(key) : null,
    value: Buffer.from(plan.isGarbage ? `{ ${facts}` : facts),
    headers: [[factsHeader, Buffer.from(facts)]],
  }
}

/** Headers as texts. */
export type Headers = Readonly<Record<string, string | undefined>>

/** What `toRecord` wrote, whatever the value is like. */
export function factsOf(headers: Headers): MessageName & { readonly plan: MessagePlan } {
  return JSON.parse(headers[factsHeader] ?? '{}')
}

export function headersOf({ headers }: Pick<ReceivedRecord, 'headers'>): Headers {
  return Object.fromEntries(headers.map(([name, value]) => [name, Buffer.from(value).toString()]))
}

export function toLogged(record: ReceivedRecord, maxAttemptCount: number): LoggedMessage {
  const { key, number, plan } = factsOf(headersOf(record))
  const expected = expectedOf(plan, maxAttemptCount)
  const { failureCount = 0, overrunMs = 0, isGarbage = false } = plan
  const hasFailures = failureCount > 0 || overrunMs > 0 || isGarbage
  return { key, number, offset: record.offset, isKeyed: record.key !== null, expected, hasFailures }
}

/** Tell a handler, and a dead letter, which assignment a message came with, and where it lies. */
export const assignmentHeader = 'model-assignment'
export const positionHeader = 'model-position'
/** Where it lies in the retry topic, of what is read from there. */
export const retryOffsetHeader = 'model-retry-offset'

/** Whose message a handler has been given. */
export function handlingOf(headers: Headers, attempt: number): Handling {
  const { key, number } = factsOf(headers)
  const [place = '', offset] = (headers[positionHeader] ?? '').split('@')
  return {
    key,
    number,
    assignment: headers[assignmentHeader] ?? '',
    place,
    offset: Number(offset),
    ...retryOffsetOf(headers),
    attempt,
  }
}

/** Of the record that was handled. */
export function retryOffsetOf(headers: Headers): Pick<Handling, 'retryOffset'> {
  const text = headers[retryOffsetHeader]
  return text === undefined ? {} : { retryOffset: Number(text) }
}

const factsHeader = 'model-facts'

/** Of the consumers. */
export const group = 'model'
