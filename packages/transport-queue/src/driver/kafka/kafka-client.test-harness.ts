import { randomBytes } from 'node:crypto'
import type { Logger } from '@tenon/core/transport'
import type { AssignedPartition, QueueDriver, QueueMember } from '../../queue-driver.ts'
import { kafkajsDriver } from '../kafkajs/kafkajs-driver.ts'
import { platformaticDriver } from '../platformatic/platformatic-driver.ts'
import type { KafkaOptions } from './kafka-options.ts'

/** Every way in which Kafka is reached. */
export const clients = ['kafkajs', 'platformatic', 'platformatic, KIP-848'] as const

export type Client = (typeof clients)[number]

export function makeDriver(client: Client, options: KafkaOptions): QueueDriver {
  if (client === 'kafkajs') return kafkajsDriver(options)
  const groupProtocol = client === 'platformatic' ? 'classic' : 'consumer'
  return platformaticDriver({ ...options, groupProtocol })
}

/** A driver that is connected until the test ends. */
export async function connect(client: Client, options: KafkaOptions): Promise<QueueDriver> {
  // Loaded here, because a process of a test is no test.
  const { onTestFinished } = await import('vitest')
  const driver = await connectInProcess(client, options)
  onTestFinished(() => driver.close())
  return driver
}

/** A driver that is connected until its process ends. */
export async function connectInProcess(client: Client, options: KafkaOptions): Promise<QueueDriver> {
  const driver = makeDriver(client, { sessionTimeoutMs: 6_000, heartbeatIntervalMs: 300, ...options })
  await driver.connect({ clientId: 'tenon-test' })
  return driver
}

/** A new topic. */
export async function createTopic(driver: QueueDriver, partitionCount = 1): Promise<string> {
  const topic = `tenon-${randomBytes(6).toString('hex')}`
  await driver.ensureTopics([{ topic, partitionCount }])
  return topic
}

/** Gives a topic more partitions. */
export async function growTopic(brokers: readonly string[], topic: string, partitionCount: number): Promise<void> {
  const { default: kafkajs } = await import('kafkajs')
  const admin = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createPartitions({ topicPartitions: [{ topic, count: partitionCount }] })
  await admin.disconnect()
}

/** Sends the values as keys too. */
export function send(driver: QueueDriver, topic: string, values: readonly string[]): Promise<void> {
  const toRecord = (value: string) => ({ topic, key: Buffer.from(value), value: Buffer.from(value), headers: [] })
  return driver.produce(values.map(toRecord), { timeoutMs: 30_000 })
}

export interface MemberWork {
  readonly topic: string
  readonly consume?: (partition: AssignedPartition) => Promise<void>
  readonly log?: Logger
  /** Ends joining. */
  readonly signal?: AbortSignal
}

/** A member of the topic's group; by itself it takes nothing. */
export function join(
  driver: QueueDriver,
  { topic, consume = letGo, log = silent, signal = never }: MemberWork,
): Promise<QueueMember> {
  const membership = { group: `${topic}.group`, topics: [topic], log, consume, fail: () => undefined }
  return driver.join(membership, signal)
}

/** Handles what comes, one message after another, and commits each. */
export function handling(handle: (value: string, partition: AssignedPartition) => Promise<void> | void) {
  return async (partition: AssignedPartition): Promise<void> => {
    while (!partition.revoked.aborted) {
      for (const { value, offset } of await partition.fetch()) {
        if (partition.revoked.aborted) return
        await handle(String(value), partition)
        // What a broker that is away does not store comes again.
        await partition.commit(offset + 1).catch(() => false)
      }
    }
  }
}

function letGo({ revoked }: AssignedPartition): Promise<void> {
  return aborted(revoked)
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

export const never: AbortSignal = new AbortController().signal
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
