import type { Broker, ClusterMetadata, ConnectionPool, MessageRecord } from '@platformatic/kafka'
import type { RecordToSend } from '../../queue-driver.ts'
import { within } from '../../wait.ts'
import { isCertain, unknownTopic } from '../kafka/kafka-refusal.ts'
import { askUntilKnown, type FailedTry, type SendTries, sendUntilKnown } from '../kafka/send-tries.ts'
import type { PlatformaticClient } from '../platformatic-wire/platformatic-client.ts'
import { errorIds, isFinal, isUnknownTopic } from '../platformatic-wire/platformatic-error.ts'
import { toMessage } from '../platformatic-wire/platformatic-mapping.ts'
import type { PlatformaticSettings } from '../platformatic-wire/platformatic-options.ts'
import type { SendPlace } from '../produce-lane.ts'

export interface PlatformaticProducerParts {
  /** Where the brokers are, for messages. */
  readonly target: string
  readonly compression: PlatformaticSettings['compression']
  /** Of its own. */
  readonly client: Pick<PlatformaticClient, 'library' | 'openPool' | 'metadata' | 'request' | 'close'>
}

/** By what brokers know that a request of a partition comes again. */
interface Numbering {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Of the next record. */
  nextSequence: number
}

/**
 * Stores records of one partition at a time, each request once, however often it is sent. The library's own producer would end the
 * process when a topic has fewer partitions than it knew, and give up the numbers of all partitions when one of them fails.
 */
export class PlatformaticProducer {
  readonly #parts: PlatformaticProducerParts
  readonly #pool: ConnectionPool
  readonly #closing = new AbortController()
  readonly #clusters = new Map<string, ClusterMetadata>()
  readonly #numberings = new Map<string, Numbering>()
  #identity: Promise<Omit<Numbering, 'nextSequence'>> | undefined

  constructor(parts: PlatformaticProducerParts) {
    this.#parts = parts
    this.#pool = parts.client.openPool(answerTimeoutMs)
  }

