import { type ConsumerStart, type Logger, ServiceError } from '@tenon/core/transport'
import type { Admin, Cluster, CompressionTypes } from 'kafkajs'
import type {
  Membership,
  PartitionProgress,
  ProduceBound,
  QueueClient,
  QueueDriver,
  QueueMember,
  ReadBound,
  ReceivedRecord,
  RecordPlace,
  RecordRange,
  RecordToSend,
  TopicRetention,
  TopicToEnsure,
} from '../../queue-driver.ts'
import { within } from '../../wait.ts'
import { ConnectionLease } from '../kafka/connection-lease.ts'
import { notDescribable, unknownTopic } from '../kafka/kafka-refusal.ts'
import { type TokenSource, tokensOf } from '../kafka/kafka-token.ts'
import { KeptSources } from '../kafka/kept-sources.ts'
import { askUntilKnown } from '../kafka/send-tries.ts'
import { notConnected } from '../not-connected.ts'
import { followPartition } from '../partition-following.ts'
import { ProduceQueue } from '../produce-queue.ts'
import { countPartitions, createMissing, describeTopicFailure, readProgress, readRetention } from './kafkajs-admin.ts'
import {
  briefRetry,
  cutDisconnectTimeoutMs,
  type Kafkajs,
  KafkajsClient,
  loadKafkajs,
  patientRetry,
} from './kafkajs-client.ts'
import { openCluster } from './kafkajs-cluster.ts'
import { kafkaErrorType } from './kafkajs-mapping.ts'
import { KafkajsMember } from './kafkajs-member.ts'
import { type KafkajsOptions, type KafkajsSettings, resolveKafkajs } from './kafkajs-options.ts'
import { KafkajsProducer, sendTimeoutMs } from './kafkajs-producer.ts'
import { readOffsets } from './kafkajs-offsets.ts'
import { KafkajsSource } from './kafkajs-source.ts'

/**
 * Apache Kafka through kafkajs 2, which works with brokers of every version but has had no release since 2023. Its known
 * defects are cured here, each where a comment says so.
 *
 * @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range`
 */
export function kafkajsDriver(options: KafkajsOptions): QueueDriver {
  return new KafkajsDriver(resolveKafkajs(options))
}

