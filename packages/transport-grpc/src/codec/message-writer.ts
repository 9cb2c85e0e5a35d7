import { type BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { EnumShape, FieldShape, FieldType, MessageForm, MessageShape } from '../proto/message-shape.ts'
import { inside } from './nesting.ts'
import { compileObjectWriter, type FieldWriting, requireList } from './object-writer.ts'
import { scalarWriters } from './scalar-codec.ts'
import { writeTimestamp } from './timestamp-codec.ts'
import { writeValue } from './value-codec.ts'
import { isPackable, tagOf, wireTypeOf } from './wire-tag.ts'

/** Writes a value that lies in a message of the given depth; of a message the fields, without tag and length. */
export type Write = (writer: BinaryWriter, value: unknown, depth: number) => void

/** What was made of each message so far. */
type Made = Map<MessageShape, Write>
type Fields = Readonly<Record<string, unknown>>

/** Compiles how the fields of a message are written; each message that it consists of once. */
export function compileMessageWriter(shape: MessageShape, made: Made = new Map()): Write {
  const known = made.get(shape)
  if (known) return known
  let write: Write = unfinished
  // A message in itself calls what is not there yet.
  made.set(shape, (writer, value, depth) => write(writer, value, depth))
  write = bodies[shape.form.kind](shape, made)
  made.set(shape, write)
  return write
}

function unfinished(): never {
  throw new TypeError('a message is written while it is being compiled')
}

const bodies = {
  object: compileObject,
  union: compileUnion,
  nullable: compileNullable,
  list: compileWrapper,
  record: compileWrapper,
  single: compileWrapper,
} as const satisfies Record<MessageForm['kind'], unknown>

function compileObject({ fields }: MessageShape, made: Made): Write {
  return compileObjectWriter(fields.map((field) => toFieldWriting(field, made)))
}

function toFieldWriting(field: FieldShape, made: Made): FieldWriting {
  const { name, number, type, label, isNullable } = field
  const isList = label === 'repeated'
  if (label === 'map' || (isList && isPackable(type))) {
    return { name, tag: undefined, isList, isNullable, write: compileField(field, made) }
  }
  return { name, tag: tagOf(number, wireTypeOf(type)), isList, isNullable, write: compileValue(type, made) }
}

/** The alternative is chosen by the mark. */
function compileUnion({ fullName, form, fields }: MessageShape, made: Made): Write {
  const writers = new Map(fields.map((field) => [field.constant, compileField(field, made)]))
  const mark = form.kind === 'union' ? form.mark : ''
  return (writer, value, depth) => {
    if (typeof value !== 'object' || value === null) throw new TypeError('expected an object')
    const write = writers.get((value as Fields)[mark])
    if (write === undefined) throw new TypeError(`expected an alternative of ${fullName}`)
    write(writer, value, depth)
  }
}

function compileNullable({ fields: [nothing, something] }: MessageShape, made: Made): Write {
  const writeNull = nothing ? compileField(nothing, made) : unfinished
  const write = something ? compileField(something, made) : unfinished
  return (writer, value, depth) => {
    if (value === null) writeNull(writer, value, depth)
    else write(writer, value, depth)
  }
}

function compileWrapper({ fields: [field] }: MessageShape, made: Made): Write {
  const write = field ? compileField(field, made) : unfinished
  return (writer, value, depth) => {
    if (value !== undefined) write(writer, value, depth)
  }
}

function compileField({ number, type, label, isNullable }: FieldShape, made: Made): Write {
  const write = compileValue(type, made)
  const tag = tagOf(number, wireTypeOf(type))
  if (label === 'repeated') return isPackable(type) ? compilePacked(number, write) : compileList(tag, write)
  if (label === 'map') return compileMap(number, tagOf(2, wireTypeOf(type)), write)
  if (!isNullable) {
    return (writer, value, depth) => {
      writer.uint32(tag)
      write(writer, value, depth)
    }
  }
  return (writer, value, depth) => {
    if (value === null) return
    writer.uint32(tag)
    write(writer, value, depth)
  }
}

function compileList(tag: number, write: Write): Write {
  return (writer, value, depth) => {
    for (const item of requireList(value)) {
      writer.uint32(tag)
      write(writer, item, depth)
    }
  }
}

function compilePacked(number: number, write: Write): Write {
  const tag = tagOf(number, WireType.LengthDelimited)
  return (writer, value, depth) => {
    const items = requireList(value)
    if (items.length === 0) return
    writer.uint32(tag).fork()
    for (const item of items) write(writer, item, depth)
    writer.join()
  }
}

/** Keys of maps are texts. */
const mapKeyTag = tagOf(1, WireType.LengthDelimited)

function compileMap(number: number, valueTag: number, write: Write): Write {
  const tag = tagOf(number, WireType.LengthDelimited)
  return (writer, value, depth) => {
    if (typeof value !== 'object' || value === null) throw new TypeError('expected a record')
    for (const [key, entry] of Object.entries(value)) {
      writer.uint32(tag).fork().uint32(mapKeyTag).string(key).uint32(valueTag)
      write(writer, entry, inside(depth))
      writer.join()
    }
  }
}

function compileValue(type: FieldType, made: Made): Write {
  if (type.kind === 'scalar') return scalarWriters[type.scalar]
  if (type.kind === 'enum') return compileEnum(type.shape)
  if (type.kind === 'known' && type.known === 'null') return (writer) => writer.int32(0)
  const write = type.kind === 'message' ? compileMessageWriter(type.shape, made) : knownWriters[type.known]
  return (writer, value, depth) => {
    writer.fork()
    write(writer, value, inside(depth))
    writer.join()
  }
}

const knownWriters = { value: writeValue, timestamp: writeTimestamp, null: unfinished } as const

function compileEnum({ fullName, values }: EnumShape): Write {
  const numbers = new Map<unknown, number>(values.map(({ text, number }) => [text, number]))
  return (writer, value) => {
    const number = numbers.get(value)
    if (number === undefined) throw new TypeError(`expected a value of ${fullName}`)
    writer.uint32(number)
  }
}
