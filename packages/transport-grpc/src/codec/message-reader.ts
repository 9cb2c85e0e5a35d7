import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import type { EnumShape, FieldShape, FieldType, MessageForm, MessageShape } from '../proto/message-shape.ts'
import { enter, leave } from './nesting.ts'
import { compileObjectReader, type UsualField } from './object-reader.ts'
import { scalarDefaults, scalarReaders } from './scalar-codec.ts'
import { readTimestamp } from './timestamp-codec.ts'
import { readValue } from './value-codec.ts'
import {
  isPackable,
  otherWireType,
  readEnd,
  readTag,
  requireEnd,
  requireWireType,
  skipField,
  tagOf,
  wireTypeOf,
} from './wire-tag.ts'

/**
 * Reads the fields of a message up to its end.
 *
 * @param current What was read of it before: a message that comes in parts is merged. @see Protocol Buffers, encoding, "Last One Wins"
 */
export type ReadMessage = (reader: BinaryReader, end: number, current: unknown) => unknown

/** Reads a value, given what was read of it before. */
export type Read = (reader: BinaryReader, current: unknown) => unknown
type ReadField = (reader: BinaryReader, target: Fields, wireType: WireType) => void
export type Fields = Record<string, unknown>
/** What was made of each message so far. */
type Made = Map<MessageShape, ReadMessage>

/** Compiles how the fields of a message are read; each message that it consists of once. */
export function compileMessageReader(shape: MessageShape, made: Made = new Map()): ReadMessage {
  const known = made.get(shape)
  if (known) return known
  let read: ReadMessage = unfinished
  // A message in itself calls what is not there yet.
  made.set(shape, (reader, end, current) => read(reader, end, current))
  read = bodies[shape.form.kind](shape, made)
  made.set(shape, read)
  return read
}

function unfinished(): never {
  throw new TypeError('a message is read while it is being compiled')
}

const bodies = {
  object: compileObject,
  union: compileUnion,
  nullable: compileNullable,
  list: compileWrapper,
  record: compileWrapper,
  single: compileWrapper,
} as const satisfies Record<MessageForm['kind'], unknown>

function compileObject({ fields }: MessageShape, made: Made): ReadMessage {
  const readers: ReadField[] = []
  for (const field of fields) readers[field.number] = compileField(field, made)
  const always = fields.filter(
    ({ isRequired, isNullable, label }) => isNullable || (isRequired && label !== 'optional'),
  )
  return compileObjectReader({
    usual: fields.filter(({ label }) => label !== 'map').map((field) => toUsualField(field, made)),
    always: always.map(({ name, label, isNullable }) => ({
      name,
      text: isNullable ? 'null' : label === 'map' ? '{}' : '[]',
    })),
    readOther: (reader, target, tag) => {
      const read = readers[tag >>> 3]
      if (read) read(reader, target, tag & 7)
      else skipField(reader, tag)
    },
  })
}

function toUsualField({ name, number, type, label }: FieldShape, made: Made): UsualField {
  const comesInParts = type.kind === 'message' || type.kind === 'known'
  return {
    name,
    tag: tagOf(number, wireTypeOf(type)),
    kind: label === 'repeated' ? 'item' : comesInParts ? 'part' : 'value',
    read: compileValue(type, made),
  }
}

/** An alternative that is not known leaves an object without mark, which validation refuses. */
function compileUnion({ form, fields }: MessageShape, made: Made): ReadMessage {
  const mark = form.kind === 'union' ? form.mark : ''
  const alternatives: { readonly constant: unknown; readonly read: Read }[] = []
  for (const { number, type, constant } of fields) alternatives[number] = { constant, read: compileValue(type, made) }
  return (reader, end, current) => {
    let value = (current ?? {}) as Fields
    while (reader.pos < end) {
      const tag = readTag(reader)
      const alternative = alternatives[tag >>> 3]
      if (alternative === undefined) {
        skipField(reader, tag)
        continue
      }
      requireWireType(tag & 7, WireType.LengthDelimited)
      const { constant, read } = alternative
      value = read(reader, value[mark] === constant ? value : { [mark]: constant }) as Fields
    }
    requireEnd(reader, end)
    return value
  }
}

