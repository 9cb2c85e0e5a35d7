import { optionCheck, type PayloadFormat } from '@tenon/core/transport'
import { expect, it } from 'vitest'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { type QueueOptions, resolveQueue } from '../queue-options.ts'
import { checkFormats } from './check-formats.ts'

const format: PayloadFormat = {
  name: 'avro',
  contentType: 'application/avro',
  compile: () => ({ write: () => new Uint8Array(), read: () => undefined }),
}
const problemsOf = (formats: unknown) =>
  checkFormats(formats, optionCheck('queueTransport')).map(({ message }) => message)

it('takes formats of different names and content types, and none', () => {
  expect(
    problemsOf([format, { ...format, name: 'cbor', contentType: 'application/cbor', aliases: ['a/cbor'] }]),
  ).toEqual([])
  expect(problemsOf([])).toEqual([])
  expect(problemsOf(undefined)).toEqual([])
})

it.each<[formats: unknown, problem: string]>([
  [format, 'formats must be a list such as [protobufFormat()], found an object'],
  ['protobuf', 'formats must be a list such as [protobufFormat()], found "protobuf"'],
  [['protobuf'], 'formats[0] must be a format such as protobufFormat(), found "protobuf"'],
  [[{ ...format, name: '' }], 'formats[0].name must be text, found ""'],
  [
    [{ ...format, contentType: 'Application/Avro' }],
    'formats[0].contentType must be a media type such as application/protobuf, found "Application/Avro"',
  ],
  [[{ ...format, aliases: 'avro/binary' }], 'formats[0].aliases must be a list of media types, found "avro/binary"'],
  [[{ ...format, compile: undefined }], 'formats[0].compile must be a function, found nothing'],
  [[format, { ...format, contentType: 'avro/binary' }], 'formats has the name avro twice; JSON is one of them already'],
  [[{ ...format, name: 'json' }], 'formats has the name json twice; JSON is one of them already'],
  [
    [format, { ...format, name: 'other', contentType: 'a/b', aliases: ['application/avro'] }],
    'formats has the content type application/avro twice; JSON has application/json and text/json',
  ],
])('refuses %j', (formats, problem) => {
  expect(problemsOf(formats)).toEqual([`queueTransport: ${problem}`])
})

it('is told among all that is wrong with the options', () => {
  const options = { driver: memoryDriver(), concurrency: 0, formats: { name: 'avro' } } as unknown as QueueOptions
  expect(() => resolveQueue(options)).toThrow(
    /queueTransport: formats must be a list such as \[protobufFormat\(\)\], found an object[\s\S]*concurrency/,
  )
})
