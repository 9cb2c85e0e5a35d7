import { type BinaryReader, type BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { ScalarName } from '../proto/message-shape.ts'

type Write = (writer: BinaryWriter, value: unknown) => void
type Read = (reader: BinaryReader) => unknown

/** How the values of each scalar type are written. */
export const scalarWriters: Readonly<Record<ScalarName, Write>> = {
  string: (writer, value) => {
    if (typeof value !== 'string') throw new TypeError('expected a text')
    writer.string(value)
  },
  bytes: (writer, value) => {
    if (!(value instanceof Uint8Array)) throw new TypeError('expected bytes')
    writer.bytes(value)
  },
  bool: (writer, value) => {
    if (typeof value !== 'boolean') throw new TypeError('expected true or false')
    writer.bool(value)
  },
  int32: (writer, value) => {
    if (typeof value !== 'number' || (value | 0) !== value) throw new TypeError('expected an integer of 32 bits')
    writer.int32(value)
  },
  // A varint of 64 bits with nothing in its upper half is the same bytes as one of 32.
  int64: (writer, value) => {
    if (!isInt64(value)) throw new TypeError('expected an integer of 64 bits')
    if (value >= 0 && value <= 0xffff_ffff) writer.uint32(value)
    else writer.int64(BigInt(value))
  },
  bigint: (writer, value) => {
    if (typeof value !== 'bigint' || value !== BigInt.asIntN(64, value))
      throw new TypeError('expected a bigint of 64 bits')
    writer.int64(value)
  },
  ubigint: (writer, value) => {
    if (typeof value !== 'bigint' || value !== BigInt.asUintN(64, value))
      throw new TypeError('expected a bigint of 64 bits without a sign')
    writer.uint64(value)
  },
  double: (writer, value) => {
    if (typeof value !== 'number') throw new TypeError('expected a number')
    writer.double(value)
  },
}

/** How they are read. */
export const scalarReaders: Readonly<Record<ScalarName, Read>> = {
  string: (reader) => reader.string(true),
  // A copy: the library gives a view of the message, a Buffer where that is one.
  bytes: (reader) => new Uint8Array(reader.bytes()),
  bool: (reader) => reader.bool(),
  // In 64 bits: a writer for whom the field has grown to an int64 is refused by validation, and not read as another number.
  int32: (reader) => readInt64(reader),
  // Beyond the safe range the number is no longer exact, but still beyond it, where validation refuses it.
  int64: (reader) => readInt64(reader),
  // The library's own type allows for runtimes without bigint.
  bigint: (reader) => BigInt(reader.int64()),
  ubigint: (reader) => BigInt(reader.uint64()),
  double: (reader) => reader.double(),
}

/** What stands for a value that is absent where there must be one. @see Protocol Buffers, default field values */
export const scalarDefaults: Readonly<Record<ScalarName, () => unknown>> = {
  string: () => '',
  bytes: () => new Uint8Array(),
  bool: () => false,
  int32: () => 0,
  int64: () => 0,
  bigint: () => 0n,
  ubigint: () => 0n,
  double: () => 0,
}

/** How the bytes of each type are delimited. */
export const scalarWireTypes: Readonly<Record<ScalarName, WireType>> = {
  string: WireType.LengthDelimited,
  bytes: WireType.LengthDelimited,
  bool: WireType.Varint,
  int32: WireType.Varint,
  int64: WireType.Varint,
  bigint: WireType.Varint,
  ubigint: WireType.Varint,
  double: WireType.Bit64,
}

function isInt64(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63
}

/** Up to 28 bits, which is nearly always, a varint is the same in every width and needs no bigint. */
function readInt64(reader: BinaryReader): number {
  const start = reader.pos
  const short = reader.uint32()
  if (reader.pos - start < 5) return short
  reader.pos = start
  return Number(reader.int64())
}
