import { defineConsumer, defineService, ServiceError } from '@tenon/core'
import { bytes, contract, event, int64, timestamp } from '@tenon/core/contract'
import { protoOf } from '@tenon/transport-grpc'
import { protobufFormat } from '@tenon/transport-grpc/format'
import {
  type AsyncApiDocument,
  asyncapi,
  deadLetterTopic,
  memoryBroker,
  memoryDriver,
  queueTransport,
  type ReceivedRecord,
} from '@tenon/transport-queue'
import Type from 'typebox'
import Schema from 'typebox/schema'
import { describe, expect, test } from 'vitest'
import { publisherOf } from '../payload-format/stored-file.ts'

const Part = Type.Object({ place: Type.Tuple([Type.Integer(), Type.String()]) }, { title: 'Part' })
const Stored = Type.Object({
  fileId: Type.String({ format: 'uuid' }),
  size: int64({ minimum: 0n }),
  storedAt: timestamp(),
  data: bytes(),
  parts: Type.Array(Part),
})
const stored = event('shop.file.stored.v1', { key: 'fileId', payload: Stored })
const copied = event('shop.file.copied.v1', { key: 'fileId', payload: Stored, format: 'protobuf' })
const files = contract('shop.file.v1.FileService', {
  drop: {
    input: Type.Object({ fileId: Type.String({ format: 'uuid' }) }),
    output: Type.Object({}),
    queue: { topic: 'shop.file.drop.v1', key: 'fileId' },
  },
})
const value = {
  fileId: '7d444840-9dc0-11d1-b245-5ffdce74fad2',
  size: 2n ** 60n,
  storedAt: '2026-01-31T12:00:00.000Z',
  data: Uint8Array.of(1, 255),
  parts: [{ place: [1, 'a'] as [number, string] }],
}
const formats = [protobufFormat()]
const environment = { LOG_LEVEL: 'silent' }

/** What a document says of the message on a topic, compiled. */
function sayingsOf(document: AsyncApiDocument, topic: string) {
  const message = document.channels[topic]?.messages['message']
  if (message === undefined) throw new Error(`${topic} is not described`)
  const fits = (schema: object | undefined) => {
    const { components } = document
    const validator = Schema.Compile({ ...schema, components })
    return (given: unknown) => validator.Check(given)
  }
  return {
    contentType: message.contentType,
    fitsHeaders: fits(message.headers),
    fitsPayload: fits(message.payload),
    fitsKey: fits(message.bindings.kafka.key),
  }
}

function headersOf({ headers }: ReceivedRecord): Readonly<Record<string, string>> {
  return Object.fromEntries(headers.map(([name, text]) => [name, String(text)]))
}

function only(records: readonly ReceivedRecord[]): ReceivedRecord {
  const [record, ...others] = records
  if (record === undefined || others.length > 0) throw new Error(`expected one record, found ${records.length}`)
  return record
}

describe.each(['binary', 'structured'] as const)('in %s mode what a service sends is as its document says', (mode) => {
  const document = asyncapi([stored, copied, files], { formats, mode })

  test.each([stored.topic, copied.topic, 'shop.file.drop.v1'])('%s', async (topic) => {
    const broker = memoryBroker()
    const sender = publisherOf()
    const service = defineService({
      name: 'sender',
      version: '1.0.0',
      admin: false,
      handlers: [sender.handler],
      transports: () => [queueTransport({ driver: memoryDriver({ broker }), formats, mode })],
    })
    await using _started = await service.start({ environment })
    if (topic === stored.topic) await sender.get().publish(stored, value)
    else if (topic === copied.topic) await sender.get().publish(copied, value)
    else await sender.get().send(files.drop, { fileId: value.fileId })
    const record = only(broker.records(topic))
    const { contentType, fitsHeaders, fitsPayload, fitsKey } = sayingsOf(document, topic)
    const headers = headersOf(record)
    expect(headers['content-type']).toBe(contentType)
    expect(fitsHeaders(headers)).toBe(true)
    expect(fitsKey(String(record.key))).toBe(true)
    expect(fitsHeaders({ ...headers, ce_type: 'another' })).toBe(false)
    // The option `key` of publishing may say any text.
    expect(fitsKey('no uuid')).toBe(true)
    if (contentType === 'application/protobuf') return
    const payload = JSON.parse(String(record.value)) as object
    expect(fitsPayload(payload)).toBe(true)
    const { [Object.keys(payload)[0] ?? '']: _first, ...rest } = payload as Readonly<Record<string, unknown>>
    expect(fitsPayload(rest)).toBe(false)
  })
})

test('a message in protobuf has its full name and its definition', () => {
  const { channels } = asyncapi([copied], { formats })
  expect(channels[copied.topic]?.messages['message']).toMatchObject({
    contentType: 'application/protobuf',
    payload: { type: 'object' },
    'x-payload-format': { name: 'protobuf', message: 'shop.file.copied.v1.Copied', definition: protoOf(copied) },
  })
})

test('a dead letter is as the document of its service says', async () => {
  const broker = memoryBroker()
  const driver = memoryDriver({ broker })
  const consumer = defineConsumer(
    stored,
    () => async () => {
      throw new ServiceError('invalid_argument', 'no such file', { reason: 'lost' })
    },
    { group: 'audit' },
  )
  const sender = publisherOf()
  const service = defineService({
    name: 'audit',
    version: '1.0.0',
    admin: false,
    handlers: [consumer, sender.handler],
    transports: () => [queueTransport({ driver })],
  })
  await using _started = await service.start({ environment })
  await sender.get().publish(stored, value)
  const topic = deadLetterTopic(stored.topic, 'audit')
  await expect.poll(() => broker.records(topic)).toHaveLength(1)
  const { fitsHeaders, fitsKey, fitsPayload } = sayingsOf(asyncapi([service, stored, sender.contract]), topic)
  const letter = only(broker.records(topic))
  const headers = headersOf(letter)
  expect(fitsHeaders(headers)).toBe(true)
  expect([fitsKey(String(letter.key)), fitsPayload(String(letter.value))]).toEqual([true, true])
  const { 'tenon-error-code': _code, ...rest } = headers
  expect(fitsHeaders(rest)).toBe(false)
})
