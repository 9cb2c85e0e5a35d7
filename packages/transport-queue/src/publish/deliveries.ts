import type { QueueDriver, RecordToSend } from '../queue-driver.ts'
import { Delivery } from './delivery.ts'
import { KnownTopics } from './known-topics.ts'
import type { PublishBound } from './publish-bound.ts'
import { PublishRoom } from './publish-room.ts'
import type { PublishingSettings } from './publishing-options.ts'

export interface DeliverySurroundings {
  readonly driver: QueueDriver
  readonly settings: PublishingSettings
  /** @throws Error that names the topic and the reason */
  ensureTopic(topic: string): Promise<void>
}

/** Takes messages to the broker: each when its topic is there and there is room, those of a topic in their order. */
export class Deliveries {
  readonly #driver: QueueDriver
  readonly #topics: KnownTopics
  readonly #room: PublishRoom
  readonly #open = new Set<Delivery>()
  #idle: PromiseWithResolvers<void> | undefined

  constructor({ driver, settings, ensureTopic }: DeliverySurroundings) {
    this.#driver = driver
    this.#topics = new KnownTopics(ensureTopic)
    this.#room = new PublishRoom(settings)
  }

  /**
   * Resolves when the broker has stored the message.
   *
   * @throws ServiceError as `Publisher.publish` says
   */
  async deliver(record: RecordToSend, bound: PublishBound): Promise<void> {
    const delivery = new Delivery(record, bound, { driver: this.#driver, topics: this.#topics, room: this.#room })
    this.#open.add(delivery)
    try {
      await delivery.run()
    } finally {
      this.#open.delete(delivery)
      if (this.#open.size === 0) this.#endWait()
    }
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    if (this.#open.size === 0) return
    this.#idle ??= Promise.withResolvers()
    await this.#idle.promise
  }

  /** Gives up what is on its way, each told to its publisher. Resolves to how many that were. */
  cut(): number {
    const cutCount = this.#open.size
    for (const delivery of this.#open) delivery.cut()
    return cutCount
  }

  #endWait(): void {
    this.#idle?.resolve()
    this.#idle = undefined
  }
}
