import type { EventType } from '@tenon/core/contract'
import { isRecord, type PayloadFormat, ServiceError } from '@tenon/core/transport'
import { asBuffer } from '../../bytes.ts'
import { jsonFormat } from '../../format/json-format.ts'
import { eventContent } from '../../format/payload-formats.ts'
import { isStructured } from '../../read/structured-event.ts'
import { malformed } from '../check-option.ts'

export interface PayloadPlace {
  /** What the message says that its value is. */
  readonly contentType: string | undefined
  /** The value that came. */
  readonly before: Uint8Array | null
  /** Whose payload it is; without it everything but JSON is given as bytes. */
  readonly event?: EventType | undefined
  readonly formats: readonly PayloadFormat[]
}

/**
 * The bytes of a payload, written as the message says that it is written.
 *
 * @throws ServiceError `invalid_argument` that names `patch.value`
 */
export function writePayload(payload: unknown, place: PayloadPlace): Uint8Array {
  if (payload instanceof Uint8Array) return payload
  if (isStructured(place.contentType)) return writeEnvelope(payload, place)
  return write(payload, place)
}

function write(payload: unknown, { contentType, event, formats }: PayloadPlace): Uint8Array {
  const type = mediaTypeOf(contentType)
  const format = isJson(type) ? jsonFormat : formats.find((one) => takes(one, type))
  if (format === undefined || (format !== jsonFormat && event === undefined))
    throw malformed(
      `patch.value must be bytes, because the message is ${type}: or give event, and formats that have it`,
    )
  try {
    // Without an event it is plain JSON, which needs no schema.
    return event === undefined ? Buffer.from(toJson(payload)) : format.compile(eventContent(event)).write(payload)
  } catch (cause) {
    throw new ServiceError('invalid_argument', `patch.value cannot be written as ${type}`, { cause })
  }
}

/** The envelope with another payload. Its attributes stay. @see CloudEvents JSON event format 1.0, section 3.1 */
function writeEnvelope(payload: unknown, place: PayloadPlace): Uint8Array {
  const envelope = parse(place.before)
  if (envelope === undefined)
    throw malformed('patch.value must be bytes, because the message is an event in structured mode that cannot be read')
  const { data: _data, data_base64: _base64, ...attributes } = envelope
  const dataType = attributes['datacontenttype']
  const contentType = typeof dataType === 'string' ? dataType : undefined
  const bytes = asBuffer(write(payload, { ...place, contentType }))
  const head = JSON.stringify(attributes).slice(0, -1)
  const data = isJson(mediaTypeOf(contentType))
    ? `"data":${bytes.toString()}`
    : `"data_base64":"${bytes.toString('base64')}"`
  return Buffer.from(`${head}${head === '{' ? '' : ','}${data}}`)
}

function parse(value: Uint8Array | null): Readonly<Record<string, unknown>> | undefined {
  try {
    const envelope: unknown = value === null ? undefined : JSON.parse(asBuffer(value).toString())
    return isRecord(envelope) ? envelope : undefined
  } catch {
    return undefined
  }
}

/** @throws TypeError for what JSON has no form of */
function toJson(payload: unknown): string {
  const text: string | undefined = JSON.stringify(payload)
  if (text === undefined) throw new TypeError(`JSON has no form of a ${typeof payload}`)
  return text
}

/** Without parameters. @see RFC 9110 section 8.3.1 */
function mediaTypeOf(contentType: string | undefined): string {
  const [type = ''] = (contentType ?? '').split(';')
  return type.trim().toLowerCase() || jsonFormat.contentType
}

/** @see RFC 6839 section 3.1 */
function isJson(type: string): boolean {
  return type.endsWith('+json') || takes(jsonFormat, type)
}

function takes({ contentType, aliases = [] }: PayloadFormat, type: string): boolean {
  return contentType === type || aliases.includes(type)
}
