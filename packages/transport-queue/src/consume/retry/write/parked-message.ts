import { isErrorCode, ServiceError } from '@tenon/core/transport'
import type { GivenUp } from '../../../dead-letter/dead-letter.ts'
import { errorText } from '../../../error-text.ts'
import type { ReceivedRecord, RecordHeader, RecordToSend } from '../../../queue-driver.ts'
import { headerText } from '../../../read/message-headers.ts'
import type { Halt } from '../../halted-messages.ts'
import type { RetryHistory } from '../../retry-schedule.ts'

/** Which record of a retry topic this is: whose, and the how many-th of those. */
export interface ParkedName {
  /** Of the assignment that wrote it. */
  readonly owner: string
  /** Rises with every record of the owner. One that comes again is the same record, sent twice. */
  readonly sequence: number
}

/** A message that was set aside in a retry topic. */
export interface ParkedMessage extends ParkedName {
  readonly kind: 'message'
  /** The message where it lay, with headers as they came. */
  readonly source: ReceivedRecord
  /** How it failed; undefined for one that was set aside behind another of its key. */
  readonly history: RetryHistory | undefined
}

/** The word of an owner on what others had written when it began: only what lies before an offset of the source counts. */
export interface Takeover extends ParkedName {
  readonly kind: 'takeover'
  /** Of the source. */
  readonly fromOffset: number
  /** Of the retry topic: it says nothing of what lies there or behind. */
  readonly untilOffset: number
}

/** The word of an owner on records of the retry topic that have their outcome, though older ones hold up the commit. */
export interface DoneRecords extends ParkedName {
  readonly kind: 'done'
  /** Of the retry topic: what its owner had read when it began. */
  readonly untilOffset: number
  /** Of the retry topic, rising. */
  readonly offsets: readonly number[]
}

/** Where an owner says something. */
type WordPlace = Pick<RecordToSend, 'topic'> & Required<Pick<RecordToSend, 'partition'>>

/** What a record of a retry topic can be. */
export type RetryRecord = ParkedMessage | Takeover | DoneRecords

/** Where the messages that a group sets aside go: as many partitions as the source has, each in that of the same number. */
export function retryTopic(topic: string, group: string): string {
  return `${topic}.retry.${group}`
}

/** What is stored of a message that is set aside. Its time is now, because retention goes by it. */
export function toParked(
  source: ReceivedRecord,
  {
    topic,
    owner,
    sequence,
    history,
  }: ParkedName & { readonly topic: string; readonly history: RetryHistory | undefined },
): RecordToSend {
  const { key, value, partition } = source
  const facts: readonly RecordHeader[] = [
    header(names.owner, owner),
    header(names.sequence, sequence),
    header(names.offset, source.offset),
    header(names.timestamp, source.timestampAt),
    ...(history === undefined ? [] : historyHeaders(history)),
  ]
  return { topic, partition, key, value, headers: [...source.headers.filter(isForeign), ...facts] }
}

/** What is stored of a takeover. */
export function toTakeover({ fromOffset, ...word }: Omit<Takeover, 'kind'> & WordPlace): RecordToSend {
  return toWord(word, header(names.from, fromOffset))
}

/** What is stored of records that have their outcome: at most `mostDoneCount` of them. */
export function toDone({ offsets, ...word }: Omit<DoneRecords, 'kind'> & WordPlace): RecordToSend {
  return toWord(word, header(names.done, rangesText(offsets)))
}

/** What a record of a retry topic says; undefined for one that no owner wrote. */
export function readParked(record: ReceivedRecord, sourceTopic: string): RetryRecord | undefined {
  const { headers } = record
  const owner = headerText(headers, names.owner)
  const sequence = numberIn(headers, names.sequence)
  if (owner === undefined || sequence === undefined) return undefined
  const fromOffset = numberIn(headers, names.from)
  const untilOffset = numberIn(headers, names.until)
  const offsets = rangesIn(headerText(headers, names.done) ?? '')
  if (offsets !== undefined && untilOffset !== undefined) return { kind: 'done', owner, sequence, untilOffset, offsets }
  if (fromOffset !== undefined && untilOffset !== undefined)
    return { kind: 'takeover', owner, sequence, fromOffset, untilOffset }
  const offset = numberIn(headers, names.offset)
  if (offset === undefined) return undefined
  const timestampAt = numberIn(headers, names.timestamp) ?? record.timestampAt
  const source = { ...record, topic: sourceTopic, offset, timestampAt, headers: headers.filter(isForeign) }
  return { kind: 'message', owner, sequence, source, history: historyIn(headers) }
}

const prefix = 'tenon-retry-'
const names = {
  owner: `${prefix}owner`,
  sequence: `${prefix}sequence`,
  offset: `${prefix}offset`,
  timestamp: `${prefix}timestamp`,
  from: `${prefix}from`,
  until: `${prefix}until`,
  done: `${prefix}done`,
  due: `${prefix}due`,
  failures: `${prefix}failures`,
  counted: `${prefix}counted`,
  firstFailedAt: `${prefix}first-failed-at`,
  halted: `${prefix}halted`,
  givenUp: `${prefix}given-up`,
  errorMessage: `${prefix}error-message`,
  errorReason: `${prefix}error-reason`,
} as const