  /** As brokers say now. @throws ServiceError `not_found`, `permission_denied`, `unavailable` */
  partitionCountOf(topic: string): Promise<number> {
    const ask = async () => {
      const { topics } = await this.#ask(topic)
      const count = topics.get(topic)?.partitionsCount ?? 0
      if (count === 0) throw new Error(`no broker told of the partitions of topic ${topic}`)
      return count
    }
    return askUntilKnown(ask, toFailed, this.#tries)
  }

  /** @throws ServiceError as `SendRecords` says */
  async send(records: readonly RecordToSend[], place: SendPlace, over = never): Promise<void> {
    const messages = records.map((record) => toMessage({ ...record, partition: place.partition }))
    const closing = AbortSignal.any([this.#closing.signal, over])
    const told = await sendUntilKnown(() => this.#try(messages, place, closing), { ...this.#tries, closing })
    const numbering = this.#numberings.get(idOf(place))
    if (told === undefined && numbering)
      numbering.nextSequence = (numbering.nextSequence + records.length) % sequenceCount
    // What became of these numbers nobody knows: they must never stand for other records.
    if (told?.code === 'unavailable') this.#forgetNumbers(place)
    if (told) throw told
  }

  /** What is being sent is cut. */
  async close(): Promise<void> {
    this.#closing.abort()
    await within(this.#parts.client.close(), closeTimeoutMs, 'still connected').catch(() => undefined)
  }

  /** Each with the same numbers. */
  async #try(messages: MessageRecord[], place: SendPlace, over: AbortSignal): Promise<FailedTry | undefined> {
    let isMade = false
    try {
      const broker = await this.#leaderOf(place)
      const numbering = await this.#numberingOf(place, broker)
      // Finding these may have taken long: a request that begins later than that would arrive later than anybody expects.
      if (over.aborted) throw new Error('nobody waits for it any more')
      isMade = true
      await this.#request(messages, { place, broker, numbering })
      return undefined
    } catch (cause) {
      // Perhaps another broker leads it now.
      this.#clusters.delete(place.topic)
      const failed = toFailed(cause)
      return { ...failed, mayBeStored: isMade && !isCertain(failed.name) }
    }
  }

  async #request(messages: MessageRecord[], { place, broker, numbering }: NumberedRequest): Promise<void> {
    const { client, compression } = this.#parts
    const { producerId, producerEpoch, nextSequence } = numbering
    const sequences = new client.library.NumericMap([[`${place.topic}:${place.partition}`, nextSequence]])
    const options = { compression, producerId, producerEpoch, sequences }
    const values: [number, number, MessageRecord[], typeof options] = [allReplicas, ackTimeoutMs, messages, options]
    await client.request('Produce', this.#route(broker), values)
  }

  async #leaderOf({ topic, partition }: SendPlace): Promise<Broker> {
    const known = leaderIn(this.#clusters.get(topic), topic, partition)
    if (known) return known
    const cluster = await this.#ask(topic)
    const leader = leaderIn(cluster, topic, partition)
    if (leader) return leader
    if (cluster.topics.get(topic)?.partitions[partition]) throw new Error('the partition has no leader at the moment')
    throw Object.assign(new Error('the topic has no such partition'), { apiId: unknownTopic, canRetry: false })
  }

  async #ask(topic: string): Promise<ClusterMetadata> {
    const cluster = await this.#parts.client.metadata([topic])
    this.#clusters.set(topic, cluster)
    return cluster
  }

  async #numberingOf(place: SendPlace, broker: Broker): Promise<Numbering> {
    const known = this.#numberings.get(idOf(place))
    if (known) return known
    const numbering = { ...(await (this.#identity ??= this.#identify(broker))), nextSequence: 0 }
    this.#numberings.set(idOf(place), numbering)
    return numbering
  }

  async #identify(broker: Broker): Promise<Omit<Numbering, 'nextSequence'>> {
    try {
      const values: [null, number, bigint, number] = [null, ackTimeoutMs, -1n, -1]
      return await this.#parts.client.request('InitProducerId', this.#route(broker), values)
    } catch (error) {
      this.#identity = undefined
      throw error
    }
  }

  /** Also takes another identity, for this one has had numbers there. Other partitions go on with theirs. */
  #forgetNumbers(place: SendPlace): void {
    this.#numberings.delete(idOf(place))
    this.#identity = undefined
  }

  get #tries(): SendTries {
    return { target: this.#parts.target, closing: this.#closing.signal }
  }

  #route(broker: Broker) {
    return { pool: this.#pool, broker, timeoutMs: requestTimeoutMs }
  }
}

interface NumberedRequest {
  readonly place: SendPlace
  readonly broker: Broker
  readonly numbering: Numbering
}

function leaderIn(cluster: ClusterMetadata | undefined, topic: string, partition: number): Broker | undefined {
  const leader = cluster?.topics.get(topic)?.partitions[partition]?.leader
  return leader === undefined ? undefined : cluster?.brokers.get(leader)
}

function toFailed(cause: unknown): Omit<FailedTry, 'mayBeStored'> {
  return { name: nameOf(cause), isRetriable: !isFinal(cause), cause }
}

/** Kafka's name for what went wrong, of which the library tells one in words only. */
function nameOf(error: unknown): string {
  if (isUnknownTopic(error)) return unknownTopic
  const names = [...errorIds(error)]
  return names.find(isCertain) ?? names[0] ?? ''
}

function idOf({ topic, partition }: SendPlace): string {
  return `${topic}/${partition}`
}

/** @see Kafka producer setting acks: all */
const allReplicas = -1
/** How long a broker may wait for its replicas, and the connection for the broker. Guesses. */
const ackTimeoutMs = 5_000
const answerTimeoutMs = 10_000
/** With the requests before it on the same connection, so the longest that a try lives. A guess. */
export const requestTimeoutMs = 30_000
const never: AbortSignal = new AbortController().signal
/** How long ending connections may take. A guess. */
const closeTimeoutMs = 1_000
/** @see Kafka message format, base sequence: 31 bits, from 0 again after the last */
const sequenceCount = 2 ** 31
