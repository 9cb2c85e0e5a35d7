import type { EventType } from '../contract/event.ts'
import type { Operation } from '../contract/operation.ts'

/**
 * A way to write what messages carry as bytes, beside the JSON that every queue has. An event or a command says by `format` which
 * one it is written in; a consumer goes by the header `content-type`.
 *
 * An implementation guarantees that `read` gives back what `write` was given, `bigint`s and bytes included, in every later version
 * of itself: messages are kept for long.
 */
export interface PayloadFormat {
  /** What an event's `format` says: `protobuf`. Never `json`. */
  readonly name: string
  /** The header `content-type` of what is written: lower case, without parameters. */
  readonly contentType: string
  /** What else consumers take for this format: media types that others write. @defaultValue none */
  readonly aliases?: readonly string[]
  /**
   * Makes the format ready for one event or command. Called when a service that consumes it starts, and before one that publishes it does
   * so for the first time; may read files.
   *
   * @throws ContractError when the schema has no form in this format. That ends the start of a service only where the event or command is
   * declared in this format.
   */
  compile(content: MessageContent): PayloadCodec
  /**
   * What documents say of the messages of one event or command beside their schema. Nothing where the format leaves it out.
   *
   * @throws ContractError when the schema has no form in this format.
   */
  describe?(content: MessageContent): PayloadDescription
}

/** A message in the words of its format. */
export interface PayloadDescription {
  /** Its full name: `shop.order.placed.v1.Placed`. */
  readonly message: string
  /** Its definition as text; absent where that is a file of the user's own. */
  readonly definition?: string
}

/** What the messages of a topic carry: the payload of an event, or the input of a command. */
export type MessageContent = EventContent | CommandContent

export interface EventContent {
  readonly kind: 'event'
  readonly event: EventType
  /** That of the payload. */
  readonly jsonSchema: EventType['payloadJsonSchema']
}

export interface CommandContent {
  readonly kind: 'command'
  readonly operation: Operation
  /** That of the input. */
  readonly jsonSchema: Operation['inputJsonSchema']
}

/** Both directions of a format, for one event or command. */
export interface PayloadCodec {
  /** The bytes of a value that fits its schema and holds nothing else; with `bigint`s and `Uint8Array`s, as publishers have them. */
  write(value: unknown): Uint8Array
  /**
   * The value of bytes, for the schema to check. Fields may be absent whatever the schema requires.
   *
   * @throws Error for bytes that are none of this format, or not of these messages. The message is a dead letter then.
   */
  read(bytes: Uint8Array): unknown
}
