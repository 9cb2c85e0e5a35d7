import type { Operation } from '@tenon/core/contract'

/**
 * A schema as a proto3 message: what the codec and the descriptors are both made of.
 *
 * The shapes of a service are a graph: the type of a field may be a message that encloses it, where a schema is recursive. What
 * messages declare is a tree, in which each stands once; `messagesOf` walks that.
 */
export interface MessageShape {
  /** Full name: `shop.user.v1.GetUserRequest`, for a nested one `shop.user.v1.PlaceOrderRequest.Items`. */
  readonly fullName: string
  readonly name: string
  /** What its value is in a handler. */
  readonly form: MessageForm
  /** The name of the oneof that all of its fields belong to; undefined where they may come together. */
  readonly oneof: string | undefined
  readonly fields: readonly FieldShape[]
  /** Declared inside of it. */
  readonly messages: readonly MessageShape[]
  readonly enums: readonly EnumShape[]
}

/**
 * - `object`: an object with the fields.
 * - `union`: an object whose field `mark` tells which of the alternatives it is. Each is a field with a message of its own, in
 *   which the mark is not sent.
 * - `nullable`: null, which is field 1, or the value of field 2.
 * - `list`, `record`, `single`: the value of field 1, for which protobuf has no type where it stands.
 */
export type MessageForm =
  | { readonly kind: 'object' | 'nullable' | 'list' | 'record' | 'single' }
  | { readonly kind: 'union'; readonly mark: string }

export interface FieldShape {
  /** As in the schema, and on the wire's JSON form: `userId`. */
  readonly name: string
  /** As in the `.proto`: `user_id`. */
  readonly protoName: string
  /** Follows the order of declaration, from 1. */
  readonly number: number
  readonly type: FieldType
  readonly label: 'optional' | 'repeated' | 'map'
  /** A required list or map that is absent on the wire is empty. */
  readonly isRequired: boolean
  /** Absence is null. */
  readonly isNullable: boolean
  /** What the mark of a union is for this alternative; undefined for every other field. */
  readonly constant: unknown
  /** What the schema says of it, for documents; often nothing. */
  readonly description: string
  readonly isDeprecated: boolean
}

/**
 * The types of protobuf, but for `bigint` and `ubigint`: an int64 and a uint64 of which all values are exact. `int64` is a safe
 * integer.
 */
export type ScalarName = 'string' | 'bytes' | 'bool' | 'int32' | 'int64' | 'bigint' | 'ubigint' | 'double'

/** `google.protobuf.Value`, `google.protobuf.Timestamp` and `google.protobuf.NullValue`. */
export type WellKnownName = 'value' | 'timestamp' | 'null'

export type FieldType =
  | { readonly kind: 'scalar'; readonly scalar: ScalarName }
  | { readonly kind: 'known'; readonly known: WellKnownName }
  | { readonly kind: 'enum'; readonly shape: EnumShape }
  | { readonly kind: 'message'; readonly shape: MessageShape }

export interface EnumShape {
  readonly fullName: string
  readonly name: string
  /** Value 0 is `…_UNSPECIFIED` and stands for no text. */
  readonly values: readonly { readonly text: string; readonly protoName: string; readonly number: number }[]
}

/** The messages of one operation. */
export interface MethodShape {
  readonly operation: Operation
  /** `GetUser` */
  readonly name: string
  readonly request: MessageShape
  readonly response: MessageShape
}

/** A contract as a protobuf service. */
export interface ServiceShape {
  /** `shop.user.v1.UserService` */
  readonly fullName: string
  readonly package: string
  readonly name: string
  readonly methods: readonly MethodShape[]
}

/** Every message of a service once, each before those that it declares. */
export function messagesOf({ methods }: ServiceShape): readonly MessageShape[] {
  return methods.flatMap(({ request, response }) => [...messagesIn(request), ...messagesIn(response)])
}

/** A message and every one that lies in it, each before those that it declares. */
export function messagesIn(shape: MessageShape): readonly MessageShape[] {
  return [shape, ...shape.messages.flatMap(messagesIn)]
}
