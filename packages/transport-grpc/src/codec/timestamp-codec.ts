import type { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'
import { readTag, requireEnd, requireWireType, skipField, tagOf } from './wire-tag.ts'

const secondsTag = tagOf(1, 0)
const nanosTag = tagOf(2, 0)

/**
 * The fields of a google.protobuf.Timestamp.
 *
 * @throws TypeError for what is no text that `timestamp()` allows.
 */
export function writeTimestamp(writer: BinaryWriter, value: unknown): void {
  const { seconds, nanos } = partsOf(value)
  if (toText(seconds, nanos) !== value) throw new TypeError('expected a timestamp')
  if (seconds !== 0) writer.uint32(secondsTag).int64(seconds)
  if (nanos !== 0) writer.uint32(nanosTag).int32(nanos)
}

/** @param current What was read of it before: parts of one message are merged. */
export function readTimestamp(reader: BinaryReader, end: number, current: unknown): string {
  let { seconds, nanos } = current === undefined ? { seconds: 0, nanos: 0 } : partsOf(current)
  while (reader.pos < end) {
    const tag = readTag(reader)
    const field = tag >>> 3
    if (field > 2) {
      skipField(reader, tag)
      continue
    }
    requireWireType(tag & 7, 0)
    if (field === 1) seconds = Number(reader.int64())
    else nanos = reader.int32()
  }
  requireEnd(reader, end)
  return toText(seconds, nanos)
}

interface Parts {
  readonly seconds: number
  readonly nanos: number
}

function partsOf(value: unknown): Parts {
  const text = String(value)
  const seconds = Date.parse(`${text.slice(0, 19)}Z`) / 1000
  return { seconds, nanos: Number(text.slice(20, -1).padEnd(9, '0')) }
}

/** From year 1 to 9999. @see google/protobuf/timestamp.proto */
const range = { min: -62_135_596_800, max: 253_402_300_799 }

/** What is out of range becomes a text that is no timestamp, so that validation names the field. */
function toText(seconds: number, nanos: number): string {
  const isMoment = seconds >= range.min && seconds <= range.max && nanos >= 0 && nanos <= 999_999_999
  if (!isMoment) return `${seconds} s and ${nanos} ns`
  const digits = String(nanos)
    .padStart(9, '0')
    .replace(/(?:000){1,2}$/, '')
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${digits}Z`
}
