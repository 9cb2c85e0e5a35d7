import type { JsonSchema } from '@tenon/core/contract'
import { jsonFormat } from '../format/json-format.ts'
import type { AsyncApiMessage } from './document.ts'

/** What the value of a message is. */
export type MessageBody = Required<Pick<AsyncApiMessage, 'contentType' | 'payload'>>

/** The value in structured mode: a CloudEvent in JSON that holds the payload. @see CloudEvents 1.0.2, JSON event format, section 3 */
export function structuredBody(topic: string, { contentType, payload }: MessageBody): MessageBody {
  const isJson = contentType === jsonFormat.contentType
  const data = isJson ? { data: payload } : { data_base64: { type: 'string', contentEncoding: 'base64' } }
  const envelope: JsonSchema = {
    type: 'object',
    required: ['specversion', 'id', 'source', 'type', 'time', 'datacontenttype', ...Object.keys(data)],
    properties: {
      specversion: { const: '1.0' },
      id: text,
      source: text,
      type: { const: topic },
      time: moment,
      subject: text,
      dataschema: { ...text, format: 'uri' },
      expirytime: moment,
      datacontenttype: { const: contentType },
      ...data,
    },
  }
  return { contentType: 'application/cloudevents+json; charset=UTF-8', payload: envelope }
}

const text = { type: 'string', minLength: 1 }
const moment = { type: 'string', format: 'date-time' }
