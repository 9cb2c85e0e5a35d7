import { kafkajsDriver, platformaticDriver, type QueueDriver, sqliteDriver } from '@tenon/transport-queue'
import type { BrokerPlace, DriverName } from './instance-environment.ts'

/** A driver of a broker that several processes use. */
export function openDriver({ driver, target, sessionTimeoutMs }: BrokerPlace): QueueDriver {
  const times = { sessionTimeoutMs, heartbeatIntervalMs: Math.round(sessionTimeoutMs / 10) }
  if (driver === 'sqlite') return sqliteDriver({ path: target, ...times })
  const options = { brokers: target.split(','), ...times }
  if (driver === 'kafkajs') return kafkajsDriver(options)
  return platformaticDriver({ ...options, groupProtocol: driver === 'platformatic' ? 'classic' : 'consumer' })
}

/** The drivers that reach Kafka. */
export const kafkaDrivers = ['kafkajs', 'platformatic'] as const satisfies readonly DriverName[]
/** And by each protocol of groups. */
export const kafkaClients = [...kafkaDrivers, 'platformatic, KIP-848'] as const satisfies readonly DriverName[]

/** Why no test reaches Kafka; undefined when they do. `TENON_REQUIRE_INFRA=1` makes a missing broker fail instead. */
export function kafkaAbsence(): string | undefined {
  const isThere = (process.env['KAFKA_BROKERS'] ?? '') !== '' || process.env['TENON_REQUIRE_INFRA'] === '1'
  return isThere ? undefined : 'KAFKA_BROKERS names no broker'
}
