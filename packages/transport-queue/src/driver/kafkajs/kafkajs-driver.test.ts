import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { kafkajsDriver } from './kafkajs-driver.ts'

const library = vi.hoisted(() => ({ sentCount: 0 }))

vi.mock('kafkajs', () => {
  const ends = { connect: async () => undefined, disconnect: async () => undefined }
  const refused = Object.assign(new Error('no leader'), { type: 'LEADER_NOT_AVAILABLE', retriable: true })
  const send = async () => {
    library.sentCount += 1
    throw refused
  }
  const metadata = { topics: [{ name: 't', partitions: [{}] }] }
  class Kafka {
    producer = () => ({ ...ends, send })
    admin = () => ({ ...ends, fetchTopicMetadata: async () => metadata })
  }
  return { default: { Kafka, logLevel: {}, CompressionTypes: {} } }
})

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

it('tries a request again while somebody waits for it, and not after that', async () => {
  const driver = kafkajsDriver({ brokers: ['127.0.0.1:1'] })
  await driver.connect({ clientId: 'tenon-test' })
  const record = { topic: 't', key: null, value: Buffer.from('1'), headers: [] }
  const told = expect(driver.produce([record], { timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'unavailable' })
  await vi.advanceTimersByTimeAsync(1_000)
  await told
  const { sentCount } = library
  expect(sentCount).toBeGreaterThan(1)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(library.sentCount).toBe(sentCount)
})
