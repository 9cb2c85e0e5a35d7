import { type BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import type { FieldType } from '../proto/message-shape.ts'
import { scalarWireTypes } from './scalar-codec.ts'

/** A field's number and wire type as one number. */
export function tagOf(number: number, wireType: WireType): number {
  return ((number << 3) | wireType) >>> 0
}

/** How the bytes of a value are delimited. */
export function wireTypeOf(type: FieldType): WireType {
  if (type.kind === 'scalar') return scalarWireTypes[type.scalar]
  const isNumber = type.kind === 'enum' || (type.kind === 'known' && type.known === 'null')
  return isNumber ? WireType.Varint : WireType.LengthDelimited
}

/** Whether a list may be one run of values. @see Protocol Buffers, encoding, packed repeated fields */
export function isPackable(type: FieldType): boolean {
  return wireTypeOf(type) !== WireType.LengthDelimited
}

/** A field's number and wire type in one number, without the pair that `BinaryReader.tag()` makes of them. */
export function readTag(reader: BinaryReader): number {
  const start = reader.pos
  const tag = reader.uint32()
  if (reader.pos - start < 5 && tag > 7) return tag
  // Too long, or of field 0: refused by the rules of the library.
  reader.pos = start
  reader.tag()
  return tag
}

/** Passes over a field that nobody knows. */
export function skipField(reader: BinaryReader, tag: number): void {
  reader.skip(tag & 7, tag >>> 3)
}

/** Where a length-delimited field ends. */
export function readEnd(reader: BinaryReader): number {
  const length = reader.uint32()
  const end = reader.pos + length
  if (end > reader.len) throw new RangeError('a field goes beyond the message')
  return end
}

export function requireEnd(reader: BinaryReader, end: number): void {
  if (reader.pos !== end) throw new RangeError('a field goes beyond what encloses it')
}

export function requireWireType(wireType: WireType, expected: WireType): void {
  if (wireType !== expected) throw otherWireType()
}

export function otherWireType(): TypeError {
  return new TypeError('a field has another wire type')
}
