import { randomUUID } from 'node:crypto'
import { type Admin, Kafka, logLevel, Partitioners } from 'kafkajs'
import { orderOf } from '../server/queue-work.ts'

/** Topics of this run on a real Kafka. Disposing removes them, with the dead-letter topics that its consumers made. */
export interface BenchTopic extends AsyncDisposable {
  /** Full of orders. */
  readonly topic: string
  /** Without a message. */
  readonly emptyTopic: string
}

/** Messages in the topic before anybody consumes, of 1 KiB each. */
export const storedCount = 30_000
/** So many go into one request. */
const batchCount = 500
const partitionCount = 4

/** @throws Error when the variable KAFKA_BROKERS names no broker */
export async function openBenchTopic(): Promise<BenchTopic> {
  const kafka = connectTo(benchBrokers())
  const topic = `tenon.bench.${randomUUID()}`
  const admin = kafka.admin()
  await admin.connect()
  const emptyTopic = `${topic}.empty`
  const topics = [topic, emptyTopic].map((name) => ({
    topic: name,
    numPartitions: partitionCount,
    replicationFactor: 1,
  }))
  await admin.createTopics({ topics })
  await fill(kafka, topic)
  return {
    topic,
    emptyTopic,
    [Symbol.asyncDispose]: async () => {
      await removeTopics(admin, topic)
      await admin.disconnect()
    },
  }
}

/** Removes a topic of the real Kafka, and those whose names begin with its. */
export async function removeTopicsOf(topic: string): Promise<void> {
  const admin = connectTo(benchBrokers()).admin()
  await admin.connect()
  await removeTopics(admin, topic)
  await admin.disconnect()
}

async function removeTopics(admin: Admin, beginning: string): Promise<void> {
  const own = (await admin.listTopics()).filter((name) => name.startsWith(beginning))
  await admin.deleteTopics({ topics: own })
}

/** @throws Error when the variable KAFKA_BROKERS names no broker */
function benchBrokers(): readonly string[] {
  const brokers = process.env['KAFKA_BROKERS']
  if (!brokers) throw new Error('KAFKA_BROKERS names no broker, and this part measures on a real Kafka')
  return brokers.split(',')
}

function connectTo(brokers: readonly string[]): Kafka {
  return new Kafka({ brokers: [...brokers], clientId: 'bench', logLevel: logLevel.NOTHING })
}

/** With the headers that Tenon's publisher writes, whoever reads them. */
async function fill(kafka: Kafka, topic: string): Promise<void> {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  for (let first = 0; first < storedCount; first += batchCount) {
    const messages = Array.from({ length: batchCount }, (_, offset) => toMessage(topic, first + offset))
    await producer.send({ topic, messages })
  }
  await producer.disconnect()
}

function toMessage(topic: string, index: number) {
  const order = orderOf(index)
  const headers = {
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: randomUUID(),
    ce_source: 'bench',
    ce_type: topic,
    ce_time: new Date().toISOString(),
  }
  return { key: order.userId, value: JSON.stringify(order), headers }
}
