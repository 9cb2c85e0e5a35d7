import { expect, test } from 'vitest'
import { sqliteFile } from './data-dir.ts'
import { queuePath, queuePlace } from './queue-place.ts'

test.each([
  ['beside the data', { queueFile: undefined, dataDir: '/var/shop' }, '/var/shop/queue.db'],
  ['in the folder of the example', { queueFile: undefined, dataDir: undefined }, sqliteFile('queue.db')],
  ['in the file that is named', { queueFile: '/run/queue', dataDir: ':memory:' }, '/run/queue'],
  ['in no file where there is none for data', { queueFile: undefined, dataDir: ':memory:' }, undefined],
  ['in no file at all', { queueFile: ':memory:', dataDir: '/var/shop' }, undefined],
])('keeps messages %s', (_where, settings, file) => {
  expect(queuePath(settings)).toBe(file)
})

test('says where messages are, and refuses a client of Kafka that does not exist', () => {
  const settings = { brokers: ['kafka:9092'], kafkaClient: 'platformatic', queueFile: undefined, dataDir: '/data' }
  const place = { brokers: ['kafka:9092'], client: 'platformatic', path: '/data/queue.db' }
  expect(queuePlace(settings)).toEqual(place)
  expect(() => queuePlace({ ...settings, kafkaClient: 'librdkafka' })).toThrow(
    'KAFKA_CLIENT: expected kafkajs or platformatic, found "librdkafka"',
  )
})
