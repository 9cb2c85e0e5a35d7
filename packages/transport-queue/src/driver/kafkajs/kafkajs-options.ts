import { type KafkaOptions, kafkaDefaults, type KafkaSettings, resolveKafka } from '../kafka/kafka-options.ts'

/** How `kafkajsDriver()` reaches its brokers. */
export interface KafkajsOptions extends KafkaOptions {
  /** How messages are compressed that are sent. What comes compressed in another way than these cannot be read. @defaultValue 'none' */
  readonly compression?: 'none' | 'gzip'
}

/** What is used where an option is left out. */
export const kafkajsDefaults = Object.freeze({
  ...kafkaDefaults,
  compression: 'none',
} satisfies Omit<KafkajsOptions, 'brokers'>)

export interface KafkajsSettings extends KafkaSettings {
  readonly compression: 'none' | 'gzip'
}

/** @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range`; all problems at once. */
export function resolveKafkajs(options: KafkajsOptions): KafkajsSettings {
  const settings = resolveKafka(options, { name: 'kafkajsDriver', choices: { compression: ['none', 'gzip'] } })
  return Object.freeze({ ...settings, compression: options.compression ?? kafkajsDefaults.compression })
}
