/** A contract as a `.proto` file: what is written, what is read back, and where numbers are compared. */
export interface LockFile extends MessageFile {
  readonly service: LockService
}

/** An event as such a file, or what a contract and an event have in common. */
export interface MessageFile {
  readonly package: string
  /** Paths of imported files, sorted. */
  readonly imports: readonly string[]
  /** Options of the whole file, added by hand and kept: `go_package = "shop/user/v1"`. */
  readonly options: readonly string[]
  readonly messages: readonly LockMessage[]
}

/** What is written: a contract has a service, an event has none. */
export type WrittenFile = MessageFile & Partial<Pick<LockFile, 'service'>>

export interface LockService {
  readonly name: string
  readonly methods: readonly LockMethod[]
}

export interface LockMethod extends Remarks {
  readonly name: string
  /** Full name of a message. */
  readonly request: string
  readonly response: string
  readonly isRequestStream: boolean
  readonly isResponseStream: boolean
}

export interface LockMessage {
  /** Full name: `shop.user.v1.GetUserRequest`. */
  readonly fullName: string
  readonly fields: readonly LockField[]
  readonly messages: readonly LockMessage[]
  readonly enums: readonly LockEnum[]
  readonly reserved: Reserved
}

export interface LockField extends Remarks {
  /** `user_id` */
  readonly name: string
  /** `userId` */
  readonly jsonName: string
  readonly number: number
  /** A scalar, `int32`, or a full name with a dot before it: `.shop.user.v1.GetUserRequest.Status`. Of a map the type of its values. */
  readonly type: string
  /** `optional` says that absence is seen; a message has that without the word, and so has a member of a oneof. */
  readonly label: 'optional' | 'repeated' | 'map'
  /** The oneof that it is a member of. */
  readonly oneof: string | undefined
}

export interface LockEnum {
  readonly fullName: string
  readonly values: readonly LockValue[]
  readonly reserved: Reserved
}

export interface LockValue {
  readonly name: string
  readonly number: number
}

/** What documents and compilers are told. */
export interface Remarks {
  /** Lines of text, without comment marks. */
  readonly comment: string
  readonly isDeprecated: boolean
}

/** What must never be used again. */
export interface Reserved {
  /** Sorted, without overlaps. */
  readonly ranges: readonly NumberRange[]
  /** Sorted. */
  readonly names: readonly string[]
}

/** First and last number; `Infinity` for `max`. */
export type NumberRange = readonly [first: number, last: number]

export const nothingReserved: Reserved = { ranges: [], names: [] }

/** The last word of a full name. */
export function lastName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1)
}

/** A message and all that lie in it, each before those that it declares. */
export function withNested(message: LockMessage): readonly LockMessage[] {
  return [message, ...message.messages.flatMap(withNested)]
}