function header(name: string, value: string | number): RecordHeader {
  return [name, Buffer.from(String(value))]
}

/** What an owner says that is no message. */
function toWord(
  { topic, partition, owner, sequence, untilOffset }: ParkedName & WordPlace & Pick<Takeover, 'untilOffset'>,
  says: RecordHeader,
): RecordToSend {
  const name = [header(names.owner, owner), header(names.sequence, sequence)]
  return { topic, partition, key: null, value: null, headers: [...name, header(names.until, untilOffset), says] }
}

/** Whether it is none of ours. */
function isForeign([name]: RecordHeader): boolean {
  return !name.toLowerCase().startsWith(prefix)
}

/** Of a message that was halted only that: whoever else gets it begins with it anew, as one that does not know of halts. */
function historyHeaders({
  halt,
  dueAt,
  failureCount,
  countedCount,
  firstFailedAt,
  givenUp,
}: RetryHistory): readonly RecordHeader[] {
  if (halt) return [header(names.halted, [halt.round, halt.sinceAt, halt.attemptCount, halt.code].join(' '))]
  return [
    header(names.due, dueAt),
    header(names.failures, failureCount),
    header(names.counted, countedCount),
    header(names.firstFailedAt, firstFailedAt),
    ...(givenUp ? givenUpHeaders(givenUp) : []),
  ]
}

/** Who does not know of these handles the message once more. */
function givenUpHeaders({ error, attemptCount, firstFailedAt, failedAt }: GivenUp): readonly RecordHeader[] {
  const { code, reason } = error
  return [
    header(names.givenUp, [firstFailedAt, failedAt, attemptCount, code].join(' ')),
    header(names.errorMessage, errorText(error, longestTextCount)),
    ...(reason === undefined ? [] : [header(names.errorReason, reason.slice(0, longestTextCount))]),
  ]
}

function historyIn(headers: readonly RecordHeader[]): RetryHistory | undefined {
  const halt = haltIn(headers)
  if (halt) return { dueAt: halt.sinceAt, firstFailedAt: halt.sinceAt, failureCount: 0, countedCount: 0, halt }
  const dueAt = numberIn(headers, names.due)
  const failureCount = numberIn(headers, names.failures)
  const countedCount = numberIn(headers, names.counted)
  const firstFailedAt = numberIn(headers, names.firstFailedAt)
  if (dueAt === undefined || failureCount === undefined) return undefined
  if (countedCount === undefined || firstFailedAt === undefined) return undefined
  const givenUp = givenUpIn(headers)
  return { dueAt, failureCount, countedCount, firstFailedAt, ...(givenUp && { givenUp }) }
}

function givenUpIn(headers: readonly RecordHeader[]): GivenUp | undefined {
  const [first, last, attempts, code = ''] = (headerText(headers, names.givenUp) ?? '').split(' ')
  const [firstFailedAt, failedAt, attemptCount] = [wholeNumber(first), wholeNumber(last), wholeNumber(attempts)]
  if (firstFailedAt === undefined || failedAt === undefined || attemptCount === undefined) return undefined
  if (!isErrorCode(code)) return undefined
  const reason = headerText(headers, names.errorReason)
  const message = headerText(headers, names.errorMessage) ?? ''
  const error = new ServiceError(code, message, reason === undefined ? {} : { reason })
  return { error, attemptCount, firstFailedAt, failedAt }
}

/** Rising numbers as `1,3-5`. */
function rangesText(numbers: readonly number[]): string {
  const ranges: [first: number, last: number][] = []
  for (const number of numbers) {
    const range = ranges.at(-1)
    if (range && range[1] + 1 === number) range[1] = number
    else ranges.push([number, number])
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')
}

/** Undefined for what is none, or says more than anybody writes. */
function rangesIn(text: string): readonly number[] | undefined {
  const numbers: number[] = []
  for (const range of text.split(',')) {
    const [, first = Number.NaN, last = first] = (/^(\d{1,16})(?:-(\d{1,16}))?$/.exec(range) ?? []).map(toNumber)
    if (!(first <= last) || last - first >= mostDoneCount - numbers.length) return undefined
    for (let number = first; number <= last; number++) numbers.push(number)
  }
  return numbers
}

/** A group that a pattern did not find stays so. */
function toNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}

function haltIn(headers: readonly RecordHeader[]): Halt | undefined {
  const [round = '', since, attempts, code = ''] = (headerText(headers, names.halted) ?? '').split(' ')
  const [sinceAt, attemptCount] = [wholeNumber(since), wholeNumber(attempts)]
  if (round === '' || sinceAt === undefined || attemptCount === undefined || !isErrorCode(code)) return undefined
  return { round, sinceAt, attemptCount, code }
}

/** A whole number from 0; undefined for anything else. Times may come with a fraction, which tells nothing. */
function numberIn(headers: readonly RecordHeader[], name: string): number | undefined {
  return wholeNumber(headerText(headers, name))
}

function wholeNumber(text: string | undefined): number | undefined {
  const value = text === undefined || text === '' ? Number.NaN : Math.trunc(Number(text))
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** Characters: as many as a dead letter tells. */
const longestTextCount = 1_000
/** So many records are named at a time, which takes some 10 KB at most. A guess. */
export const mostDoneCount = 1_000
