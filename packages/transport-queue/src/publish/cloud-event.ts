import type { OutgoingMessage } from '@tenon/core/client'
import type { RecordHeader, RecordToSend } from '../queue-driver.ts'
import type { PublishingSettings } from './publishing-options.ts'

/** What all messages of a publisher have in common. */
export interface CloudEventCommon extends Pick<PublishingSettings, 'mode' | 'dataSchema'> {
  /** Who publishes: the service's name. */
  readonly source: string
}

/** A payload in the format that its event or command declares. */
export interface WrittenPayload {
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** Until when a message is held back from its handler. RFC 3339. */
const notBeforeHeader = 'tenon-not-before'

/** Writes messages as CloudEvents 1.0, in the content mode of the publisher. */
export class CloudEventWriter {
  readonly #common: CloudEventCommon
  readonly #dataSchemas = new Map<string, string | undefined>()

  constructor(common: CloudEventCommon) {
    this.#common = common
  }

  /**
   * @param publishedAt In epoch milliseconds; delay and expiry count from then.
   * @throws TypeError for a `dataSchema` that is no absolute URI
   * @see CloudEvents Kafka protocol binding 1.0, sections 3.2 and 3.3
   */
  toRecord(message: OutgoingMessage, payload: WrittenPayload, publishedAt: number): RecordToSend {
    const attributes = this.#attributes(message, publishedAt)
    const isBinary = this.#common.mode === 'binary'
    return {
      topic: message.topic,
      key: Buffer.from(message.key),
      value: isBinary ? payload.bytes : toStructured(attributes, payload),
      headers: toHeaders({
        ...message.headers,
        ...(message.delayMs > 0 && { [notBeforeHeader]: toTimestamp(publishedAt + message.delayMs) }),
        ...Object.fromEntries(Object.entries(attributes).map(([name, text]) => [`ce_${name}`, text])),
        'content-type': isBinary ? payload.contentType : 'application/cloudevents+json; charset=UTF-8',
      }),
    }
  }

  /** All but `data` and its type, which stands elsewhere in either mode. */
  #attributes(message: OutgoingMessage, publishedAt: number): Readonly<Record<string, string>> {
    const { topic, key, id, expiresAfterMs } = message
    const dataSchema = this.#dataSchemaOf(topic)
    return {
      specversion: '1.0',
      id,
      source: this.#common.source,
      type: topic,
      time: toTimestamp(publishedAt),
      ...(mayBeAttribute(key) && { subject: key }),
      ...(dataSchema !== undefined && { dataschema: dataSchema }),
      ...(expiresAfterMs !== undefined && { expirytime: toTimestamp(publishedAt + expiresAfterMs) }),
    }
  }

  #dataSchemaOf(topic: string): string | undefined {
    if (!this.#dataSchemas.has(topic)) this.#dataSchemas.set(topic, toDataSchema(this.#common.dataSchema, topic))
    return this.#dataSchemas.get(topic)
  }
}

function toDataSchema(given: CloudEventCommon['dataSchema'], topic: string): string | undefined {
  if (given === undefined) return undefined
  if (typeof given === 'string') return `${given}${given.endsWith('/') ? '' : '/'}${topic}`
  const uri: unknown = given(topic)
  if (uri === undefined || (typeof uri === 'string' && URL.canParse(uri))) return uri
  throw new TypeError(`queueTransport: dataSchema must give an absolute URI for topic ${topic}, or undefined`)
}

/** JSON stands there as it is, anything else as base64. @see CloudEvents JSON event format 1.0, section 3.1 */
function toStructured(
  attributes: Readonly<Record<string, string>>,
  { contentType, bytes }: WrittenPayload,
): Uint8Array {
  const head = JSON.stringify({ ...attributes, datacontenttype: contentType }).slice(0, -1)
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isJson = contentType === 'application/json'
  const data = isJson ? `"data":${content.toString()}` : `"data_base64":"${content.toString('base64')}"`
  return Buffer.from(`${head},${data}}`)
}

function toHeaders(texts: Readonly<Record<string, string>>): readonly RecordHeader[] {
  return Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)])
}

/** @see RFC 3339 */
function toTimestamp(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

/** Keys may hold any text, attributes may not. @see CloudEvents 1.0, type system, String */
function mayBeAttribute(text: string): boolean {
  return !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(text)
}
