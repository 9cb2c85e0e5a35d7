import type { Admin, Producer } from '@platformatic/kafka'
import { ServiceError } from '@tenon/core/transport'
import type {
  Membership,
  PartitionProgress,
  ProduceBound,
  QueueClient,
  QueueDriver,
  QueueMember,
  RecordToSend,
  TopicToEnsure,
} from '../../queue-driver.ts'
import { wait, within } from '../../wait.ts'
import { toSendError } from '../kafka/kafka-refusal.ts'
import { TokenSource } from '../kafka/kafka-token.ts'
import { ProduceQueue } from '../produce-queue.ts'
import { createMissing, readProgress } from './platformatic-admin.ts'
import {
  type ClientSettings,
  loadPlatformatic,
  type Platformatic,
  PlatformaticClient,
  toClientOptions,
} from '../platformatic-wire/platformatic-client.ts'
import { errorIds, isRefusedCredential, isUnknownTopic, reasonOf } from '../platformatic-wire/platformatic-error.ts'
import { toMessage } from '../platformatic-wire/platformatic-mapping.ts'
import { PlatformaticMember } from './platformatic-member.ts'
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
  readonly target: string
  readonly #settings: PlatformaticSettings
  readonly #tokens: TokenSource | undefined
  #library: Platformatic | undefined
  #clientId = 'tenon'
  #producer: Producer | undefined
  #queue: ProduceQueue | undefined

  constructor(settings: PlatformaticSettings) {
    this.#settings = settings
    const { sasl, connectTimeoutMs } = settings
    this.#tokens = sasl?.mechanism === 'oauthbearer' ? new TokenSource(sasl.token, connectTimeoutMs) : undefined
    this.target = `Kafka at ${settings.brokers.join(', ')}`
  }

  async connect({ clientId }: QueueClient): Promise<void> {
    this.#clientId = this.#settings.clientId ?? clientId
    this.#library = await loadPlatformatic()
    await this.#findBroker()
    this.#queue = new ProduceQueue(this.#settings, (records) => this.#send(records))
  }

  async ensureTopics(topics: readonly TopicToEnsure[]): Promise<void> {
    await this.#administer((admin) => createMissing(admin, topics))
  }

  async describe(topic: string, group: string): Promise<readonly PartitionProgress[]> {
    try {
      return await this.#administer((admin) => readProgress(admin, topic, group))
    } catch (cause) {
      if (isUnknownTopic(cause)) throw new ServiceError('not_found', `${this.target} has no topic ${topic}`, { cause })
      throw new ServiceError('unavailable', `${this.target} did not describe topic ${topic}`, { cause })
    }
  }

  produce(records: readonly RecordToSend[], bound: ProduceBound): Promise<void> {
    return this.#queue?.push(records, bound) ?? Promise.reject(new Error(notConnected))
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
    await this.#queue?.close(flushTimeoutMs)
    await this.#dropProducer()
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
    const admin = new library.Admin({ ...toClientOptions(this.#clientSettings()), ...briefRetry })
    try {
      return await within(work(admin), this.#settings.connectTimeoutMs, `${this.target} did not answer`)
    } finally {
      void admin.close().catch(() => undefined)
    }
  }

  async #send(records: readonly RecordToSend[]): Promise<void> {
    const { compression } = this.#settings
    try {
      this.#producer ??= this.#openProducer()
      await this.#producer.send({ messages: records.map(toMessage), acks: allReplicas, compression })
    } catch (cause) {
      // Whatever became of the request, what comes next is numbered anew.
      void this.#dropProducer()
      throw toSendError(errorIds(cause), this.target, cause)
    }
  }

  #openProducer(): Producer {
    const library = this.#loaded()
    return new library.Producer({ ...toClientOptions(this.#clientSettings()), ...briefRetry, idempotent: true })
  }

  async #dropProducer(): Promise<void> {
    const producer = this.#producer
    this.#producer = undefined
    if (producer) await within(producer.close(), closeTimeoutMs, 'still connected').catch(() => undefined)
  }

  #clientSettings(): ClientSettings {
    return { settings: this.#settings, clientId: this.#clientId, tokens: this.#tokens }
  }

  #loaded(): Platformatic {
    if (this.#library === undefined) throw new Error(notConnected)
    return this.#library
  }
}

const notConnected = 'connect() comes before any other method of a driver'
/** How long sending what waits may take when the driver closes, and ending its connections. Guesses. */
const flushTimeoutMs = 2_000
const closeTimeoutMs = 1_000
const connectRetryMs = 100
/** A request is tried again for some nine seconds, as by the other driver. Guesses. */
const briefRetry = {
  retries: 10,
  retryDelay: (_client: object, _name: string, attempt: number) => 50 * 2 ** Math.min(attempt, 5),
}
/** @see Kafka producer setting acks: all */
const allReplicas = -1
