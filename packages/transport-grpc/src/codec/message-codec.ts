import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { ServiceError } from '@tenon/core/transport'
import type { FieldShape, FieldType, MessageShape } from '../proto/message-shape.ts'
import { scalarDefaults, scalarReaders, scalarWireTypes, scalarWriters } from './scalar-codec.ts'

/** Turns plain values into protobuf bytes and back, without message objects in between. */
export interface MessageCodec {
  /** @throws TypeError for a value that does not have the message's types. */
  encode(value: unknown): Buffer
  /** @throws ServiceError `invalid_argument` with the reason `undecodable` for bytes that are no such message. */
  decode(bytes: Uint8Array): unknown
}

type Write = (writer: BinaryWriter, value: unknown) => void
type Read = (reader: BinaryReader) => unknown
type Fields = Record<string, unknown>

/** Compiles both directions for a message, once. @see Protocol Buffers, encoding */
export function compileCodec(shape: MessageShape): MessageCodec {
  const write = compileMessageWriter(shape)
  const read = compileMessageReader(shape)
  // One writer for all messages keeps its buffer; a large one, or one that holds half a message, is not kept.
  let writer = new BinaryWriter()
  return {
    encode: (value) => {
      try {
        write(writer, value)
        const bytes = writer.finish()
        if (bytes.length > largestKeptBytes) writer = new BinaryWriter()
        return toBuffer(bytes)
      } catch (error) {
        writer = new BinaryWriter()
        throw error
      }
    },
    decode: (bytes) => {
      try {
        return read(new BinaryReader(bytes), bytes.length, {})
      } catch (cause) {
        if (ServiceError.is(cause)) throw cause
        throw undecodable(cause)
      }
    },
  }
}

/** A guess: most messages are smaller, and a buffer of this size is no burden. */
const largestKeptBytes = 65_536

/** V8 keeps the bytes of smaller arrays on its heap, until somebody asks for their buffer: a copy is cheaper. @see V8, typed_array_max_size_in_heap */
const largestOnHeapBytes = 64

