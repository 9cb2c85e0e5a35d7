import { isRecord } from '@tenon/core/transport'
import type { PayloadBytes } from './read-payload.ts'

/** An event whose attributes and payload stand together in one JSON document. */
export interface StructuredEvent {
  /** All attributes but the payload's type, as text, by their names. */
  readonly attributes: ReadonlyMap<string, string>
  /** That of the payload. */
  readonly contentType: string
  /** Bytes, or a value that is JSON already; another one each time. */
  payload(): PayloadBytes | { readonly value: unknown }
}

/** Whether a content type says that a message is an event in structured mode. */
export function isStructured(contentType: string | undefined): boolean {
  // Nearly all say just this.
  if (contentType === undefined || contentType === 'application/json') return false
  return /^application\/cloudevents(?:-batch)?(?:\+|\s*(?:;|$))/i.test(contentType.trim())
}

/**
 * Reads an event in structured mode.
 *
 * @throws Error that says what is wrong with it, for operators.
 * @see CloudEvents 1.0.2, JSON event format, sections 2 and 3; Kafka protocol binding, section 3.3
 */
export function readStructured(bytes: Uint8Array, contentType: string): StructuredEvent {
  requireJson(contentType)
  const parse = () => requireEvent(parseJson(bytes))
  const event = parse()
  const { data: _data, data_base64: base64, ...rest } = event
  const attributes = new Map(Object.entries(rest).flatMap(readAttribute))
  for (const name of ['id', 'source', 'specversion', 'type']) requireAttribute(name, attributes.get(name))
  if (attributes.get('specversion') !== '1.0') throw new Error('specversion must be "1.0"')
  const dataType = attributes.get('datacontenttype') ?? 'application/json'
  attributes.delete('datacontenttype')
  if (isGiven(base64)) {
    const payload = { bytes: fromBase64(base64), contentType: dataType }
    return { attributes, contentType: dataType, payload: () => payload }
  }
  // Kept for whoever reads the payload first, which spares most messages to be parsed twice.
  let first: typeof event | undefined = event
  return {
    attributes,
    contentType: dataType,
    payload: () => {
      const read = first ?? parse()
      first = undefined
      return dataOf(read, dataType)
    },
  }
}

function requireJson(contentType: string): void {
  const [type = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  if (type !== 'application/cloudevents+json')
    throw new Error(`expected the content type application/cloudevents+json, found ${type}`)
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length)
  if (charset !== undefined && charset.replaceAll('"', '') !== 'utf-8') throw new Error('the charset must be UTF-8')
}

/** The parser's own words quote what was sent, which does not belong into a log. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(strictText.decode(bytes))
  } catch {
    throw new Error('an event must be JSON in UTF-8')
  }
}

function requireEvent(document: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(document)) throw new Error('an event must be a JSON object')
  if (isGiven(document['data']) && isGiven(document['data_base64']))
    throw new Error('an event must not have both data and data_base64')
  return document
}

/** An attribute as text; none where it is null, which is the same as absent. @see CloudEvents JSON event format, section 2.2 */
function readAttribute([name, value]: readonly [string, unknown]): readonly (readonly [string, string])[] {
  if (!/^[a-z0-9]+$/.test(name)) throw new Error('an attribute must be named with lower-case letters and digits')
  if (value === null) return []
  if (typeof value === 'boolean' || (typeof value === 'number' && isInteger32(value))) return [[name, String(value)]]
  if (typeof value === 'string' && isAttributeText(value)) return [[name, value]]
  throw new Error(`attribute ${name} must be one line of text, a whole number of 32 bits, true or false`)
}

/** @see CloudEvents 1.0.2, section "Type system", Integer */
function isInteger32(value: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31
}

/** @see CloudEvents 1.0.2, section "Type system", String */
function isAttributeText(text: string): boolean {
  return text.isWellFormed() && !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(text)
}

function requireAttribute(name: string, value: string | undefined): void {
  if (value === undefined || value === '') throw new Error(`an event must have the attribute ${name}`)
}

/** Strict, for what cannot be read in full must not be read in part. @see RFC 4648 section 4 */
function fromBase64(text: unknown): Uint8Array {
  const isBase64 = typeof text === 'string' && text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
  if (!isBase64) throw new Error('data_base64 must be base64 text')
  return Buffer.from(text, 'base64')
}

/** JSON stands in `data` as it is, and everything else as text. @see CloudEvents JSON event format, section 3.1 */
function dataOf(
  event: Readonly<Record<string, unknown>>,
  contentType: string,
): PayloadBytes | { readonly value: unknown } {
  const { data } = event
  if (!isGiven(data)) return { bytes: null, contentType }
  if (isJson(contentType)) return { value: data }
  if (typeof data !== 'string') throw new Error(`data of the type ${contentType} must be text`)
  return { bytes: Buffer.from(data), contentType }
}

/** @see RFC 6839 section 3.1 */
function isJson(contentType: string): boolean {
  return /^[a-z]+\/(?:[^;]+\+)?json\s*(?:;|$)/i.test(contentType.trim())
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

const strictText = new TextDecoder('utf-8', { fatal: true })
