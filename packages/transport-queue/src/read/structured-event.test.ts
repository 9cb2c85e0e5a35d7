import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test, vi } from 'vitest'
import { isStructured, readStructured } from './structured-event.ts'

const contentType = 'application/cloudevents+json; charset=UTF-8'
const event = { specversion: '1.0', id: '1', source: 'shop', type: 'shop.order.placed.v1' }
const bytesOf = (document: unknown) => Buffer.from(typeof document === 'string' ? document : JSON.stringify(document))

test.each([
  ['application/cloudevents+json', true],
  ['Application/CloudEvents+JSON ; charset=utf-8', true],
  ['application/cloudevents-batch+json', true],
  ['application/cloudevents', true],
  ['application/json', false],
  ['application/cloudeventsx+json', false],
  [undefined, false],
])('%s is structured mode: %s', (text, expected) => {
  expect(isStructured(text)).toBe(expected)
})

test('attributes and extensions are text, whatever they are in JSON; null is none', () => {
  const given = {
    ...event,
    time: '2026-01-01T00:00:00Z',
    partitionkey: 7,
    sampled: false,
    subject: null,
    data: { orderId: 'o' },
  }
  const { attributes, contentType: dataType } = readStructured(bytesOf(given), contentType)
  expect(Object.fromEntries(attributes)).toEqual({
    ...event,
    time: '2026-01-01T00:00:00Z',
    partitionkey: '7',
    sampled: 'false',
  })
  expect(dataType).toBe('application/json')
})

test('JSON in data is the payload, another one each time', () => {
  const read = readStructured(
    bytesOf({ ...event, datacontenttype: 'application/vnd.shop+json', data: { n: [1] } }),
    contentType,
  )
  const [one, other] = [read.payload(), read.payload()]
  expect(one).toEqual({ value: { n: [1] } })
  expect(other).toEqual(one)
  expect(Reflect.get(other, 'value')).not.toBe(Reflect.get(one, 'value'))
  expect(read.contentType).toBe('application/vnd.shop+json')
})

test('base64 in data_base64 is bytes of their own type, and text in data of another type too', () => {
  const binary = readStructured(
    bytesOf({ ...event, datacontenttype: 'application/protobuf', data_base64: 'AQID' }),
    contentType,
  )
  expect(binary.payload()).toEqual({ bytes: Buffer.from([1, 2, 3]), contentType: 'application/protobuf' })
  const text = readStructured(bytesOf({ ...event, datacontenttype: 'text/xml', data: '<o/>' }), contentType)
  expect(text.payload()).toEqual({ bytes: Buffer.from('<o/>'), contentType: 'text/xml' })
  const none = readStructured(bytesOf(event), contentType)
  expect(none.payload()).toEqual({ bytes: null, contentType: 'application/json' })
})

test.each<[what: string, document: unknown, problem: string]>([
  ['no JSON', '{"id":', 'an event must be JSON in UTF-8'],
  ['a list', [event], 'must be a JSON object'],
  ['null', null, 'must be a JSON object'],
  ['another version', { ...event, specversion: '0.3' }, 'specversion must be "1.0"'],
  ['a version that is a number', { ...event, specversion: 1 }, 'specversion must be "1.0"'],
  ['no id', { ...event, id: null }, 'must have the attribute id'],
  ['an empty source', { ...event, source: '' }, 'must have the attribute source'],
  ['no type', { ...event, type: undefined }, 'must have the attribute type'],
  ['both kinds of data', { ...event, data: 1, data_base64: 'AQ==' }, 'must not have both'],
  ['base64 that is none', { ...event, data_base64: 'A-_=' }, 'data_base64 must be base64'],
  ['base64 that is cut', { ...event, data_base64: 'AQ' }, 'data_base64 must be base64'],
  ['base64 that is no text', { ...event, data_base64: 7 }, 'data_base64 must be base64'],
  ['an attribute in capitals', { ...event, Subject: 'x' }, 'lower-case letters and digits'],
  ['an attribute that would forge a header', { ...event, 'x\r\nce_id': 'x' }, 'lower-case letters and digits'],
  [
    '__proto__',
    '{"specversion":"1.0","id":"1","source":"s","type":"t","__proto__":{"x":1}}',
    'lower-case letters and digits',
  ],
  ['an attribute that is an object', { ...event, trace: {} }, 'attribute trace must be'],
  ['an attribute that is a fraction', { ...event, share: 0.5 }, 'attribute share must be'],
  ['an attribute beyond 32 bits', { ...event, count: 2 ** 31 }, 'attribute count must be'],
  ['a line break in an attribute', { ...event, subject: 'a\nb' }, 'attribute subject must be'],
  [
    'half a character in an attribute',
    '{"specversion":"1.0","id":"\\ud800","source":"s","type":"t"}',
    'attribute id must be',
  ],
])('%s is refused', (_what, document, problem) => {
  expect(() => readStructured(bytesOf(document), contentType)).toThrow(problem)
})

test('bytes that are not UTF-8 are refused', () => {
  expect(() => readStructured(Buffer.from([0xff, 0xfe]), contentType)).toThrow('an event must be JSON in UTF-8')
})

test('what is refused is not quoted', () => {
  for (const document of [
    '{"secret": hunter2}',
    { ...event, secret: { hunter2: 1 } },
    { ...event, data_base64: 'hunter2!' },
  ])
    expect(() => readStructured(bytesOf(document), contentType)).toThrow(/^(?!.*hunter2)/s)
})

test.each([
  ['application/cloudevents-batch+json', 'found application/cloudevents-batch+json'],
  ['application/cloudevents+avro', 'found application/cloudevents+avro'],
  ['application/cloudevents+json; charset=utf-16', 'the charset must be UTF-8'],
])('an event as %s is refused', (type, problem) => {
  expect(() => readStructured(bytesOf(event), type)).toThrow(problem)
})

test('data of a type that is no JSON has to be text', () => {
  const { payload } = readStructured(bytesOf({ ...event, datacontenttype: 'text/xml', data: { o: 1 } }), contentType)
  expect(payload).toThrow('data of the type text/xml must be text')
})

test('keeps nothing of the document but attributes and bytes where those are in base64', async () => {
  const documents: WeakRef<object>[] = []
  const parse = JSON.parse
  const spy = vi.spyOn(JSON, 'parse').mockImplementation((text: string) => {
    const document: object = parse(text)
    documents.push(new WeakRef(document))
    return document
  })
  onTestFinished(() => spy.mockRestore())
  const readNow = () => readStructured(bytesOf({ ...event, data_base64: 'AQID' }), contentType)
  const read = readNow()
  // What mocks returned, they keep.
  spy.mockReset()
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  expect(documents.map((document) => document.deref())).toEqual([undefined])
  expect(read.payload()).toEqual({ bytes: Buffer.from([1, 2, 3]), contentType: 'application/json' })
})

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}
