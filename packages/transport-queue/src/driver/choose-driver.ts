import type { QueueDriver } from '../queue-driver.ts'
import { kafkajsDriver } from './kafkajs/kafkajs-driver.ts'
import { memoryDriver } from './memory/memory-driver.ts'
import { sqliteDriver } from './sqlite/sqlite-driver.ts'

export interface QueueDriverOptions {
  /** `host:port` of Kafka brokers; none for a broker that needs no installation. */
  readonly brokers?: readonly string[]
  /** The file of the queue that the processes of this machine share; none for the memory broker of this process. */
  readonly path?: string | undefined
}

/** The driver that the settings ask for: Kafka where brokers are named, else the file, else the memory broker of this process. */
export function queueDriver({ brokers = [], path }: QueueDriverOptions): QueueDriver {
  if (brokers.length > 0) return kafkajsDriver({ brokers })
  return path === undefined ? memoryDriver() : sqliteDriver({ path })
}
