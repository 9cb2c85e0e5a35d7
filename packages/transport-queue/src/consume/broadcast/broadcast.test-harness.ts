import { kafkajsDriver } from '../../driver/kafkajs/kafkajs-driver.ts'
import { platformaticDriver } from '../../driver/platformatic/platformatic-driver.ts'
import { sqliteDriver } from '../../driver/sqlite/sqlite-driver.ts'
import type { QueueDriver } from '../../queue-driver.ts'

/** A driver by its name, for the brokers or the file. */
export function choosePlace(name: string, place: string): QueueDriver {
  if (name === 'sqlite') return sqliteDriver({ path: place, partitionCount: 3 })
  const options = { brokers: place.split(','), sessionTimeoutMs: 6_000, heartbeatIntervalMs: 300 }
  return name === 'kafkajs' ? kafkajsDriver(options) : platformaticDriver(options)
}
