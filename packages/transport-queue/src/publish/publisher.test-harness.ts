import { event } from '@tenon/core/contract'
import Type from 'typebox'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { type MemoryBroker, memoryBroker } from '../driver/memory/memory-broker.ts'
import type { ProduceBound, QueueDriver, RecordToSend } from '../queue-driver.ts'
import { type QueueOptions, resolveQueue } from '../queue-options.ts'
import { QueuePublisher } from './publisher.ts'

export const placed = event('shop.order.placed.v1', {
  key: 'orderId',
  payload: Type.Object({ orderId: Type.String({ minLength: 1 }), count: Type.Integer() }),
})

export function publisherOn(driver: QueueDriver, options: Partial<QueueOptions> = {}): QueuePublisher {
  return new QueuePublisher(resolveQueue({ driver, ...options }), {
    name: 'order',
    version: '1.0.0',
    instanceId: 'order-1',
  })
}

/** A publisher over a broker of its own with one partition. */
export function open(options: Partial<QueueOptions> = {}) {
  const broker = memoryBroker({ partitionCount: 1 })
  return { broker, publisher: publisherOn(memoryDriver({ broker }), options), ...reading(broker) }
}

function reading(broker: MemoryBroker) {
  return {
    sent: (topic: string) => broker.records(topic),
    counts: () => broker.records(placed.topic).map(({ value }) => Number(JSON.parse(String(value)).count)),
  }
}

/** What was asked of a driver, to be answered by the test. */
export interface Produced {
  readonly record: RecordToSend
  readonly bound: ProduceBound
  store(): void
  refuse(error: unknown): void
}

/** A broker that answers when the test says so. */
export class SlowDriver {
  readonly produced: Produced[] = []
  readonly ensured: string[] = []
  closedCount = 0
  /** Replaces what ensuring a topic does. */
  ensure: () => Promise<void> = async () => undefined
  /** What its consumers read. */
  readonly broker = memoryBroker({ partitionCount: 1 })
  readonly driver: QueueDriver
  readonly #watchers = new Set<() => void>()

  constructor() {
    this.driver = Object.assign(memoryDriver({ broker: this.broker }), {
      isVolatile: false,
      target: 'Kafka at 10.0.0.7:9092',
      ensureTopics: (topics: readonly { readonly topic: string }[]) => {
        this.ensured.push(...topics.map(({ topic }) => topic))
        return this.ensure()
      },
      produce: (records: readonly RecordToSend[], bound: ProduceBound) => this.#produce(records, bound),
      close: async () => void (this.closedCount += 1),
    })
  }

  /** Resolves when so many messages have been handed over in all. */
  async handedOver(count: number): Promise<void> {
    while (this.produced.length < count) await new Promise<void>((resolve) => this.#watchers.add(resolve))
  }

  get counts(): readonly number[] {
    return this.produced.map(({ record }) => Number(JSON.parse(String(record.value)).count))
  }

  async #produce(records: readonly RecordToSend[], bound: ProduceBound): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    for (const record of records) this.produced.push({ record, bound, store: resolve, refuse: reject })
    for (const watcher of this.#watchers) watcher()
    this.#watchers.clear()
    await promise
  }
}

/** What a publisher was told, instead of the rejection. */
export function outcomeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'published',
    (error: unknown) => error,
  )
}
