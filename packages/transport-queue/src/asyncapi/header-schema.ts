import type { JsonSchema } from '@tenon/core/contract'
import { compareTexts } from './named.ts'

/** Where the attributes of an event count: in headers, or in the value. */
export type CloudEventsMode = 'binary' | 'structured'

const text = { type: 'string' }
const moment = { type: 'string', format: 'date-time' }

/** What messages inherit when no service says what it forwards. @see W3C Trace Context; W3C Baggage */
const tracing = ['traceparent', 'tracestate', 'baggage']

/**
 * The headers of every message that a publisher writes, the same in both modes of CloudEvents.
 *
 * @param forwarded Names of the metadata that services let messages inherit; undefined where no service says so.
 * @see CloudEvents 1.0.2, context attributes, and Kafka protocol binding, section 3.2
 */
export function messageHeaders(mode: CloudEventsMode, forwarded: readonly string[] = tracing): JsonSchema {
  const inherited = [...forwarded].toSorted(compareTexts).filter((name) => !Object.hasOwn(ownHeaders, name))
  return {
    type: 'object',
    title: 'MessageHeaders',
    description: `${modeTexts[mode]}, with what the sender lets messages inherit.`,
    required: ['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_time'],
    properties: { ...ownHeaders, ...Object.fromEntries(inherited.map((name) => [name, text])) },
  }
}

const modeTexts = {
  binary: 'CloudEvents 1.0 in binary mode',
  structured: 'The attributes of CloudEvents 1.0, which in structured mode count as they stand in the value',
} as const satisfies Record<CloudEventsMode, string>

const ownHeaders: Readonly<Record<string, JsonSchema>> = {
  'content-type': { ...text, description: 'What the payload is; JSON without it.' },
  ce_specversion: { ...text, enum: ['1.0'] },
  ce_id: { ...text, minLength: 1, description: 'With `ce_source` the same for a message that comes twice.' },
  ce_source: { ...text, minLength: 1, description: 'The service that sent it.' },
  ce_type: { ...text, description: 'The topic.' },
  ce_time: moment,
  ce_subject: { ...text, description: 'The key.' },
  ce_dataschema: { ...text, format: 'uri' },
  ce_expirytime: { ...moment, description: 'From then on it is a dead letter instead of being handled.' },
  'tenon-not-before': {
    ...moment,
    description: 'Until then it is not handled, nor what comes after it with its key.',
  },
  'tenon-redrive-group': { ...text, description: 'It was a dead letter of this group, and the others pass it over.' },
  'tenon-redrive-letter': { ...text, description: 'Where the dead letter lay that it was.' },
  'tenon-redrive-patched': {
    ...text,
    description: 'What of it was changed before it was sent again, such as `value`.',
  },
  'x-request-id': text,
}

/** What a dead letter has beside the headers that came. */
export const deadLetterHeaders: JsonSchema = Object.freeze({
  type: 'object',
  title: 'DeadLetterHeaders',
  description: 'Why a message was given up, beside the headers that it came with.',
  required: ['tenon-error-code', 'tenon-attempts', 'tenon-failed-at', 'tenon-handler', 'tenon-source-topic'],
  properties: {
    'tenon-error-code': { ...text, description: 'Such as `invalid_argument`.' },
    'tenon-error-message': text,
    'tenon-error-reason': { ...text, description: 'The stable word of the service, such as `undecodable`.' },
    'tenon-attempts': { ...text, pattern: '^[0-9]+$' },
    'tenon-first-failed-at': moment,
    'tenon-failed-at': moment,
    'tenon-handler': text,
    'tenon-source-topic': text,
    'tenon-source-partition': { ...text, pattern: '^[0-9]+$' },
    'tenon-source-offset': { ...text, pattern: '^[0-9]+$' },
    'tenon-source-timestamp': { ...text, pattern: '^-?[0-9]+$', description: 'Of the message, in epoch milliseconds.' },
    'tenon-value-omitted': { ...text, description: 'There when the broker took the letter only without its value.' },
    'tenon-headers-omitted': {
      ...text,
      description: 'There when it took the letter only without the headers that came.',
    },
    'tenon-key-omitted': { ...text, description: 'There when it took the letter only without its key.' },
  },
})
