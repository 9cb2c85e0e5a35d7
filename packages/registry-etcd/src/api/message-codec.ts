import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** Fields by name: the number that each has on the wire, and what it holds. */
export type Fields = Readonly<Record<string, Field>>

type Field = readonly [number: number, type: keyof Scalars | Message] | readonly [number: number, Message, 'repeated']

/** What the scalar types of protobuf are here. An `enum` is its number. */
interface Scalars {
  readonly bool: boolean
  readonly bytes: Uint8Array
  readonly enum: number
  readonly int64: bigint
  readonly string: string
}

/** A message of protobuf: its bytes and its value, each from the other. */
export interface Message<F extends Fields = Fields> {
  readonly fields: F
  /** What is left out is not sent. */
  encode(value: Given<F>): Uint8Array
  /** Scalars that were not sent have the default of proto3, messages are undefined. @throws Error for bytes that are no such message */
  decode(bytes: Uint8Array): Received<F>
}

/** A message as it is sent. */
export type Given<F extends Fields> = {
  readonly [Name in keyof F]?: F[Name] extends readonly [number, infer Type, 'repeated']
    ? readonly GivenValue<Type>[]
    : GivenValue<F[Name][1]>
}

/** A message as it is received. */
export type Received<F extends Fields> = {
  readonly [Name in keyof F]: F[Name] extends readonly [number, infer Type, 'repeated']
    ? readonly ReceivedValue<Type>[]
    : F[Name][1] extends keyof Scalars
      ? Scalars[F[Name][1]]
      : ReceivedValue<F[Name][1]> | undefined
}

type GivenValue<Type> = Type extends keyof Scalars ? Scalars[Type] : Type extends Message<infer F> ? Given<F> : never
type ReceivedValue<Type> = Type extends Message<infer F> ? Received<F> : never

/** A message of these fields; others that arrive are passed over, as protobuf wants. */
export function message<const F extends Fields>(fields: F): Message<F> {
  const byNumber = new Map(Object.entries(fields).map(([name, field]) => [field[0], { name, field }]))
  return Object.freeze({
    fields,
    encode(value: Given<F>) {
      const writer = new BinaryWriter()
      for (const [name, field] of Object.entries(fields)) {
        const given: unknown = value[name]
        if (given === undefined) continue
        for (const one of field[2] === 'repeated' ? (given as readonly unknown[]) : [given]) write(writer, field, one)
      }
      return writer.finish()
    },
    decode(bytes: Uint8Array) {
      const value: Record<string, unknown> = {}
      for (const [name, field] of Object.entries(fields)) value[name] = absent(field)
      const reader = new BinaryReader(bytes)
      while (reader.pos < reader.len) {
        const [number, wireType] = reader.tag()
        const { name, field } = byNumber.get(number) ?? {}
        if (name === undefined || field === undefined) {
          reader.skip(wireType, number)
          continue
        }
        if (wireType !== wireTypeOf(field)) throw new Error(`the field ${name} has the wire type ${wireType}`)
        const read = readValue(reader, field)
        if (field[2] === 'repeated') (value[name] as unknown[]).push(read)
        else value[name] = read
      }
      return value as Received<F>
    },
  })
}

const noBytes = new Uint8Array()

function absent([, type, label]: Field): unknown {
  if (label === 'repeated') return []
  return typeof type === 'string' ? { bool: false, bytes: noBytes, enum: 0, int64: 0n, string: '' }[type] : undefined
}

function wireTypeOf([, type]: Field): WireType {
  return type === 'bool' || type === 'enum' || type === 'int64' ? WireType.Varint : WireType.LengthDelimited
}

function write(writer: BinaryWriter, field: Field, value: unknown): void {
  const [number, type] = field
  writer.tag(number, wireTypeOf(field))
  // What a caller may give is held by the types of `encode`.
  if (type === 'bool') writer.bool(value as boolean)
  else if (type === 'bytes') writer.bytes(value as Uint8Array)
  else if (type === 'enum') writer.int32(value as number)
  else if (type === 'int64') writer.int64(value as bigint)
  else if (type === 'string') writer.string(value as string)
  else writer.bytes(type.encode(value as Given<Fields>))
}

function readValue(reader: BinaryReader, [, type]: Field): unknown {
  if (type === 'bool') return reader.bool()
  if (type === 'bytes') return reader.bytes()
  if (type === 'enum') return reader.int32()
  if (type === 'int64') return BigInt(reader.int64())
  if (type === 'string') return reader.string()
  return type.decode(reader.bytes())
}
