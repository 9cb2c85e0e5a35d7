import type { QueueDriver } from '../queue-driver.ts'
import { kafkajsDriver } from './kafkajs.ts'
import { memoryDriver } from './memory.ts'

export interface QueueDriverOptions {
  /** `host:port` of Kafka brokers; none for the memory broker of this process. */
  readonly brokers?: readonly string[]
}

/** The driver that the settings ask for: Kafka where brokers are named, else the memory broker of this process. */
export function queueDriver({ brokers = [] }: QueueDriverOptions): QueueDriver {
  return brokers.length === 0 ? memoryDriver() : kafkajsDriver({ brokers })
}
