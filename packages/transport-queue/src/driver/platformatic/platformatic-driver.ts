import type { Admin } from '@platformatic/kafka'
import { type ConsumerStart, ServiceError } from '@tenon/core/transport'
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
import { wait, within } from '../../wait.ts'
import { notDescribable } from '../kafka/kafka-refusal.ts'
import { type TokenSource, tokensOf } from '../kafka/kafka-token.ts'
import { KeptSources } from '../kafka/kept-sources.ts'
import { notConnected } from '../not-connected.ts'
import { followPartition } from '../partition-following.ts'
import { ProduceQueue } from '../produce-queue.ts'
import { createMissing, readProgress, readRetention, readStart } from './platformatic-admin.ts'
import {
  type ClientSettings,
  loadPlatformatic,
  type Platformatic,
  PlatformaticClient,
  toClientOptions,
} from '../platformatic-wire/platformatic-client.ts'
import { errorIds, isRefusedCredential, isUnknownTopic, reasonOf } from '../platformatic-wire/platformatic-error.ts'
import { PlatformaticSource } from '../platformatic-wire/platformatic-source.ts'
import { PlatformaticMember } from './platformatic-member.ts'
import { PlatformaticProducer, requestTimeoutMs } from './platformatic-producer.ts'
import {
  type PlatformaticOptions,
  type PlatformaticSettings,
  resolvePlatformatic,
} from '../platformatic-wire/platformatic-options.ts'

/**
 * Apache Kafka through @platformatic/kafka 2, which has to be installed beside this package. The one to take for Kafka of these
 * days: it is maintained, and knows groups whose broker shares out the partitions.
 *
 * @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range`; on connecting `config.package` when the
 * package is not installed
 */
export function platformaticDriver(options: PlatformaticOptions): QueueDriver {
  return new PlatformaticDriver(resolvePlatformatic(options))
}

class PlatformaticDriver implements QueueDriver {
  readonly name = 'platformatic'
  readonly system = 'kafka'
  readonly longestTailMs = requestTimeoutMs
  readonly longestRebalanceMs: number
  readonly target: string
  readonly brokers: readonly string[]
  readonly #settings: PlatformaticSettings
  readonly #tokens: TokenSource | undefined
  readonly #sources = new KeptSources((place) => {
    const client = new PlatformaticClient(this.#loaded(), this.#clientSettings())
    return { source: new PlatformaticSource(client, place), close: () => void client.close() }
  })
  #library: Platformatic | undefined
  #clientId = 'tenon'
  #producer: PlatformaticProducer | undefined
  #queue: ProduceQueue | undefined

  constructor(settings: PlatformaticSettings) {
    this.#settings = settings
    this.longestRebalanceMs = settings.rebalanceTimeoutMs
    this.#tokens = tokensOf(settings)
    this.brokers = settings.brokers
    this.target = `Kafka at ${settings.brokers.join(', ')}`
  }

  async connect({ clientId }: QueueClient): Promise<void> {
    this.#clientId = this.#settings.clientId ?? clientId
    this.#library = await loadPlatformatic()
    await this.#findBroker()
    const client = new PlatformaticClient(this.#library, this.#clientSettings())
    const { compression } = this.#settings
    this.#producer = new PlatformaticProducer({ target: this.target, compression, client })
    this.#queue = new ProduceQueue(this.#settings, this.#producer)
  }

  async ensureTopics(topics: readonly TopicToEnsure[]): Promise<void> {
    await this.#administer((admin) => createMissing(admin, topics))
  }

  async describe(topic: string, group?: string): Promise<readonly PartitionProgress[]> {
    try {
      return await this.#administer((admin) => readProgress(admin, topic, group))
    } catch (cause) {
      throw notDescribable(errorIds(cause), topic, group) ?? this.#notDescribed(topic, cause)
    }
  }

  async retentionOf(topic: string): Promise<TopicRetention> {
    try {
      return await this.#administer((admin) => readRetention(admin, topic))
    } catch (cause) {
      throw notDescribable(errorIds(cause), topic) ?? this.#notDescribed(topic, cause)
    }
  }

  async offsetsAt(topic: string, start: ConsumerStart): Promise<readonly number[]> {
    try {
      return await this.#administer((admin) => readStart(admin, topic, start))
    } catch (cause) {
      throw notDescribable(errorIds(cause), topic) ?? this.#notDescribed(topic, cause)
    }
  }

  async *follow(from: RecordPlace, signal: AbortSignal): AsyncIterable<readonly ReceivedRecord[]> {
    const client = new PlatformaticClient(this.#loaded(), this.#clientSettings())
    try {
      yield* followPartition(new PlatformaticSource(client, from), from, signal)
    } finally {
      void client.close()
    }
  }

  produce(records: readonly RecordToSend[], bound: ProduceBound): Promise<void> {
    return this.#queue?.push(records, bound) ?? Promise.reject(notConnected())
  }

  read(range: RecordRange, bound: ReadBound): AsyncIterable<readonly ReceivedRecord[]> {
    return this.#sources.read(range, bound)
  }

  async join(membership: Membership, signal: AbortSignal): Promise<QueueMember> {
    signal.throwIfAborted()
    const client = new PlatformaticClient(this.#loaded(), this.#clientSettings())
    const member = new PlatformaticMember({ membership, settings: this.#settings, client })
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
    this.#sources.close()
    await this.#producer?.close()
  }

  /** Tries until one answers, or none has in time. */
  async #findBroker(): Promise<void> {
    const client = new PlatformaticClient(this.#loaded(), this.#clientSettings())
    const giveUp = AbortSignal.timeout(this.#settings.connectTimeoutMs)
    try {
      for (;;) {
        const failure = await within(client.metadata([]), this.#settings.connectTimeoutMs, 'no answer').then(
          () => undefined,
          (error: unknown) => ({ error }),
        )
        if (failure === undefined) return
        await wait(connectRetryMs, giveUp)
        if (giveUp.aborted || isRefusedCredential(failure.error))
          throw new Error(`no connection to ${this.target}: ${reasonOf(failure.error)}`, { cause: failure.error })
      }
    } finally {
      void client.close()
    }
  }

  /** Works with connections of its own, for as long as connecting may take. */
  async #administer<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const library = this.#loaded()
    const admin = new library.Admin({ ...toClientOptions(this.#clientSettings()), ...adminRetry })
    try {
      return await within(work(admin), this.#settings.connectTimeoutMs, `${this.target} did not answer`)
    } finally {
      void admin.close().catch(() => undefined)
    }
  }

  #notDescribed(topic: string, cause: unknown): ServiceError {
    if (isUnknownTopic(cause)) return new ServiceError('not_found', `${this.target} has no topic ${topic}`, { cause })
    return new ServiceError('unavailable', `${this.target} did not describe topic ${topic}`, { cause })
  }

  #clientSettings(): ClientSettings {
    return { settings: this.#settings, clientId: this.#clientId, tokens: this.#tokens }
  }

  #loaded(): Platformatic {
    if (this.#library === undefined) throw notConnected()
    return this.#library
  }
}

const connectRetryMs = 100

/** A request is tried again for some nine seconds; for a topic that is gone one second. Guesses. */
const adminRetry = {
  retries: 10,
  retryDelay: (...[, , attempt, , error]: readonly [object, string, number, number, Error]) =>
    isUnknownTopic(error) ? 100 : 50 * 2 ** Math.min(attempt, 5),
}
