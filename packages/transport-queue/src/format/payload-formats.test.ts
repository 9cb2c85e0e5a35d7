import { deserialize, serialize } from 'node:v8'
import { bytes, contract, event, int64 } from '@tenon/core/contract'
import { ContractError, type PayloadFormat } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { commandContent, eventContent, PayloadFormats } from './payload-formats.ts'

const payload = Type.Object({ id: Type.String(), size: int64(), data: bytes() })
const asJson = event('shop.file.stored.v1', { key: 'id', payload })
const asV8 = event('shop.file.copied.v1', { key: 'id', payload, format: 'v8' })
const files = contract('shop.file.v1.FileService', {
  store: { input: payload, output: payload, queue: { topic: 'shop.file.store.v1', key: 'id', format: 'v8' } },
})
const v8Format: PayloadFormat = {
  name: 'v8',
  contentType: 'application/x-v8',
  aliases: ['application/x-node'],
  compile: () => ({ write: serialize, read: (value) => deserialize(value) as unknown }),
}
const value = { id: 'a', size: 2n ** 60n, data: Uint8Array.of(1, 2) }
const json = Buffer.from('{"id":"a","size":"1152921504606846976","data":"AQI="}')
const undecodable = (message: string) =>
  expect.objectContaining({ code: 'invalid_argument', reason: 'undecodable', message }) as Error

describe('the formats of a transport', () => {
  const formats = new PayloadFormats('queue', [v8Format])

  it('write JSON where nothing is declared, with native types as they are in JSON', () => {
    const { contentType, write } = formats.compile(eventContent(asJson))
    expect(contentType).toBe('application/json')
    expect(String(write(value))).toBe(String(json))
  })

  it.each([eventContent(asV8), commandContent(files.store)])('write what is declared ($kind)', (content) => {
    const { contentType, write, read } = formats.compile(content)
    expect(contentType).toBe('application/x-v8')
    const written = write(value)
    expect(deserialize(written)).toEqual(value)
    expect(read(written, contentType)).toEqual(value)
  })

  it.each([
    undefined,
    '',
    'application/json',
    'Application/JSON; charset=utf-8',
    'text/json',
    'application/vnd.shop+json',
  ])('read %s as JSON, whatever is declared', (contentType) => {
    const read = { id: 'a', size: '1152921504606846976', data: 'AQI=' }
    for (const one of [asJson, asV8]) expect(formats.compile(eventContent(one)).read(json, contentType)).toEqual(read)
  })

  it.each(['application/x-v8', 'application/x-node', 'APPLICATION/X-V8;a=b'])(
    'read %s by its format',
    (contentType) => {
      for (const one of [asJson, asV8])
        expect(formats.compile(eventContent(one)).read(serialize(value), contentType)).toEqual(value)
    },
  )

  it('read no other content type, and not bytes that are something else', () => {
    const { read } = formats.compile(eventContent(asJson))
    expect(() => read(json, 'application/avro')).toThrow(
      undecodable('the content type application/avro cannot be read here'),
    )
    expect(() => read(json, 'application/cloudevents+json')).toThrow(
      undecodable('the content type application/cloudevents+json cannot be read here'),
    )
    expect(() => read(Buffer.from('{'), undefined)).toThrow(undecodable('the message is not application/json'))
    expect(() => read(Uint8Array.of(0x22, 0xff, 0x22), undefined)).toThrow(
      undecodable('the message is not application/json'),
    )
    expect(() => read(json, 'application/x-v8')).toThrow(undecodable('the message is not application/x-v8'))
  })

  it('refuse a format that is not there, naming event and transport', () => {
    const none = new PayloadFormats('audit')
    expect(() => none.compile(eventContent(asV8))).toThrow(
      expect.objectContaining({
        problems: [
          {
            code: 'wiring.unreachable',
            message:
              'event shop.file.copied.v1 is written as v8, which the transport audit cannot: expected one of json; give the format to its queueTransport({ formats: […] })',
          },
        ],
      }) as Error,
    )
    expect(() => none.compile(commandContent(files.store))).toThrow(
      'command shop.file.v1.FileService/store is written as v8',
    )
  })

  it('let what has no form in a format be JSON, and read nothing of it in that format', () => {
    const narrow: PayloadFormat = {
      ...v8Format,
      compile: () => {
        throw new ContractError([{ code: 'contract.schema', message: 'no form' }])
      },
    }
    const some = new PayloadFormats('queue', [narrow])
    expect(() => some.compile(eventContent(asV8))).toThrow('no form')
    const { read, contentType } = some.compile(eventContent(asJson))
    expect(contentType).toBe('application/json')
    expect(() => read(serialize(value), 'application/x-v8')).toThrow(undecodable('the message is not application/x-v8'))
  })
})
