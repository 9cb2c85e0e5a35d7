import { ConfigError, optionCheck } from '@tenon/core/transport'
import type { QueueDriver } from '../queue-driver.ts'
import type { KafkaSaslOptions, KafkaTlsOptions } from './kafka/kafka-security.ts'
import { kafkajsDriver } from './kafkajs/kafkajs-driver.ts'
import { memoryDriver } from './memory/memory-driver.ts'
import { platformaticDriver } from './platformatic/platformatic-driver.ts'
import { sqliteDriver } from './sqlite/sqlite-driver.ts'

export interface QueueDriverOptions {
  /** `host:port` of Kafka brokers; none for a broker that needs no installation. */
  readonly brokers?: readonly string[]
  /** The file of the queue that the processes of this machine share; none for the memory broker of this process. */
  readonly path?: string | undefined
  /**
   * The library through which Kafka is reached. `platformatic` needs the package @platformatic/kafka and is the one to take in
   * production; `kafkajs` comes with this package.
   *
   * @defaultValue 'kafkajs'
   * @throws ConfigError `config.malformed`
   */
  readonly client?: 'kafkajs' | 'platformatic' | undefined
  /** How Kafka is reached over TLS. @defaultValue none: plain text */
  readonly tls?: KafkaTlsOptions | undefined
  /** Who the client is to Kafka. @defaultValue none */
  readonly sasl?: KafkaSaslOptions | undefined
}

/**
 * The driver that the settings ask for: Kafka where brokers are named, else the file, else the memory broker of this process.
 *
 * @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range`
 */
export function queueDriver(options: QueueDriverOptions): QueueDriver {
  const { brokers = [], path, client = 'kafkajs', tls, sasl } = options
  const problems = [...check.names(options, names), ...check.choice('client', client, ['kafkajs', 'platformatic'])]
  if (problems.length > 0) throw new ConfigError(problems)
  if (brokers.length === 0) return path === undefined ? memoryDriver() : sqliteDriver({ path })
  const kafka = { brokers, ...(tls && { tls }), ...(sasl && { sasl }) }
  return client === 'kafkajs' ? kafkajsDriver(kafka) : platformaticDriver(kafka)
}

const check = optionCheck('queueDriver')
const names = ['brokers', 'path', 'client', 'tls', 'sasl']