function toBuffer(bytes: Uint8Array): Buffer {
  if (bytes.length <= largestOnHeapBytes) return Buffer.from(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function undecodable(cause: unknown): ServiceError {
  return new ServiceError('invalid_argument', 'the message cannot be decoded', { reason: 'undecodable', cause })
}

function compileMessageWriter({ fields }: MessageShape): Write {
  const writers = fields.map((field) => ({ name: field.name, write: compileFieldWriter(field) }))
  return (writer, value) => {
    if (typeof value !== 'object' || value === null) throw new TypeError('expected an object')
    for (const { name, write } of writers) {
      const field: unknown = (value as Fields)[name]
      if (field !== undefined) write(writer, field)
    }
  }
}

function compileFieldWriter({ number, type, label }: FieldShape): Write {
  const write = compileValueWriter(type)
  const tag = tagOf(number, wireTypeOf(type))
  if (label === 'optional') {
    return (writer, value) => {
      writer.uint32(tag)
      write(writer, value)
    }
  }
  if (label === 'map') return compileMapWriter(number, tagOf(2, wireTypeOf(type)), write)
  return isPackable(type) ? compilePackedWriter(number, write) : compileListWriter(tag, write)
}

function compileListWriter(tag: number, write: Write): Write {
  return (writer, value) => {
    for (const item of value as readonly unknown[]) {
      writer.uint32(tag)
      write(writer, item)
    }
  }
}

function compilePackedWriter(number: number, write: Write): Write {
  const tag = tagOf(number, WireType.LengthDelimited)
  return (writer, value) => {
    const items = value as readonly unknown[]
    if (items.length === 0) return
    writer.uint32(tag).fork()
    for (const item of items) write(writer, item)
    writer.join()
  }
}

function compileMapWriter(number: number, valueTag: number, write: Write): Write {
  const tag = tagOf(number, WireType.LengthDelimited)
  return (writer, value) => {
    for (const [key, entry] of Object.entries(value as Fields)) {
      writer.uint32(tag).fork().uint32(mapKeyTag).string(key).uint32(valueTag)
      write(writer, entry)
      writer.join()
    }
  }
}

function compileValueWriter(type: FieldType): Write {
  if (type.kind === 'scalar') return scalarWriters[type.scalar]
  if (type.kind === 'enum') {
    const numbers = new Map<unknown, number>(type.shape.values.map(({ text, number }) => [text, number]))
    return (writer, value) => {
      const number = numbers.get(value)
      if (number === undefined) throw new TypeError(`expected a value of ${type.shape.fullName}`)
      writer.uint32(number)
    }
  }
  const write = compileMessageWriter(type.shape)
  return (writer, value) => {
    writer.fork()
    write(writer, value)
    writer.join()
  }
}

/** Reads fields into the target up to the end, so that a message that comes in parts is merged. */
type ReadMessage = (reader: BinaryReader, end: number, target: Fields) => Fields
type ReadField = (reader: BinaryReader, target: Fields, wireType: WireType) => void

function compileMessageReader({ fields }: MessageShape): ReadMessage {
  const readers: ReadField[] = []
  for (const field of fields) readers[field.number] = compileFieldReader(field)
  const empty = fields.filter(({ label, isRequired }) => isRequired && label !== 'optional')
  return (reader, end, target) => {
    while (reader.pos < end) {
      const tag = readTag(reader)
      const read = readers[tag >>> 3]
      if (read) read(reader, target, tag & 7)
      else reader.skip(tag & 7, tag >>> 3)
    }
    requireEnd(reader, end)
    for (const { name, label } of empty) target[name] ??= label === 'map' ? {} : []
    return target
  }
}

function compileFieldReader({ name, type, label }: FieldShape): ReadField {
  const expected = wireTypeOf(type)
  if (label === 'map') return compileMapReader(name, type, expected)
  if (label === 'repeated') {
    return compileListReader(name, { read: compileValueReader(type), expected, isPackable: isPackable(type) })
  }
  if (type.kind === 'message') return compileEmbeddedReader(name, compileMessageReader(type.shape))
  const read = compileValueReader(type)
  return (reader, target, wireType) => {
    requireWireType(wireType, expected)
    target[name] = read(reader)
  }
}

/** @see Protocol Buffers, encoding, "Last One Wins": embedded messages that occur again are merged */
function compileEmbeddedReader(name: string, read: ReadMessage): ReadField {
  return (reader, target, wireType) => {
    requireWireType(wireType, WireType.LengthDelimited)
    target[name] = read(reader, readEnd(reader), (target[name] as Fields | undefined) ?? {})
  }
}

interface ItemReading {
  readonly read: Read
  readonly expected: WireType
  readonly isPackable: boolean
}

function compileListReader(name: string, { read, expected, isPackable: mayBePacked }: ItemReading): ReadField {
  return (reader, target, wireType) => {
    const items = (target[name] ??= []) as unknown[]
    if (wireType === expected) {
      items.push(read(reader))
      return
    }
    requireWireType(wireType, mayBePacked ? WireType.LengthDelimited : expected)
    const end = readEnd(reader)
    while (reader.pos < end) items.push(read(reader))
    requireEnd(reader, end)
  }
}

function compileMapReader(name: string, type: FieldType, expected: WireType): ReadField {
  const read = compileValueReader(type)
  const makeDefault = compileDefault(type)
  const valueTag = tagOf(2, expected)
  return (reader, target, wireType) => {
    requireWireType(wireType, WireType.LengthDelimited)
    const map = (target[name] ??= {}) as Fields
    const end = readEnd(reader)
    let key = ''
    let value: unknown
    while (reader.pos < end) {
      const tag = readTag(reader)
      if (tag === mapKeyTag) key = reader.string(true)
      else if (tag === valueTag) value = read(reader)
      else if (tag >>> 3 <= 2) throw otherWireType()
      else reader.skip(tag & 7, tag >>> 3)
    }
    requireEnd(reader, end)
    // Assigning this key would replace the prototype instead of setting a field.
    if (key !== '__proto__') map[key] = value === undefined ? makeDefault() : value
  }
}

/** What a map entry without a value has. @see Protocol Buffers, maps, and default field values */
function compileDefault(type: FieldType): () => unknown {
  if (type.kind === 'enum') return () => 0
  if (type.kind === 'scalar') return scalarDefaults[type.scalar]
  const read = compileMessageReader(type.shape)
  return () => read(new BinaryReader(new Uint8Array()), 0, {})
}

function compileValueReader(type: FieldType): Read {
  if (type.kind === 'scalar') return scalarReaders[type.scalar]
  if (type.kind === 'enum') {
    const texts = type.shape.values.map(({ text, number }) => (number === 0 ? 0 : text))
    // A number without a text stays a number, so that validation names the field.
    return (reader) => {
      const number = reader.int32()
      return texts[number] ?? number
    }
  }
  const read = compileMessageReader(type.shape)
  return (reader) => read(reader, readEnd(reader), {})
}

/** A field's number and wire type in one number, without the pair that `BinaryReader.tag()` makes of them. */
function readTag(reader: BinaryReader): number {
  const start = reader.pos
  const tag = reader.uint32()
  if (reader.pos - start < 5 && tag > 7) return tag
  // Too long, or of field 0: refused by the rules of the library.
  reader.pos = start
  reader.tag()
  return tag
}

function requireWireType(wireType: WireType, expected: WireType): void {
  if (wireType !== expected) throw otherWireType()
}

function otherWireType(): TypeError {
  return new TypeError('a field has another wire type')
}

function requireEnd(reader: BinaryReader, end: number): void {
  if (reader.pos !== end) throw new RangeError('a field goes beyond what encloses it')
}

/** Where a length-delimited field ends. */
function readEnd(reader: BinaryReader): number {
  const length = reader.uint32()
  const end = reader.pos + length
  if (end > reader.len) throw new RangeError('a field goes beyond the message')
  return end
}

/** Keys of maps are texts. */
const mapKeyTag = tagOf(1, WireType.LengthDelimited)

function tagOf(number: number, wireType: WireType): number {
  return ((number << 3) | wireType) >>> 0
}

function wireTypeOf(type: FieldType): WireType {
  if (type.kind === 'message') return WireType.LengthDelimited
  return type.kind === 'scalar' ? scalarWireTypes[type.scalar] : WireType.Varint
}

function isPackable(type: FieldType): boolean {
  return wireTypeOf(type) !== WireType.LengthDelimited
}
