import { isUtf8 } from 'node:buffer'
import { asBuffer } from '../../bytes.ts'
import type { RecordHeader, RecordToSend } from '../../queue-driver.ts'
import type { DeadLetter } from '../dead-letter.ts'
import { type JsonDifference, jsonDifferences } from './json-difference.ts'
import { type ShownBytes, showPayload, showText, toJson } from './shown-bytes.ts'

/** A message to compare with: another letter, a record, or the parts that are of interest. */
export type OtherMessage = Partial<Pick<RecordToSend, 'key' | 'headers'>> & {
  /** Bytes, or a payload that is compared as JSON. */
  readonly value?: unknown
}

/** What is not the same. What is, and what the other message leaves out, is undefined, or not listed. */
export interface LetterDifference {
  readonly isSame: boolean
  readonly key: ShownDifference | undefined
  /** Where both values are JSON: the places that differ, 1,000 at most. */
  readonly payload: readonly JsonDifference[]
  /** Where one of them is not. */
  readonly value: ShownDifference | undefined
  /** By names in lower case, in their order. Of a name that repeats all values count. */
  readonly headers: readonly HeaderDifference[]
}

/** How the letter has it, and how the other message does. */
export interface ShownDifference {
  readonly before: ShownBytes
  readonly after: ShownBytes
}

export interface HeaderDifference {
  readonly name: string
  readonly before: readonly ShownBytes[]
  readonly after: readonly ShownBytes[]
}

/** What differs between a dead letter and another message. Values that are JSON are compared as such, so their spelling is no difference. */
export function compareLetter(letter: DeadLetter, other: OtherMessage): LetterDifference {
  const key = other.key === undefined ? undefined : differenceOf(letter.key, other.key, showText)
  const { payload, value } = compareValues(letter.value, other.value)
  const headers = other.headers === undefined ? [] : compareHeaders(letter.headers, other.headers)
  const isSame = key === undefined && value === undefined && payload.length === 0 && headers.length === 0
  return { isSame, key, payload, value, headers }
}

/** Most bytes that are shown of each side, and most places of a payload. Guesses. */
const mostShownBytes = 65_536
const mostPlaceCount = 1_000

function compareValues(before: Uint8Array | null, after: unknown): Pick<LetterDifference, 'payload' | 'value'> {
  if (after === undefined) return { payload: [], value: undefined }
  const bytes = after instanceof Uint8Array ? after : toBytes(after)
  const [own, given] = [before && jsonOf(before), after instanceof Uint8Array ? jsonOf(after) : { value: after }]
  if (!own || !given) return { payload: [], value: differenceOf(before, bytes, showPayload) }
  const payload = jsonDifferences(own.value, given.value, mostPlaceCount)
  const isTold = payload.length > 0 || !mayLoseDigits(before, bytes)
  return { payload, value: isTold ? undefined : differenceOf(before, bytes, showPayload) }
}

/** Whether there may be numbers that JavaScript rounds, so that equal ones need not be the same. */
function mayLoseDigits(before: Uint8Array | null, after: Uint8Array | null): boolean {
  return [before, after].some((bytes) => bytes !== null && /\d{16}/.test(asBuffer(bytes).toString()))
}

/** A record without a value is compared as such, not as JSON. */
function toBytes(payload: unknown): Uint8Array | null {
  return payload === null ? null : Buffer.from(JSON.stringify(payload) ?? '')
}

function jsonOf(bytes: Uint8Array): { readonly value: unknown } | undefined {
  return isUtf8(bytes) ? toJson(asBuffer(bytes).toString()) : undefined
}

function differenceOf(
  before: Uint8Array | null,
  after: Uint8Array | null,
  show: (bytes: Uint8Array | null, mostByteCount: number) => ShownBytes,
): ShownDifference | undefined {
  const isSame = before === null || after === null ? before === after : asBuffer(before).equals(after)
  return isSame ? undefined : { before: show(before, mostShownBytes), after: show(after, mostShownBytes) }
}

function compareHeaders(before: readonly RecordHeader[], after: readonly RecordHeader[]): readonly HeaderDifference[] {
  const [own, others] = [byName(before), byName(after)]
  const names = [...new Set([...own.keys(), ...others.keys()])].toSorted()
  return names.flatMap((name) => {
    const [ofLetter, ofOther] = [own.get(name) ?? [], others.get(name) ?? []]
    const isSame = ofLetter.length === ofOther.length && ofLetter.every((one, index) => isEqual(one, ofOther[index]))
    return isSame ? [] : [{ name, before: ofLetter.map(shown), after: ofOther.map(shown) }]
  })
}

function byName(headers: readonly RecordHeader[]): ReadonlyMap<string, readonly Uint8Array[]> {
  const groups = Map.groupBy(headers, ([name]) => name.toLowerCase())
  return new Map(Array.from(groups, ([name, of]) => [name, of.map(([, value]) => value)]))
}

function isEqual(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && asBuffer(one).equals(other)
}

function shown(value: Uint8Array): ShownBytes {
  return showText(value, mostShownBytes)
}
