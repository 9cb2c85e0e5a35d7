import type { OutgoingMessage } from '@tenon/core/client'
import { describe, expect, it } from 'vitest'
import type { RecordToSend } from '../queue-driver.ts'
import { CloudEventWriter } from './cloud-event.ts'

const message: OutgoingMessage = {
  topic: 'shop.order.placed.v1',
  key: 'o1',
  value: { orderId: 'o1' },
  headers: { 'x-tenant-id': 'acme', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
  id: 'id-1',
  delayMs: 0,
  expiresAfterMs: undefined,
}
const json = { contentType: 'application/json', bytes: Buffer.from('{"orderId":"o1","text":"ä"}') }
const publishedAt = Date.parse('2026-01-31T12:00:00.500Z')

function write(given: Partial<OutgoingMessage> = {}, facts: object = {}, payload = json): RecordToSend {
  const writer = new CloudEventWriter({ source: 'order', mode: 'binary', dataSchema: undefined, ...facts })
  return writer.toRecord({ ...message, ...given }, payload, publishedAt)
}

function headersOf({ headers }: RecordToSend): Record<string, string> {
  return Object.fromEntries(headers.map(([name, value]) => [name, String(value)]))
}

describe('in binary mode', () => {
  it('the value is the payload, and all that is said of it are headers', () => {
    const record = write()
    expect(record.topic).toBe('shop.order.placed.v1')
    expect(String(record.key)).toBe('o1')
    expect(record.value).toEqual(json.bytes)
    expect(headersOf(record)).toEqual({
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: 'id-1',
      ce_source: 'order',
      ce_type: 'shop.order.placed.v1',
      ce_time: '2026-01-31T12:00:00.500Z',
      ce_subject: 'o1',
      'x-tenant-id': 'acme',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    })
  })

  it('expiry and delay are moments, counted from its publication', () => {
    expect(headersOf(write({ delayMs: 1_500, expiresAfterMs: 60_000 }))).toMatchObject({
      'tenon-not-before': '2026-01-31T12:00:02.000Z',
      ce_expirytime: '2026-01-31T12:01:00.500Z',
    })
    expect(Object.keys(headersOf(write()))).not.toContain('tenon-not-before')
    expect(Object.keys(headersOf(write()))).not.toContain('ce_expirytime')
  })

  it.each(['a\nb', 'a\u0007', '\ufffe'])('leaves the subject out for the key %j, which no attribute may be', (key) => {
    const record = write({ key })
    expect(String(record.key)).toBe(key)
    expect(Object.keys(headersOf(record))).not.toContain('ce_subject')
  })

  it('says what its format is', () => {
    const record = write({}, {}, { contentType: 'application/protobuf', bytes: Buffer.from([1, 2]) })
    expect(headersOf(record)['content-type']).toBe('application/protobuf')
    expect(record.value).toEqual(Buffer.from([1, 2]))
  })
})

describe('in structured mode', () => {
  const mode = 'structured'

  it('the value is an event that holds both', () => {
    const record = write({ delayMs: 1_500, expiresAfterMs: 60_000 }, { mode, dataSchema: 'https://schema.example.com' })
    expect(JSON.parse(String(record.value))).toEqual({
      specversion: '1.0',
      id: 'id-1',
      source: 'order',
      type: 'shop.order.placed.v1',
      time: '2026-01-31T12:00:00.500Z',
      subject: 'o1',
      dataschema: 'https://schema.example.com/shop.order.placed.v1',
      expirytime: '2026-01-31T12:01:00.500Z',
      datacontenttype: 'application/json',
      data: { orderId: 'o1', text: 'ä' },
    })
  })

  it('says so, and has the headers of binary mode all the same', () => {
    const { 'content-type': contentType, ...others } = headersOf(write({}, { mode }))
    const { 'content-type': _binary, ...binary } = headersOf(write())
    expect(contentType).toBe('application/cloudevents+json; charset=UTF-8')
    expect(others).toEqual(binary)
  })

  it('holds what is no JSON as base64', () => {
    const record = write({}, { mode }, { contentType: 'application/protobuf', bytes: Buffer.from([1, 2, 255]) })
    const event = JSON.parse(String(record.value))
    expect(event).toMatchObject({ datacontenttype: 'application/protobuf', data_base64: 'AQL/' })
    expect(event).not.toHaveProperty('data')
  })
})

describe('dataSchema', () => {
  it.each([
    ['https://schema.example.com/event/', 'https://schema.example.com/event/shop.order.placed.v1'],
    ['https://schema.example.com/event', 'https://schema.example.com/event/shop.order.placed.v1'],
    [(topic: string) => `urn:schema:${topic}`, 'urn:schema:shop.order.placed.v1'],
  ])('%s names the schema of a topic', (dataSchema, address) => {
    expect(headersOf(write({}, { dataSchema }))['ce_dataschema']).toBe(address)
  })

  it('leaves it out where its function does', () => {
    expect(Object.keys(headersOf(write({}, { dataSchema: () => undefined })))).not.toContain('ce_dataschema')
  })

  it('is refused when its function gives no absolute URI', () => {
    expect(() => write({}, { dataSchema: () => '/relative' })).toThrow(
      'dataSchema must give an absolute URI for topic shop.order.placed.v1, or undefined',
    )
  })

  it('asks its function once for a topic', () => {
    let count = 0
    const dataSchema = () => `https://schema.example.com/${(count += 1)}`
    const writer = new CloudEventWriter({ source: 'order', mode: 'binary', dataSchema })
    const records = [1, 2].map(() => writer.toRecord(message, json, publishedAt))
    expect(records.map((record) => headersOf(record)['ce_dataschema'])).toEqual(
      Array(2).fill('https://schema.example.com/1'),
    )
  })
})
