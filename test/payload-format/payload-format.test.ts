import { defineHandler, WiringError } from '@tenon/core'
import { protobufFormat } from '@tenon/transport-grpc/format'
import {
  listDeadLetters,
  memoryBroker,
  memoryDriver,
  type ReceivedRecord,
  redriveDeadLetter,
} from '@tenon/transport-queue'
import { expect, test } from 'vitest'
import { asJson, asProtobuf, consumerOf, files, publisherOf, serviceOf, storedFile } from './stored-file.ts'

const formats = { formats: [protobufFormat()] }
const environment = { LOG_LEVEL: 'silent' }
const bound = { timeoutMs: 1_000 }

function contentTypeOf({ headers }: ReceivedRecord): string {
  return String(headers.find(([name]) => name === 'content-type')?.[1])
}

test('publishers and consumers change from JSON to protobuf one by one', async () => {
  const broker = memoryBroker()
  const [older, newer] = [publisherOf(), publisherOf()]
  const [before, after] = [consumerOf(asJson, 'before'), consumerOf(asProtobuf, 'after')]
  await using _before = await serviceOf('before', [before.handler], broker, formats).start({ environment })
  await using _after = await serviceOf('after', [after.handler], broker, formats).start({ environment })
  await using _older = await serviceOf('older', [older.handler], broker).start({ environment })
  await using _newer = await serviceOf('newer', [newer.handler], broker, formats).start({ environment })
  await older.get().publish(asJson, storedFile)
  for (const consumer of [before, after]) expect(await consumer.next()).toEqual(storedFile)
  await newer.get().publish(asProtobuf, storedFile)
  for (const consumer of [before, after]) expect(await consumer.next()).toEqual(storedFile)
  expect(broker.records(asJson.topic).map(contentTypeOf).toSorted()).toEqual([
    'application/json',
    'application/protobuf',
  ])
})

test('events in structured mode hold either format', async () => {
  const broker = memoryBroker()
  const sender = publisherOf()
  const consumer = consumerOf(asJson, 'audit')
  const options = { ...formats, mode: 'structured' } as const
  await using _audit = await serviceOf('audit', [consumer.handler], broker, formats).start({ environment })
  await using _sender = await serviceOf('sender', [sender.handler], broker, options).start({ environment })
  for (const event of [asJson, asProtobuf]) {
    await sender.get().publish(event, storedFile)
    expect(await consumer.next()).toEqual(storedFile)
  }
  const events = broker
    .records(asJson.topic)
    .map(({ value }) => JSON.parse(String(value)) as { datacontenttype: string })
  expect(events.map(({ datacontenttype }) => datacontenttype).toSorted()).toEqual([
    'application/json',
    'application/protobuf',
  ])
})

test('a command is carried as protobuf', async () => {
  const broker = memoryBroker()
  const sender = publisherOf()
  const dropped = Promise.withResolvers<unknown>()
  const handler = defineHandler(files, () => ({
    dropFile: async (input) => {
      dropped.resolve(input)
      return {}
    },
  }))
  await using _file = await serviceOf('file', [handler], broker, formats).start({ environment })
  await using _sender = await serviceOf('sender', [sender.handler], broker, formats).start({ environment })
  await sender.get().send(files.dropFile, { fileId: 'f1', atSize: 2n ** 60n })
  expect(await dropped.promise).toEqual({ fileId: 'f1', atSize: 2n ** 60n })
  const [record] = broker.records('shop.file.drop.v1')
  expect(record?.value?.[0]).toBe(0x0a)
})

test('a format that a consumer lacks costs nothing: the message is put aside as it came, and handled when it is driven back', async () => {
  const broker = memoryBroker()
  const driver = memoryDriver({ broker })
  const sender = publisherOf()
  await using _sender = await serviceOf('sender', [sender.handler], broker, formats).start({ environment })
  const whose = { topic: asJson.topic, group: 'audit' }
  {
    const lacking = consumerOf(asJson, 'audit')
    await using _lacking = await serviceOf('audit', [lacking.handler], broker).start({ environment })
    await sender.get().publish(asProtobuf, storedFile)
    await sender.get().publish(asJson, storedFile)
    expect(await lacking.next()).toEqual(storedFile)
    await expect.poll(async () => (await listDeadLetters(driver, whose)).letters).toHaveLength(1)
  }
  const [letter] = (await listDeadLetters(driver, whose)).letters
  if (letter === undefined) throw new Error('expected a dead letter')
  expect(letter).toMatchObject({ code: 'invalid_argument', reason: 'undecodable', attemptCount: 0 })
  const sent = broker.records(asJson.topic).find((record) => contentTypeOf(record) === 'application/protobuf')
  expect(letter.value).toEqual(sent?.value)
  const mended = consumerOf(asJson, 'audit')
  await using _mended = await serviceOf('audit', [mended.handler], broker, formats).start({ environment })
  await redriveDeadLetter(driver, letter)
  expect(await mended.next()).toEqual(storedFile)
})

test('bytes that are no such message are put aside as they came, unread', async () => {
  const broker = memoryBroker()
  const driver = memoryDriver({ broker })
  const consumer = consumerOf(asProtobuf, 'audit')
  await using _audit = await serviceOf('audit', [consumer.handler], broker, formats).start({ environment })
  const key = Buffer.from('f1')
  const bad = [Buffer.from('{"fileId":"f1"}'), Buffer.of(0xff, 0xff), Buffer.of()]
  const headers = [['content-type', Buffer.from('application/protobuf')]] as const
  await driver.produce(
    bad.map((value) => ({ topic: asJson.topic, key, value, headers })),
    bound,
  )
  const whose = { topic: asJson.topic, group: 'audit' }
  await expect.poll(async () => (await listDeadLetters(driver, whose)).letters).toHaveLength(3)
  const { letters } = await listDeadLetters(driver, whose)
  expect(letters.map(({ value }) => value)).toEqual(bad)
  expect(letters.map(({ code }) => code)).toEqual(bad.map(() => 'invalid_argument'))
  // No field at all is a message, to which the schema says what is missing.
  expect(letters.map(({ reason }) => reason)).toEqual(['undecodable', 'undecodable', undefined])
})

test('a consumer of a format that its transport lacks keeps the service from starting', async () => {
  const { handler } = consumerOf(asProtobuf, 'audit')
  const service = serviceOf('audit', [handler], memoryBroker())
  const expected = 'event shop.file.stored.v1 is written as protobuf, which the transport queue cannot'
  const { problems } = await service.check()
  expect(problems.map(({ message }) => message).join()).toContain(expected)
  const failed = service.start({ environment })
  await expect(failed).rejects.toThrow(WiringError)
  await expect(failed).rejects.toThrow(expected)
})

test('publishing in a format that the transport lacks is told by event and transport', async () => {
  const sender = publisherOf()
  await using _sender = await serviceOf('sender', [sender.handler], memoryBroker()).start({ environment })
  const error: unknown = await sender
    .get()
    .publish(asProtobuf, storedFile)
    .catch((thrown: unknown) => thrown)
  const causes = [error, error instanceof Error ? error.cause : undefined].map(String).join()
  expect(causes).toContain('event shop.file.stored.v1 is written as protobuf, which the transport queue cannot')
})
