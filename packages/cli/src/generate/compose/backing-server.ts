import type { ServiceDescription } from '@tenon/core'
import { noted, type YamlFields } from '../yaml-text.ts'

export type ServerName = 'kafka' | 'postgres' | 'consul'

/** A server that services need beside them on a laptop. */
export interface BackingServer {
  readonly name: ServerName
  /** Tells the variables that say where it is. */
  readonly variable: RegExp
  /** What these are set to, as compose reads it. */
  readonly value: string
  /** The one that is published. */
  readonly port: number
  /** Whether a service needs it for another reason than a setting. */
  isNeededBy?(description: ServiceDescription): boolean
  /** The named volume that keeps its data, and where. */
  readonly volume?: { readonly name: string; readonly folder: string }
  /** What else the compose file says of it. `hostPort` is where programs of this machine reach it. */
  fields(hostPort: number): YamlFields
}

/**
 * @see Docker Hub: apache/kafka, postgres and hashicorp/consul, for variables, folders and ports.
 */
export const backingServers: readonly BackingServer[] = [
  {
    name: 'kafka',
    variable: /(?:^|_)BROKERS$/,
    value: 'kafka:19092',
    port: 9092,
    isNeededBy: ({ transports }) => connects(transports, 9092),
    volume: { name: 'kafka-data', folder: '/var/lib/kafka/data' },
    fields: kafka,
  },
  {
    name: 'postgres',
    variable: /(?:^|_)(?:DATABASE|POSTGRES|PG)_UR[IL]$/,
    value: 'postgres://tenon:${POSTGRES_PASSWORD:-tenon}@postgres:5432/tenon',
    port: 5432,
    isNeededBy: ({ providers }) => connects(providers, 5432),
    volume: { name: 'postgres-data', folder: '/var/lib/postgresql/data' },
    fields: postgres,
  },
  {
    name: 'consul',
    variable: /(?:^|_)CONSUL_(?:HTTP_ADDR|ADDRESS|URL)$/,
    value: 'http://consul:8500',
    port: 8500,
    isNeededBy: ({ isRegistered }) => isRegistered,
    fields: consul,
  },
]

function connects(parts: readonly { readonly connectsTo?: readonly string[] | undefined }[], port: number): boolean {
  return parts.some(({ connectsTo = [] }) => connectsTo.some((place) => place.endsWith(`:${port}`)))
}

function kafka(hostPort: number): YamlFields {
  return {
    image: 'apache/kafka:4.3.1',
    environment: {
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: noted('broker,controller', 'KRaft: one node that is both'),
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_LISTENERS: 'INSIDE://:19092,OUTSIDE://:9092,CONTROLLER://:9093',
      KAFKA_ADVERTISED_LISTENERS: noted(
        `INSIDE://kafka:19092,OUTSIDE://127.0.0.1:${hostPort}`,
        'for containers, and for programs of this machine',
      ),
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'INSIDE',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: noted('1', 'one node keeps one copy, here and in the next four'),
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: '1',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: noted('0', 'a group of few consumers need not wait for others'),
      KAFKA_LOG_DIRS: '/var/lib/kafka/data',
    },
    healthcheck: healthCheck(
      ['/opt/kafka/bin/kafka-broker-api-versions.sh', '--bootstrap-server', 'kafka:19092'],
      noted('10s', 'a guess: each one starts a JVM'),
    ),
  }
}

function postgres(): YamlFields {
  return {
    image: 'postgres:17-bookworm',
    environment: {
      POSTGRES_USER: 'tenon',
      POSTGRES_PASSWORD: noted('${POSTGRES_PASSWORD:-tenon}', 'this laptop only; counts when the volume is made'),
      POSTGRES_DB: 'tenon',
    },
    // Over TCP: the server that fills a new volume listens on a Unix socket only, and ends again.
    healthcheck: healthCheck(['pg_isready', '-h', '127.0.0.1', '-U', 'tenon', '-d', 'tenon'], noted('5s', 'a guess')),
  }
}

function consul(): YamlFields {
  return {
    image: 'hashicorp/consul:1.22',
    command: ['agent', '-dev', '-client=0.0.0.0'],
    healthcheck: healthCheck(['consul', 'operator', 'raft', 'list-peers'], noted('5s', 'a guess')),
  }
}

function healthCheck(command: readonly string[], timeout: YamlFields[string]): YamlFields {
  return {
    test: ['CMD', ...command],
    interval: noted('5s', 'a guess: how soon what waits for it goes on'),
    timeout,
    retries: noted(24, 'two minutes to start, for what depends on it'),
  }
}
