import { ConfigError, givenOnly, isRecord, optionCheck, type SetupProblem, toFound } from '@tenon/core/transport'
import { checkKafkaTls, checkSasl, type KafkaSaslOptions, type KafkaTlsOptions } from './kafka-security.ts'

/** How a driver reaches the brokers of a Kafka cluster, whatever library it goes through. */
export interface KafkaOptions {
  /** `host:port` of one or more brokers of the cluster; the others are found through them. */
  readonly brokers: readonly string[]
  /** Names the client in the brokers' logs and quotas. @defaultValue the service's name */
  readonly clientId?: string
  /** Speaks TLS; `{}` for what the platform trusts. @defaultValue none: plain text */
  readonly tls?: KafkaTlsOptions
  /** Proves to the brokers who the client is. @defaultValue none */
  readonly sasl?: KafkaSaslOptions
  /** How long connecting may take before it is an error. @defaultValue 10_000 @remarks Range 100–600_000 ms */
  readonly connectTimeoutMs?: number
  /**
   * A member that has not been heard of for so long is taken for dead and its partitions go to others.
   *
   * @defaultValue 30_000
   * @remarks Range 1_000–1_800_000 ms, and what the brokers allow.
   * @see Kafka broker settings group.min.session.timeout.ms and group.max.session.timeout.ms
   */
  readonly sessionTimeoutMs?: number
  /** How often a member is heard of. @defaultValue a tenth of `sessionTimeoutMs` @remarks Range 100 ms to a third of `sessionTimeoutMs` */
  readonly heartbeatIntervalMs?: number
  /**
   * How long the group waits, when members come or go, for a running message to end. A message that takes longer is handled
   * a second time by the partition's next owner.
   *
   * @defaultValue 60_000
   * @remarks Range 1_000–1_800_000 ms
   */
  readonly rebalanceTimeoutMs?: number
  /**
   * How long a message waits for others that go into the same request, when none is being sent. While one is, they wait anyway.
   *
   * @defaultValue 0: only for those of the same turn of the event loop
   * @remarks Range 0–1_000 ms
   * @see Kafka producer setting linger.ms
   */
  readonly lingerMs?: number
  /**
   * Bytes of the messages of one request. A larger message goes alone; whether it is taken is up to the broker.
   *
   * @defaultValue 524_288, below the megabyte that a broker takes
   * @remarks Range 1_024–104_857_600
   * @see Kafka broker setting message.max.bytes
   */
  readonly maxBatchBytes?: number
  /**
   * Bytes of the messages that wait to be sent, or for the broker's answer. Who sends more waits for room, within its own
   * time; `unavailable` when there is none. The last guard of a connection, dead letters included: what is published is bounded
   * before by the transport's `maxPublishingBytes`.
   *
   * @defaultValue 33_554_432
   * @remarks Range 1_024–1_073_741_824
   * @see Kafka producer setting buffer.memory
   */
  readonly maxBufferedBytes?: number
}

/** What is used where an option is left out. @see kafkajs's own defaults for session and rebalance */
export const kafkaDefaults = Object.freeze({
  connectTimeoutMs: 10_000,
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 60_000,
  lingerMs: 0,
  maxBatchBytes: 524_288,
  maxBufferedBytes: 33_554_432,
} satisfies Omit<KafkaOptions, 'brokers'>)

export interface KafkaSettings extends Required<Omit<KafkaOptions, 'clientId' | 'tls' | 'sasl'>> {
  readonly clientId: string | undefined
  readonly tls: KafkaTlsOptions | undefined
  readonly sasl: KafkaSaslOptions | undefined
}

/** What one driver adds to the options that all have. */
export interface KafkaOwner {
  /** As its user writes it: `kafkajsDriver`. */
  readonly name: string
  /** Its own options, each with what it may be. The first is the default. */
  readonly choices: Readonly<Record<string, readonly [string, ...string[]]>>
}

/** @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range`; all problems at once. */
export function resolveKafka(options: KafkaOptions, { name, choices }: KafkaOwner): KafkaSettings {
  const check = optionCheck(name)
  if (!isRecord(options))
    throw new ConfigError([check.malformed(`the options must be an object with brokers, found ${toFound(options)}`)])
  const given = givenOnly(options)
  const merged = { clientId: undefined, tls: undefined, sasl: undefined, ...kafkaDefaults, ...given }
  const settings: KafkaSettings = Object.freeze({
    ...merged,
    brokers: Array.isArray(given.brokers) ? Object.freeze([...given.brokers]) : [],
    heartbeatIntervalMs: given.heartbeatIntervalMs ?? Math.round(merged.sessionTimeoutMs / 10),
    tls: isRecord(merged.tls) ? Object.freeze({ ...merged.tls }) : merged.tls,
    sasl: isRecord(merged.sasl) ? Object.freeze({ ...merged.sasl }) : merged.sasl,
  })
  const problems = [
    ...check.names(options, [...Object.keys(names), ...Object.keys(choices)]),
    ...checkBrokers(given.brokers, name),
    ...checkClientId(settings.clientId, name),
    ...checkKafkaTls(settings.tls, check),
    ...checkSasl(settings.sasl, check),
    ...rangesOf(settings).flatMap(([option, min, max]) => check.integer(option, settings[option], { min, max })),
    ...Object.entries(choices).flatMap(([option, allowed]) => {
      const value: unknown = Reflect.get(given, option)
      return value === undefined ? [] : check.choice(option, value, allowed)
    }),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

const names: Readonly<Record<keyof KafkaOptions, true>> = {
  brokers: true,
  clientId: true,
  tls: true,
  sasl: true,
  connectTimeoutMs: true,
  sessionTimeoutMs: true,
  heartbeatIntervalMs: true,
  rebalanceTimeoutMs: true,
  lingerMs: true,
  maxBatchBytes: true,
  maxBufferedBytes: true,
}

function rangesOf({ sessionTimeoutMs }: KafkaSettings) {
  return [
    ['connectTimeoutMs', 100, 600_000],
    ['sessionTimeoutMs', 1_000, 1_800_000],
    ['heartbeatIntervalMs', 100, Math.floor(Number(sessionTimeoutMs) / 3)],
    ['rebalanceTimeoutMs', 1_000, 1_800_000],
    ['lingerMs', 0, 1_000],
    ['maxBatchBytes', 1_024, 104_857_600],
    ['maxBufferedBytes', 1_024, 1_073_741_824],
  ] as const
}

function checkBrokers(brokers: unknown, owner: string): readonly SetupProblem[] {
  if (!Array.isArray(brokers) || brokers.length === 0)
    return [{ code: 'config.missing', message: `${owner}: brokers is empty, expected at least one host:port` }]
  return brokers
    .filter((broker) => typeof broker !== 'string' || !isAddress(broker))
    .map((broker) => optionCheck(owner).malformed(`expected a broker as host:port, found ${toFound(broker)}`))
}

/** A name or an IPv4 address, and a port: kafkajs takes an IPv6 address apart at its first colon. */
function isAddress(broker: string): boolean {
  const [, port] = /^[^\s:/[\]]+:(\d{1,5})$/.exec(broker) ?? []
  return port !== undefined && Number(port) > 0 && Number(port) < 65_536
}

function checkClientId(clientId: unknown, owner: string): readonly SetupProblem[] {
  if (clientId === undefined || (typeof clientId === 'string' && clientId !== '')) return []
  return [optionCheck(owner).malformed(`clientId must be a text that is not empty, found ${toFound(clientId)}`)]
}
