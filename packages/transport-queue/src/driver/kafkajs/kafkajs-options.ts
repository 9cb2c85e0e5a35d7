import { ConfigError, type SetupProblem } from '@tenon/core/transport'

/** How `kafkajsDriver()` reaches its brokers. */
export interface KafkajsOptions {
  /** `host:port` of one or more brokers of the cluster; the others are found through them. */
  readonly brokers: readonly string[]
  /** Names the client in the brokers' logs and quotas. @defaultValue the service's name */
  readonly clientId?: string
  /** How long connecting may take before it is an error. @defaultValue 10_000 @remarks Range 100–600_000 */
  readonly connectTimeoutMs?: number
  /**
   * A member that has not been heard of for so long is taken for dead and its partitions go to others.
   *
   * @defaultValue 30_000
   * @remarks Range 1_000–1_800_000, and what the brokers allow.
   * @see Kafka broker settings group.min.session.timeout.ms and group.max.session.timeout.ms
   */
  readonly sessionTimeoutMs?: number
  /** How often a member is heard of. @defaultValue a tenth of `sessionTimeoutMs` @remarks Range 100 to a third of `sessionTimeoutMs` */
  readonly heartbeatIntervalMs?: number
  /**
   * How long the group waits, when members come or go, for a running message to end. A message that takes longer is handled
   * a second time by the partition's next owner.
   *
   * @defaultValue 60_000
   * @remarks Range 1_000–1_800_000
   */
  readonly rebalanceTimeoutMs?: number
}

/** @see kafkajs's own defaults for session and rebalance */
export const kafkajsDefaults = Object.freeze({
  connectTimeoutMs: 10_000,
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 60_000,
})

export interface KafkajsSettings {
  readonly brokers: readonly string[]
  readonly clientId: string | undefined
  readonly connectTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly rebalanceTimeoutMs: number
}

/** @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range` */
export function resolveKafkajs(options: KafkajsOptions): KafkajsSettings {
  const merged = { clientId: undefined, ...kafkajsDefaults, ...options }
  const settings = {
    ...merged,
    brokers: Object.freeze([...options.brokers]),
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? merged.sessionTimeoutMs / 10,
  }
  const problems = [...checkBrokers(settings.brokers), ...checkTimes(settings)]
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(settings)
}

function checkBrokers(brokers: readonly string[]): readonly SetupProblem[] {
  if (brokers.length === 0)
    return [{ code: 'config.missing', message: 'kafkajsDriver: brokers is empty, expected at least one host:port' }]
  return brokers
    .filter((broker) => !/^[^\s:/]+:\d{1,5}$/.test(broker))
    .map((broker) => ({
      code: 'config.malformed',
      message: `kafkajsDriver: expected a broker as host:port, found "${broker}"`,
    }))
}

function checkTimes(settings: KafkajsSettings): readonly SetupProblem[] {
  const ranges = [
    ['connectTimeoutMs', 100, 600_000],
    ['sessionTimeoutMs', 1_000, 1_800_000],
    ['heartbeatIntervalMs', 100, settings.sessionTimeoutMs / 3],
    ['rebalanceTimeoutMs', 1_000, 1_800_000],
  ] as const
  return ranges
    .filter(([name, least, most]) => !(settings[name] >= least && settings[name] <= most))
    .map(([name, least, most]) => ({
      code: 'config.out_of_range',
      message: `kafkajsDriver: expected ${name} from ${least} to ${most}, found ${settings[name]}`,
    }))
}
