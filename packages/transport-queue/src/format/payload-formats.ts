import type { EventType, Operation } from '@tenon/core/contract'
import {
  type MessageContent,
  type PayloadCodec,
  type PayloadFormat,
  ServiceError,
  WiringError,
} from '@tenon/core/transport'
import { jsonFormat } from './json-format.ts'

/** How the messages of one event or command are written and read. */
export interface MessageFormat {
  /** The header `content-type` of what is written. */
  readonly contentType: string
  /** The bytes of a value that fits its schema. */
  write(value: unknown): Uint8Array
  /**
   * The value of bytes, for the schema to check.
   *
   * @param contentType The header `content-type`; without one the bytes are JSON.
   * @throws ServiceError `invalid_argument` with the reason `undecodable`, also for a content type that is not known here.
   */
  read: (bytes: Uint8Array, contentType: string | undefined) => unknown
}

/** The formats of one transport: JSON, and those that it was given. */
export class PayloadFormats {
  readonly #transport: string
  readonly #formats: readonly PayloadFormat[]

  /** @param transport The transport's name, for errors. */
  constructor(transport: string, formats: readonly PayloadFormat[] = []) {
    this.#transport = transport
    this.#formats = [jsonFormat, ...formats]
  }

  /**
   * Makes everything ready for an event or the input of a command.
   *
   * @throws WiringError `wiring.unreachable` when it is declared in a format that is not here; ContractError when it has no form in that format.
   */
  compile(content: MessageContent): MessageFormat {
    const name = formatOf(content)
    const declared = this.#formats.find((format) => format.name === name)
    if (declared === undefined) throw this.#missing(content, name)
    const own = declared.compile(content)
    const others = this.#formats.filter((format) => format !== declared)
    const readers = new Map([
      ...others.flatMap((format) => readersOf(format, compileOther(format, content))),
      ...readersOf(declared, own),
    ])
    return Object.freeze({
      contentType: declared.contentType,
      write: (value: unknown) => own.write(value),
      read: (bytes: Uint8Array, contentType: string | undefined) => read(readers, bytes, contentType),
    })
  }

  #missing(content: MessageContent, name: string): WiringError {
    const known = this.#formats.map((format) => format.name).join(', ')
    const message = `${whereOf(content)} is written as ${name}, which the transport ${this.#transport} cannot: expected one of ${known}; give the format to its queueTransport({ formats: […] })`
    return new WiringError([{ code: 'wiring.unreachable', message }])
  }
}

/** The payload of an event, for a format. */
export function eventContent(event: EventType): MessageContent {
  return { kind: 'event', event, jsonSchema: event.payloadJsonSchema }
}

/** The input of a command, for a format. */
export function commandContent(operation: Operation): MessageContent {
  return { kind: 'command', operation, jsonSchema: operation.inputJsonSchema }
}

/** The name of the format that an event or a command is declared in. */
export function formatOf(content: MessageContent): string {
  return content.kind === 'event' ? content.event.format : (content.operation.queue?.format ?? jsonFormat.name)
}

function whereOf(content: MessageContent): string {
  return content.kind === 'event' ? `event ${content.event.topic}` : `command ${content.operation.id}`
}

/** Reads, or says why it cannot. */
type Reader = (bytes: Uint8Array) => unknown

function readersOf(
  { contentType, aliases = [] }: PayloadFormat,
  codec: Pick<PayloadCodec, 'read'>,
): readonly (readonly [string, Reader])[] {
  return [contentType, ...aliases].map((type) => [type, (bytes) => codec.read(bytes)] as const)
}

/** What nobody promised to write so need have no form in it. */
function compileOther(format: PayloadFormat, content: MessageContent): Pick<PayloadCodec, 'read'> {
  try {
    return format.compile(content)
  } catch (cause) {
    const read = () => {
      throw new Error(`${whereOf(content)} has no form as ${format.name}`, { cause })
    }
    return { read }
  }
}

function read(readers: ReadonlyMap<string, Reader>, bytes: Uint8Array, contentType: string | undefined): unknown {
  const type = mediaTypeOf(contentType)
  const reader = readers.get(type)
  if (reader === undefined) throw undecodable(`the content type ${type} cannot be read here`)
  try {
    return reader(bytes)
  } catch (cause) {
    throw undecodable(`the message is not ${type}`, cause)
  }
}

/** Without parameters; what is some kind of JSON is read as JSON. @see RFC 9110 section 8.3.1; RFC 6839 section 3.1 */
function mediaTypeOf(contentType: string | undefined): string {
  // Nearly all say just this.
  if (contentType === jsonFormat.contentType) return contentType
  const [text = ''] = (contentType ?? '').split(';')
  const type = text.trim().toLowerCase()
  // An event in structured mode has its payload inside.
  const isPlainJson = type === '' || (type.endsWith('+json') && !type.startsWith('application/cloudevents'))
  return isPlainJson ? jsonFormat.contentType : type
}

function undecodable(message: string, cause?: unknown): ServiceError {
  return new ServiceError('invalid_argument', message, { reason: 'undecodable', ...(cause !== undefined && { cause }) })
}