class KafkajsDriver implements QueueDriver {
  readonly name = 'kafkajs'
  readonly system = 'kafka'
  readonly longestTailMs = sendTimeoutMs
  readonly longestRebalanceMs: number
  readonly target: string
  readonly brokers: readonly string[]
  readonly #settings: KafkajsSettings
  readonly #tokens: TokenSource | undefined
  #queue: ProduceQueue | undefined
  #library: Kafkajs | undefined
  #clientId = 'tenon'
  /** For questions that many topics have at once. */
  readonly #admins = new ConnectionLease<OpenAdmin>({
    open: async () => this.#openAdmin(),
    close: ({ client, admin }) => client.disconnect(admin, cutDisconnectTimeoutMs),
    // What is none of Kafka's errors may be a connection that hangs.
    isSpoiledBy: (error) => kafkaErrorType(error) === '',
    isBrief: true,
  })
  readonly #sources = new KeptSources((place) => {
    const reading = this.#openReading()
    return { source: new KafkajsSource(reading.connect, place), close: () => reading[Symbol.dispose]() }
  })
  readonly #closing = new AbortController()
  #producer: KafkajsProducer | undefined

  constructor(settings: KafkajsSettings) {
    this.#settings = settings
    this.longestRebalanceMs = settings.rebalanceTimeoutMs
    this.#tokens = tokensOf(settings)
    this.brokers = settings.brokers
    this.target = `Kafka at ${settings.brokers.join(', ')}`
  }

  async connect({ clientId }: QueueClient): Promise<void> {
    this.#clientId = this.#settings.clientId ?? clientId
    this.#library = await loadKafkajs()
    const producer = this.#makeProducer()
    await producer.connect()
    this.#producer = producer
    this.#queue = new ProduceQueue(this.#settings, {
      partitionCountOf: (topic) => this.#countPartitions(topic),
      send: (records, place, over) => producer.send(records, place, over),
    })
  }

  async ensureTopics(topics: readonly TopicToEnsure[]): Promise<void> {
    try {
      await this.#administer((admin) => createMissing(admin, topics))
    } catch (error) {
      throw new Error(describeTopicFailure(error), { cause: error })
    }
  }

  async describe(topic: string, group?: string): Promise<readonly PartitionProgress[]> {
    try {
      return await this.#administer((admin) => readProgress(admin, topic, group))
    } catch (cause) {
      throw notDescribable(new Set([kafkaErrorType(cause)]), topic, group) ?? this.#notDescribed(topic, cause)
    }
  }

  async retentionOf(topic: string): Promise<TopicRetention> {
    try {
      return await this.#administer((admin) => readRetention(admin, topic))
    } catch (cause) {
      throw notDescribable(new Set([kafkaErrorType(cause)]), topic) ?? this.#notDescribed(topic, cause)
    }
  }

  produce(records: readonly RecordToSend[], bound: ProduceBound): Promise<void> {
    return this.#queue?.push(records, bound) ?? Promise.reject(notConnected())
  }

  read(range: RecordRange, bound: ReadBound): AsyncIterable<readonly ReceivedRecord[]> {
    return this.#sources.read(range, bound)
  }

  async *follow(from: RecordPlace, signal: AbortSignal): AsyncIterable<readonly ReceivedRecord[]> {
    using reading = this.#openReading()
    yield* followPartition(new KafkajsSource(reading.connect, from), from, signal)
  }

  async offsetsAt(topic: string, start: ConsumerStart): Promise<readonly number[]> {
    using reading = this.#openReading()
    const finding = reading.connect().then((cluster) => readOffsets(cluster, topic, start))
    try {
      return await within(finding, this.#settings.connectTimeoutMs, 'it did not answer')
    } catch (cause) {
      throw notDescribable(new Set([kafkaErrorType(cause)]), topic) ?? this.#notDescribed(topic, cause)
    }
  }

  async join(membership: Membership, signal: AbortSignal): Promise<QueueMember> {
    const openClient = () => this.#client(patientRetry, membership.log)
    const member = new KafkajsMember(this.#loaded(), { membership, settings: this.#settings, openClient })
    try {
      await member.join(signal)
      return member
    } catch (error) {
      void member.leave(AbortSignal.abort())
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#queue?.close()
    this.#closing.abort()
    this.#sources.close()
    await Promise.all([this.#producer?.close(), this.#admins.close()])
  }

  /** Connections for reading, which end with it. */
  #openReading(): Reading {
    const client = this.#client(briefRetry)
    const { connection, cluster } = openCluster(this.#loaded(), client, readerName)
    return {
      connect: () => connection.connect().then(() => cluster),
      [Symbol.dispose]: () => void client.disconnect(connection, cutDisconnectTimeoutMs),
    }
  }

  #notDescribed(topic: string, cause: unknown): ServiceError {
    if (kafkaErrorType(cause) === unknownTopic)
      return new ServiceError('not_found', `${this.target} has no topic ${topic}`, { cause })
    return new ServiceError('unavailable', `${this.target} did not describe topic ${topic}`, { cause })
  }

  /** Works with a connection of its own, for as long as connecting may take. */
  async #administer<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const { client, admin, connecting } = this.#openAdmin()
    try {
      const working = connecting.then(() => work(admin))
      return await within(working, this.#settings.connectTimeoutMs, `${this.target} did not answer`)
    } finally {
      void client.disconnect(admin, cutDisconnectTimeoutMs)
    }
  }

  #openAdmin(): OpenAdmin {
    const client = this.#client(briefRetry)
    const admin = client.kafka.admin()
    return { client, admin, connecting: admin.connect() }
  }

  #client(retry: typeof briefRetry, log?: Logger): KafkajsClient {
    const settings = { settings: this.#settings, clientId: this.#clientId, tokens: this.#tokens, retry }
    return new KafkajsClient(this.#loaded(), log ? { ...settings, log } : settings)
  }

  #loaded(): Kafkajs {
    if (this.#library === undefined) throw notConnected()
    return this.#library
  }

  #makeProducer(): KafkajsProducer {
    return new KafkajsProducer({
      target: this.target,
      connectTimeoutMs: this.#settings.connectTimeoutMs,
      openClient: () => this.#client(briefRetry),
      compression: () => this.#compression(),
    })
  }

  #countPartitions(topic: string): Promise<number> {
    const ask = () =>
      this.#admins.use(({ admin, connecting }) => {
        const asking = connecting.then(() => countPartitions(admin, topic))
        return within(asking, this.#settings.connectTimeoutMs, `${this.target} did not answer`)
      })
    // kafkajs itself has tried what else may be of use.
    const toFailed = (cause: unknown) => {
      const name = kafkaErrorType(cause)
      return { name, isRetriable: name === unknownTopic, cause }
    }
    return askUntilKnown(ask, toFailed, { target: this.target, closing: this.#closing.signal })
  }

  #compression(): CompressionTypes {
    const { CompressionTypes: types } = this.#loaded()
    return this.#settings.compression === 'gzip' ? types.GZIP : types.None
  }
}

/** kafkajs wants a group's name of whoever reads; no broker hears it. */
const readerName = 'tenon.reader'

interface Reading extends Disposable {
  connect(): Promise<Cluster>
}

interface OpenAdmin {
  readonly client: KafkajsClient
  readonly admin: Admin
  readonly connecting: Promise<void>
}
