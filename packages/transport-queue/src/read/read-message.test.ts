import { isUnreadable, ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import type { ReceivedRecord } from '../queue-driver.ts'
import { RecordHeaders } from './message-headers.ts'
import { type ReadBounds, type ReadMessage, readMessage } from './read-message.ts'

const topic = 'shop.order.placed.v1'
const now = Date.parse('2026-01-01T00:00:00Z')
const bounds = {
  clock: { now: () => now },
  maxMessageBytes: 1_000,
  maxDelayMs: 86_400_000,
  read: (bytes: Uint8Array, contentType: string | undefined): unknown => `${String(bytes)} as ${contentType}`,
}

function recordOf(headers: Readonly<Record<string, string>>, value: unknown = '{}'): ReceivedRecord {
  return {
    topic,
    partition: 0,
    offset: 0,
    timestampAt: now,
    key: null,
    value: value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]),
  }
}

function read(headers: Readonly<Record<string, string>>, value?: unknown, reading: ReadBounds = bounds): ReadMessage {
  const record = recordOf(headers, value)
  return readMessage(record, new RecordHeaders(record.headers), reading)
}

/** What reading throws; a message that nobody can read. */
function refusalOf(headers: Readonly<Record<string, string>>, value?: unknown): ServiceError {
  try {
    read(headers, value)
  } catch (error) {
    if (ServiceError.is(error) && isUnreadable(error)) return error
    throw error
  }
  throw new Error('it was read')
}

test('a message says nothing of when, unless it does', () => {
  expect(read({})).toMatchObject({ notBeforeAt: 0, expiresAt: Number.POSITIVE_INFINITY, metadata: {} })
  const headers = { CE_ExpiryTime: '2026-01-02T00:00:00Z', 'tenon-not-before': '2026-01-01T01:00:00.5+01:00' }
  expect(read(headers)).toMatchObject({ notBeforeAt: now + 500, expiresAt: now + 86_400_000 })
})

test('its payload is read by its content type', () => {
  const headers = { 'Content-Type': 'application/protobuf' }
  expect(read(headers, '\u0001').payload()).toBe('\u0001 as application/protobuf')
})

test('an event in structured mode is read as in binary mode, and its attributes count, not headers', () => {
  const event = {
    specversion: '1.0',
    id: '1',
    source: 'shop',
    type: topic,
    traceparent: '00-a',
    expirytime: '2026-01-02T00:00:00Z',
  }
  const headers = {
    'content-type': 'application/cloudevents+json',
    'x-tenant-id': 't',
    ce_id: 'forged',
    ce_more: 'forged',
  }
  const json = read(headers, { ...event, data: { orderId: 'o' } })
  expect(json.metadata).toEqual({
    'content-type': 'application/json',
    'x-tenant-id': 't',
    ce_specversion: '1.0',
    ce_id: '1',
    ce_source: 'shop',
    ce_type: topic,
    ce_traceparent: '00-a',
    ce_expirytime: '2026-01-02T00:00:00Z',
  })
  expect(json.expiresAt).toBe(now + 86_400_000)
  expect(json.payload()).toEqual({ orderId: 'o' })
  const bytes = read(headers, { ...event, datacontenttype: 'application/protobuf', data_base64: 'AQI=' })
  expect(bytes.metadata).toMatchObject({ 'content-type': 'application/protobuf' })
  expect(bytes.payload()).toBe('\u0001\u0002 as application/protobuf')
})

test.each<[headers: Readonly<Record<string, string>>, value: unknown]>([
  [{ 'content-type': 'application/cloudevents+json' }, '{'],
  [{ 'content-type': 'application/cloudevents+json' }, null],
  [{ 'content-type': 'application/cloudevents-batch+json' }, '[]'],
  [{ 'tenon-not-before': 'tomorrow' }, '{}'],
  [{ 'tenon-not-before': '2026-01-01' }, '{}'],
  [{ 'tenon-not-before': '1767225600000' }, '{}'],
  [{ 'tenon-not-before': '2025-02-30T00:00:00Z' }, '{}'],
  [{ 'tenon-not-before': '2026-13-01T00:00:00Z' }, '{}'],
  [{ 'tenon-not-before': '2026-01-01T00:00:00' }, '{}'],
  [{ 'tenon-not-before': '2026-01-03T00:00:00Z' }, '{}'],
  [{ 'tenon-not-before': '9999-12-31T23:59:59Z' }, '{}'],
  [{ ce_expirytime: 'soon' }, '{}'],
  [{ ce_expirytime: '5' }, '{}'],
  [{ ce_expirytime: '' }, '{}'],
  [{ ce_expirytime: '2999-01-01' }, '{}'],
  [{ ce_expirytime: '2999-02-30T00:00:00Z' }, '{}'],
  [
    { 'content-type': 'application/cloudevents+json' },
    { specversion: '1.0', id: '1', source: 'shop', type: topic, expirytime: 5 },
  ],
])('%j with %j cannot be understood', (headers, value) => {
  expect(refusalOf(headers, value)).toMatchObject({ code: 'invalid_argument', reason: 'undecodable' })
})

test('a clock that is a little ahead does not make a delay absurd', () => {
  expect(read({ 'tenon-not-before': '2026-01-02T00:01:00Z' }).notBeforeAt).toBe(now + 86_460_000)
  expect(refusalOf({ 'tenon-not-before': '2026-01-02T00:01:00.001Z' }).reason).toBe('undecodable')
})

test.each([
  { ce_type: 'shop.order.placed.v2' },
  { ce_type: 'shop.user.created.v1' },
  { ce_type: '' },
  { ce_dataschema: 'https://schema.example.com/shop.order.placed.v2' },
  { ce_dataschema: 'urn:example:shop.order.placed.v2' },
  { ce_dataschema: 'https://schema.example.com/#shop.user.created.v1.json' },
])('%j belongs to another topic', (headers) => {
  expect(refusalOf(headers)).toMatchObject({ code: 'invalid_argument', reason: 'unknown_version' })
})

test.each([
  { ce_type: topic },
  { ce_dataschema: `https://schema.example.com/v2/${topic}` },
  { ce_dataschema: `https://schema.example.com/${topic}.json` },
  { ce_dataschema: 'https://registry.example.com/apis/v7/schemas/ids/12' },
])('%j belongs to the topic, or says nothing of it', (headers) => {
  expect(read(headers).metadata).toEqual(headers)
})

test('what a stranger wrote is quoted in part only', () => {
  expect(refusalOf({ ce_type: 'x'.repeat(900) }).message.length).toBeLessThan(350)
})

test('a message that is too large is not even looked into', () => {
  const headers = { 'content-type': 'application/cloudevents+json' }
  expect(refusalOf(headers, '{'.repeat(1_001))).toMatchObject({
    reason: 'message_too_large',
    message: 'the message must be at most 1000 bytes, found 1001',
  })
})

test('a payload that its format does not take is told as such, with the cause for operators', () => {
  const fails = (error: unknown) => {
    const reader = () => {
      throw error
    }
    return () => read({}, undefined, { ...bounds, read: reader }).payload()
  }
  const own = new ServiceError('invalid_argument', 'no', { reason: 'undecodable' })
  expect(fails(own)).toThrow(own)
  expect(isUnreadable(own)).toBe(true)
  expect(fails(new RangeError('index out of range'))).toThrow('the message cannot be decoded')
  expect(() => read({}, null).payload()).toThrow('the message has no value')
})
