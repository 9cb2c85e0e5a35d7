import { type KafkaOptions, kafkaDefaults, type KafkaSettings, resolveKafka } from '../kafka/kafka-options.ts'

/** How `platformaticDriver()` reaches its brokers. */
export interface PlatformaticOptions extends KafkaOptions {
  /** How messages are compressed that are sent. Whatever comes compressed is read. @defaultValue 'none' */
  readonly compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  /**
   * By what rules the group shares its partitions. `classic`: every member gives up all partitions whenever one comes or goes;
   * every broker knows it, and members on kafkajs share a group with it. `consumer`: the broker decides, and only partitions
   * move that have to; `sessionTimeoutMs` and `heartbeatIntervalMs` are the broker's then, and ours only says how long a member
   * that cannot reach the group goes on.
   *
   * @defaultValue 'classic'
   * @see KIP-848, Kafka 4.0 and later
   */
  readonly groupProtocol?: 'classic' | 'consumer'
}

/** What is used where an option is left out. */
export const platformaticDefaults = Object.freeze({
  ...kafkaDefaults,
  compression: 'none',
  groupProtocol: 'classic',
} satisfies Omit<PlatformaticOptions, 'brokers'>)

export interface PlatformaticSettings extends KafkaSettings {
  readonly compression: NonNullable<PlatformaticOptions['compression']>
  readonly groupProtocol: NonNullable<PlatformaticOptions['groupProtocol']>
}

/** @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range`; all problems at once. */
export function resolvePlatformatic(options: PlatformaticOptions): PlatformaticSettings {
  const choices = {
    compression: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    groupProtocol: ['classic', 'consumer'],
  } as const
  const settings = resolveKafka(options, { name: 'platformaticDriver', choices })
  return Object.freeze({
    ...settings,
    compression: options.compression ?? platformaticDefaults.compression,
    groupProtocol: options.groupProtocol ?? platformaticDefaults.groupProtocol,
  })
}
