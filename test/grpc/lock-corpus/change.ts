import { type AnyContract, contract, type OperationSpec, type Schema } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'

/** The operations of a contract, by name. */
export type Operations = Readonly<Record<string, OperationSpec>>

/** A change of a contract, and what we say of it. */
export interface Change {
  /** What was done, as a sentence goes on after "it". */
  readonly name: string
  readonly verdict: 'compatible' | 'breaking'
  /** The contract as it went, oldest first: each brought the lock up to date. */
  readonly before: readonly Operations[]
  readonly after: Operations
  /** What is written in the lock by hand before the change. */
  readonly byHand?: (lock: string) => string
  /** Part of what our message says of a break. */
  readonly told?: string
  /**
   * The rules of buf that decide. @defaultValue `WIRE_JSON`, because callers such as grpcurl and gateways know fields by name
   *
   * - `WIRE` where names of JSON or its form of an integer change on purpose, which the bytes do not show.
   * - `PACKAGE` for whole methods and services, of which the other rules say nothing.
   */
  readonly rules?: 'WIRE' | 'PACKAGE'
  /** Why buf says otherwise. */
  readonly unlikeBuf?: string
  /** Name of the service afterwards. @defaultValue `UserService` */
  readonly renamedTo?: string
}

type Fields = Readonly<Record<string, Schema>>

/** A contract of one operation, whose input has the fields. */
function withFields(fields: Fields): Operations {
  return { getUser: { input: object(fields), output: Type.Object({}) } }
}

type FieldChange = Omit<Change, 'before' | 'after'> & {
  readonly before: Fields | readonly Fields[]
  readonly after: Fields
}

/** A change of the fields of one input. */
export function fieldChange({ before, after, ...change }: FieldChange): Change {
  const history = Array.isArray(before) ? (before as readonly Fields[]) : [before as Fields]
  return { ...change, before: history.map(withFields), after: withFields(after) }
}

export function contractOf(name: string, operations: Operations): AnyContract {
  return contract(name, operations)
}

function object(fields: Fields): Schema {
  return Type.Object(fields as Record<string, ReturnType<typeof Type.String>>)
}