/** Neither null nor a value is undefined, which validation refuses. */
function compileNullable({ fields: [, something] }: MessageShape, made: Made): ReadMessage {
  const read = something ? compileValue(something.type, made) : unfinished
  const valueTag = something ? tagOf(something.number, wireTypeOf(something.type)) : 0
  const nullTag = tagOf(1, WireType.Varint)
  return (reader, end, current) => {
    let value = current
    while (reader.pos < end) {
      const tag = readTag(reader)
      if (tag === valueTag) value = read(reader, value ?? undefined)
      else if (tag === nullTag) value = nothing(reader.int32())
      else if (tag >>> 3 <= 2) throw otherWireType()
      else skipField(reader, tag)
    }
    requireEnd(reader, end)
    return value
  }
}

/** Whatever the number of NullValue, of which there is one. */
function nothing(_number: number): null {
  return null
}

function compileWrapper(shape: MessageShape, made: Made): ReadMessage {
  const read = compileObject(shape, made)
  const name = shape.fields[0]?.name ?? ''
  return (reader, end, current) => {
    const held: Fields = current === undefined ? {} : { [name]: current }
    read(reader, end, held)
    return held[name]
  }
}

function compileField({ name, type, label }: FieldShape, made: Made): ReadField {
  const expected = wireTypeOf(type)
  if (label === 'map') return compileMap(name, type, made)
  const read = compileValue(type, made)
  if (label === 'repeated') return compileList(name, { read, expected, isPackable: isPackable(type) })
  if (type.kind === 'message' || type.kind === 'known') {
    return (reader, target, wireType) => {
      requireWireType(wireType, expected)
      const value = read(reader, target[name])
      if (value !== undefined) target[name] = value
    }
  }
  return (reader, target, wireType) => {
    requireWireType(wireType, expected)
    target[name] = read(reader, undefined)
  }
}

interface ItemReading {
  readonly read: Read
  readonly expected: WireType
  readonly isPackable: boolean
}

function compileList(name: string, { read, expected, isPackable: mayBePacked }: ItemReading): ReadField {
  return (reader, target, wireType) => {
    const items = (target[name] ??= []) as unknown[]
    if (wireType === expected) {
      items.push(read(reader, undefined))
      return
    }
    requireWireType(wireType, mayBePacked ? WireType.LengthDelimited : expected)
    const end = readEnd(reader)
    while (reader.pos < end) items.push(read(reader, undefined))
    requireEnd(reader, end)
  }
}

/** Keys of maps are texts. */
const mapKeyTag = tagOf(1, WireType.LengthDelimited)

function compileMap(name: string, type: FieldType, made: Made): ReadField {
  const read = compileValue(type, made)
  const makeDefault = compileDefault(type, made)
  const valueTag = tagOf(2, wireTypeOf(type))
  return (reader, target, wireType) => {
    requireWireType(wireType, WireType.LengthDelimited)
    const map = (target[name] ??= {}) as Fields
    const end = readEnd(reader)
    enter()
    let key = ''
    let value: unknown
    while (reader.pos < end) {
      const tag = readTag(reader)
      if (tag === mapKeyTag) key = reader.string(true)
      else if (tag === valueTag) value = read(reader, value)
      else if (tag >>> 3 <= 2) throw otherWireType()
      else skipField(reader, tag)
    }
    requireEnd(reader, end)
    leave()
    // Assigning this key would replace the prototype instead of setting a field.
    if (key !== '__proto__') map[key] = value === undefined ? makeDefault() : value
  }
}

/** What a map entry without a value has. @see Protocol Buffers, maps, and default field values */
function compileDefault(type: FieldType, made: Made): () => unknown {
  if (type.kind === 'enum') return () => 0
  if (type.kind === 'scalar') return scalarDefaults[type.scalar]
  const read = compileMessage(type, made)
  return () => read(new BinaryReader(new Uint8Array()), 0, undefined)
}

function compileValue(type: FieldType, made: Made): Read {
  if (type.kind === 'scalar') return scalarReaders[type.scalar]
  if (type.kind === 'enum') return compileEnum(type.shape)
  if (type.kind === 'known' && type.known === 'null') return (reader) => nothing(reader.int32())
  const read = compileMessage(type, made)
  return (reader, current) => {
    enter()
    const value = read(reader, readEnd(reader), current)
    leave()
    return value
  }
}

function compileMessage(type: Extract<FieldType, { kind: 'message' | 'known' }>, made: Made): ReadMessage {
  if (type.kind === 'message') return compileMessageReader(type.shape, made)
  return type.known === 'value' ? readValue : readTimestamp
}

function compileEnum({ values }: EnumShape): Read {
  const texts = new Map(values.flatMap(({ text, number }) => (number === 0 ? [] : [[number, text] as const])))
  // A number without a text stays a number, so that validation names the field.
  return (reader) => {
    const number = reader.int32()
    return texts.get(number) ?? number
  }
}
