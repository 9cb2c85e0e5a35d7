import type { DescMessage, Message, MessageJsonType, MessageShape } from '@bufbuild/protobuf'
import type { FilledSchema } from '@tenon/core/contract'
import type { Int64Form } from './scalar-schema.ts'

/**
 * What a writer gives for a message: its ProtoJSON form with every field optional, but `Uint8Array` for bytes and, unless the
 * contract says otherwise, `bigint` for 64-bit integers.
 */
export type ProtoInput<Desc extends DescMessage, Form extends Int64Form = 'bigint'> = WireValue<
  MessageShape<Desc>,
  MessageJsonType<Desc>,
  Form
>

/** What a reader finds of a message: as `ProtoInput`, with all fields there whose absence is their default. */
export type ProtoOutput<Desc extends DescMessage, Form extends Int64Form = 'bigint'> = ReadValue<
  MessageShape<Desc>,
  MessageJsonType<Desc>,
  Form
>

/** The schema of a message's values. */
export type ProtoSchema<Desc extends DescMessage, Form extends Int64Form = 'bigint'> = FilledSchema<
  ProtoInput<Desc, Form>,
  ProtoOutput<Desc, Form>
>

/** A value by its type in messages and its type in ProtoJSON; only these two together say what it is. */
type WireValue<Shape, Json, Form> =
  IsSame<Shape, Json> extends true
    ? Json
    : Leaf<Shape, Json, Form> extends infer Found
      ? [Found] extends [Compound]
        ? Shape extends readonly (infer Item)[]
          ? readonly WireValue<Item, JsonItem<Json>, Form>[]
          : Shape extends Message
            ? {
                readonly [Name in keyof Json]?:
                  | WireValue<FieldOf<Shape, Name>, Exclude<Json[Name], undefined>, Form>
                  | undefined
              }
            : { readonly [Key in keyof Shape]: WireValue<Shape[Key], JsonEntry<Json>, Form> }
        : Found
      : never

type ReadValue<Shape, Json, Form> =
  IsSame<Shape, Json> extends true
    ? Json
    : Leaf<Shape, Json, Form> extends infer Found
      ? [Found] extends [Compound]
        ? Shape extends readonly (infer Item)[]
          ? ReadValue<Item, JsonItem<Json>, Form>[]
          : Shape extends Message
            ? ReadMessage<Shape, Json, Form>
            : { [Key in keyof Shape]: ReadValue<Shape[Key], JsonEntry<Json>, Form> }
        : Found
      : never

type ReadMessage<Shape extends Message, Json, Form> = Flat<
  {
    [Name in keyof Json as Name extends FilledName<Shape> ? Name : never]-?: ReadValue<
      FieldOf<Shape, Name>,
      Exclude<Json[Name], undefined>,
      Form
    >
  } & {
    [Name in keyof Json as Name extends FilledName<Shape> ? never : Name]?: ReadValue<
      FieldOf<Shape, Name>,
      Exclude<Json[Name], undefined>,
      Form
    >
  }
>

type Flat<Type> = { [Key in keyof Type]: Type[Key] }

/** Stands for what has parts of its own: a message, a list or a map. */
interface Compound {
  readonly compound: true
}

/** The value of what has no parts. */
type Leaf<Shape, Json, Form> = [Shape] extends [bigint]
  ? Form extends 'string'
    ? string
    : bigint
  : [Shape] extends [Uint8Array]
    ? Uint8Array
    : [Shape] extends [number]
      ? Floating<Json>
      : [Shape] extends [Unknowable]
        ? [string] extends [Json]
          ? string | bigint | Uint8Array
          : Json
        : Shape extends Message<infer Name>
          ? WellKnown<Name, Json, Form>
          : Shape extends object
            ? Compound
            : Json

/** Names of an enum, or a number that is none of them yet; a float is a number, or text where it is none. */
type Floating<Json> = [Json] extends [null] ? null : [Extract<Json, number>] extends [never] ? Json | number : Json

type WellKnown<Name, Json, Form> = Name extends `google.protobuf.${infer Rest}`
  ? Rest extends 'Int64Value' | 'UInt64Value'
    ? Form extends 'string'
      ? string
      : bigint
    : Rest extends 'BytesValue'
      ? Uint8Array
      : Rest extends JsonOnly
        ? Json
        : Compound
  : Compound

/** The well-known messages whose values are their ProtoJSON form. */
type JsonOnly =
  | 'Any'
  | 'Timestamp'
  | 'Duration'
  | 'FieldMask'
  | 'Struct'
  | 'Value'
  | 'ListValue'
  | 'DoubleValue'
  | 'FloatValue'
  | 'Int32Value'
  | 'UInt32Value'
  | 'BoolValue'
  | 'StringValue'

/** The name of a message whose values are not one object each, and so are no input. */
export type NoObjectName =
  `google.protobuf.${Exclude<JsonOnly, 'Struct'> | 'Int64Value' | 'UInt64Value' | 'BytesValue'}`

/** The type of a field whose `json_name` is its own: nothing tells which field of the message it is. */
interface Unknowable {
  readonly unknowable: true
}

type FieldOf<Shape, Name> = Name extends keyof Shape
  ? Exclude<Shape[Name], undefined>
  : [MemberOf<Shape, Name>] extends [never]
    ? Unknowable
    : MemberOf<Shape, Name>

/** The value of a member of any oneof. */
type MemberOf<Shape, Name> = {
  [Key in keyof Shape]-?: Shape[Key] extends infer Choice
    ? Choice extends { readonly case: Name; readonly value: infer Value }
      ? Value
      : never
    : never
}[keyof Shape]

/** The fields whose absence is their default: those that a message always has, but for messages and oneofs. */
type FilledName<Shape> = {
  [Name in keyof Shape]-?: undefined extends Shape[Name] ? never : Name extends '$typeName' | '$unknown' ? never : Name
}[keyof Shape]

type JsonItem<Json> = Json extends readonly (infer Item)[] ? Item : never
type JsonEntry<Json> = Json extends { readonly [key: string]: infer Entry } ? Entry : never

type IsSame<One, Other> =
  (<Type>() => Type extends One ? 1 : 2) extends <Type>() => Type extends Other ? 1 : 2 ? true : false
