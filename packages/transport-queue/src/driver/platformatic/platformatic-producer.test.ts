import * as library from '@platformatic/kafka'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { RecordToSend } from '../../queue-driver.ts'
import { PlatformaticProducer, type PlatformaticProducerParts } from './platformatic-producer.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

it('numbers every try alike, and the next request behind it', async () => {
  const broker = new FakeBroker(2)
  broker.failures.push(new Error('Connection closed'), undefined)
  await done(broker.producer.send(records(3), place(0)))
  await done(broker.producer.send(records(2), place(0)))
  await done(broker.producer.send(records(1), place(1)))
  expect(broker.requests).toEqual(['0: 1/0+3', '0: 1/0+3', '0: 1/3+2', '1: 1/0+1'])
})

it('uses numbers again that certainly stand for nothing, and never those of which nobody knows', async () => {
  const broker = new FakeBroker(2)
  broker.failures.push(kafkaError('MESSAGE_TOO_LARGE', { canRetry: false }))
  expect(await done(broker.producer.send(records(3), place(0)))).toMatchObject({ reason: 'record_too_large' })
  await done(broker.producer.send(records(1), place(1)))
  broker.failures.push(kafkaError('REQUEST_TIMED_OUT', { canRetry: false }))
  expect(await done(broker.producer.send(records(2), place(0)))).toMatchObject({ code: 'unavailable' })
  await done(broker.producer.send(records(1), place(0)))
  await done(broker.producer.send(records(1), place(1)))
  // Another identity for the partition alone.
  expect(broker.requests).toEqual(['0: 1/0+3', '1: 1/0+1', '0: 1/0+2', '0: 2/0+1', '1: 1/1+1'])
})

it('does not say that a topic is gone of what may be stored', async () => {
  const broker = new FakeBroker(1)
  broker.failures.push(new Error('Connection closed'))
  broker.failures.push(...Array.from({ length: 20 }, () => kafkaError('UNKNOWN_TOPIC_OR_PARTITION')))
  expect(await done(broker.producer.send(records(1), place(0)))).toMatchObject({ code: 'unavailable' })
  const other = new FakeBroker(1)
  other.failures.push(...Array.from({ length: 20 }, () => kafkaError('UNKNOWN_TOPIC_OR_PARTITION')))
  expect(await done(other.producer.send(records(1), place(0)))).toMatchObject({ code: 'not_found' })
})

it('says that a partition is gone when the topic has come back with fewer', async () => {
  const broker = new FakeBroker(4)
  await done(broker.producer.send(records(1), place(3)))
  broker.partitionCount = 1
  broker.failures.push(kafkaError('UNKNOWN_TOPIC_OR_PARTITION'))
  expect(await done(broker.producer.send(records(1), place(3)))).toMatchObject({ code: 'not_found' })
  expect(await done(broker.producer.partitionCountOf('t'))).toBe(1)
})

it('takes a topic of which no broker tells for no topic with one partition', async () => {
  const broker = new FakeBroker(0)
  expect(await done(broker.producer.partitionCountOf('t'))).toMatchObject({ code: 'unavailable' })
})

it('asks who leads a partition when a request failed, and not before', async () => {
  const broker = new FakeBroker(1)
  await done(broker.producer.send(records(1), place(0)))
  await done(broker.producer.send(records(1), place(0)))
  expect(broker.askedCount).toBe(1)
  broker.failures.push(kafkaError('NOT_LEADER_OR_FOLLOWER'))
  await done(broker.producer.send(records(1), place(0)))
  expect(broker.askedCount).toBe(2)
})

it('sends nothing any more when nobody waits for it by the time it knows where to', async () => {
  const broker = new FakeBroker(1)
  const over = new AbortController()
  broker.asked = () => over.abort()
  expect(await done(broker.producer.send(records(1), place(0), over.signal))).toMatchObject({ code: 'unavailable' })
  expect(broker.requests).toEqual([])
})

/** Takes or fails requests as it is told to, and notes them: `<partition>: <producer>/<first sequence>+<records>`. */
class FakeBroker {
  readonly requests: string[] = []
  /** What becomes of the next requests; undefined for those that are stored. */
  readonly failures: (Error | undefined)[] = []
  readonly producer: PlatformaticProducer
  partitionCount: number
  askedCount = 0
  /** Called when it is asked about the cluster. */
  asked: () => void = () => undefined
  #identityCount = 0

  constructor(partitionCount: number) {
    this.partitionCount = partitionCount
    const client = {
      library,
      openPool: () => undefined,
      close: async () => undefined,
      metadata: async ([topic]: readonly string[]) => this.#cluster(topic),
      request: async (name: string, _route: unknown, values: readonly unknown[]) =>
        name === 'Produce' ? this.#store(values) : this.#identify(),
    } as unknown as PlatformaticProducerParts['client']
    this.producer = new PlatformaticProducer({ target: 'Kafka', compression: 'none', client })
  }

  #cluster(topic: string | undefined) {
    this.askedCount += 1
    this.asked()
    const partitions = Array.from({ length: this.partitionCount }, () => ({ leader: 1 }))
    const brokers = new Map([[1, { host: 'here', port: 9092 }]])
    return { brokers, topics: new Map([[topic, { partitions, partitionsCount: this.partitionCount }]]) }
  }

  #identify() {
    this.#identityCount += 1
    return { producerId: BigInt(this.#identityCount), producerEpoch: 0 }
  }

  #store(values: readonly unknown[]): void {
    const messages = values[2] as readonly { readonly topic: string; readonly partition: number }[]
    const { producerId, sequences } = values[3] as { producerId: bigint; sequences: ReadonlyMap<string, number> }
    const [[place, sequence] = ['', 0]] = [...sequences]
    this.requests.push(`${place.split(':')[1]}: ${producerId}/${sequence}+${messages.length}`)
    const failure = this.failures.shift()
    if (failure) throw failure
  }
}

function kafkaError(apiId: string, more: object = {}): Error {
  return Object.assign(new Error(apiId), { apiId, canRetry: true, ...more })
}

function records(count: number): readonly RecordToSend[] {
  return Array.from({ length: count }, () => ({ topic: 't', key: null, value: Buffer.from('x'), headers: [] }))
}

function place(partition: number) {
  return { topic: 't', partition }
}

/** What it comes to, or its error, with as much time as it takes. */
async function done(work: Promise<unknown>): Promise<unknown> {
  const outcome = work.catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(30_000)
  return outcome
}
