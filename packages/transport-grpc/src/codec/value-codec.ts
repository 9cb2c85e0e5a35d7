import { type BinaryReader, type BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { enter, inside, leave } from './nesting.ts'
import { readEnd, readTag, requireEnd, requireWireType, skipField, tagOf } from './wire-tag.ts'

const { Varint, Bit64, LengthDelimited } = WireType

/** The oneof of google.protobuf.Value. @see google/protobuf/struct.proto */
const kind = { null: 1, number: 2, string: 3, bool: 4, struct: 5, list: 6 } as const

const tags = {
  null: tagOf(kind.null, Varint),
  number: tagOf(kind.number, Bit64),
  string: tagOf(kind.string, LengthDelimited),
  bool: tagOf(kind.bool, Varint),
  struct: tagOf(kind.struct, LengthDelimited),
  list: tagOf(kind.list, LengthDelimited),
  /** Of an item, of a map's entry, and of the key in that. */
  first: tagOf(1, LengthDelimited),
  /** Of the value in a map's entry. */
  second: tagOf(2, LengthDelimited),
} as const

/**
 * The fields of a google.protobuf.Value, for a value as `JSON.stringify` takes it.
 *
 * @throws TypeError for what JSON does not have.
 */
export function writeValue(writer: BinaryWriter, given: unknown, depth: number): void {
  const value = plain(given)
  if (value === null || value === undefined) writer.uint32(tags.null).int32(0)
  else if (typeof value === 'string') writer.uint32(tags.string).string(value)
  else if (typeof value === 'boolean') writer.uint32(tags.bool).bool(value)
  else if (typeof value === 'number' && Number.isFinite(value)) writer.uint32(tags.number).double(value)
  else if (Array.isArray(value)) writeList(writer, value, inside(depth))
  else if (typeof value === 'object' && !(value instanceof Uint8Array)) writeStruct(writer, value, inside(depth))
  else throw new TypeError('expected a value that JSON has')
}

/** Dates and the like say themselves what they are in JSON. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('toJSON' in value)) return value
  return typeof value.toJSON === 'function' ? value.toJSON() : value
}

function writeList(writer: BinaryWriter, items: readonly unknown[], depth: number): void {
  writer.uint32(tags.list).fork()
  for (const item of items) {
    writer.uint32(tags.first).fork()
    writeValue(writer, item, inside(depth))
    writer.join()
  }
  writer.join()
}

function writeStruct(writer: BinaryWriter, value: object, depth: number): void {
  writer.uint32(tags.struct).fork()
  for (const [key, entry] of Object.entries(value)) {
    if (entry === undefined) continue
    writer.uint32(tags.first).fork().uint32(tags.first).string(key).uint32(tags.second).fork()
    writeValue(writer, entry, inside(inside(depth)))
    writer.join().join()
  }
  writer.join()
}

/**
 * @param current What was read of it before: parts of one message are merged.
 * @throws TypeError for a number that JSON does not have, and for no value at all.
 */
export function readValue(reader: BinaryReader, end: number, current: unknown): unknown {
  let value = current
  while (reader.pos < end) {
    const tag = readTag(reader)
    value = tag >>> 3 > kind.list ? skipped(reader, tag, value) : readKind(reader, tag, value)
  }
  requireEnd(reader, end)
  if (value === undefined) throw new TypeError('a value is of no kind')
  return value
}

function skipped(reader: BinaryReader, tag: number, value: unknown): unknown {
  skipField(reader, tag)
  return value
}

function readKind(reader: BinaryReader, tag: number, current: unknown): unknown {
  switch (tag) {
    case tags.null:
      reader.int32()
      return null
    case tags.number:
      return finite(reader.double())
    case tags.string:
      return reader.string(true)
    case tags.bool:
      return reader.bool()
    case tags.struct:
      return readStruct(reader, isStruct(current) ? current : {})
    case tags.list:
      return readList(reader, Array.isArray(current) ? current : [])
    default:
      throw new TypeError('a field has another wire type')
  }
}

/** @see google/protobuf/struct.proto: not a number and infinity are no values */
function finite(number: number): number {
  if (Number.isFinite(number)) return number
  throw new TypeError('a value is a number that JSON does not have')
}

type Struct = Record<string, unknown>

function isStruct(value: unknown): value is Struct {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readList(reader: BinaryReader, items: unknown[]): readonly unknown[] {
  enter()
  const end = readEnd(reader)
  while (reader.pos < end) {
    const tag = readTag(reader)
    if (tag === tags.first) items.push(readInside(reader, undefined))
    else skipUnless(reader, tag, 1)
  }
  requireEnd(reader, end)
  leave()
  return items
}

function readStruct(reader: BinaryReader, struct: Struct): Struct {
  enter()
  const end = readEnd(reader)
  while (reader.pos < end) {
    const tag = readTag(reader)
    if (tag === tags.first) readEntry(reader, struct)
    else skipUnless(reader, tag, 1)
  }
  requireEnd(reader, end)
  leave()
  return struct
}

function readEntry(reader: BinaryReader, struct: Struct): void {
  enter()
  const end = readEnd(reader)
  let key = ''
  let value: unknown
  while (reader.pos < end) {
    const tag = readTag(reader)
    if (tag === tags.first) key = reader.string(true)
    else if (tag === tags.second) value = readInside(reader, value)
    else skipUnless(reader, tag, 2)
  }
  requireEnd(reader, end)
  leave()
  if (value === undefined) throw new TypeError('a value is of no kind')
  // Assigning this key would replace the prototype instead of setting a field.
  if (key !== '__proto__') struct[key] = value
}

/** A value that lies in a list or an entry. */
function readInside(reader: BinaryReader, current: unknown): unknown {
  enter()
  const value = readValue(reader, readEnd(reader), current)
  leave()
  return value
}

/** Passes over unknown fields; the known ones, up to a number, have another wire type. */
function skipUnless(reader: BinaryReader, tag: number, last: number): void {
  if (tag >>> 3 <= last) requireWireType(tag & 7, LengthDelimited)
  skipField(reader, tag)
}
