import { ServiceError } from '@tenon/core/transport'
import type { CompressionTypes, Message, Producer } from 'kafkajs'
import type { RecordToSend } from '../../queue-driver.ts'
import { within } from '../../wait.ts'
import { isCertain, toSendError, unknownTopic } from '../kafka/kafka-refusal.ts'
import { ConnectionLease } from '../kafka/connection-lease.ts'
import { type FailedTry, type SendTries, sendUntilKnown } from '../kafka/send-tries.ts'
import type { SendPlace } from '../produce-lane.ts'
import { briefRetry, cutDisconnectTimeoutMs, type KafkajsClient } from './kafkajs-client.ts'
import { isRetriable, kafkaErrorType, reasonOf, toMessage } from './kafkajs-mapping.ts'
import { boundRequests, requestFailures } from './kafkajs-request-watch.ts'

export interface KafkajsProducerParts {
  /** Where the brokers are, for messages. */
  readonly target: string
  readonly connectTimeoutMs: number
  /** A client of its own for each producer. */
  openClient(): ProducerClient
  compression(): CompressionTypes
}

type ProducerClient = Pick<KafkajsClient, 'kafka' | 'failure' | 'disconnect'>

interface SendPatience extends Pick<SendTries, 'topicPatienceMs'> {
  /** Fires when nothing is to be tried again. */
  readonly over: AbortSignal
}

interface OneTry {
  readonly producer: Producer
  readonly records: readonly RecordToSend[]
  readonly place: SendPlace
  /** Fires when no request is to be made any more. */
  readonly over: AbortSignal
}

interface OpenProducer {
  readonly client: ProducerClient
  readonly producer: Producer
}

/** Stores records of one partition at a time, over a producer that is replaced when nothing more may be sent over it. */
export class KafkajsProducer {
  readonly #parts: KafkajsProducerParts
  readonly #closing = new AbortController()
  readonly #producers = new ConnectionLease<OpenProducer>({
    open: () => this.#open(),
    close: ({ client, producer }) => client.disconnect(producer, cutDisconnectTimeoutMs),
    // After most failures kafkajs gives the same sequence numbers to other records, which a broker would drop as repeated, or goes on
    // asking for a topic that is gone or forbidden, which fails all others.
    isSpoiledBy: (error) => !ServiceError.is(error) || error.code !== 'internal',
  })

  constructor(parts: KafkajsProducerParts) {
    this.#parts = parts
  }

  /** @throws Error when no broker answers in time */
  async connect(): Promise<void> {
    await this.#producers.use(async () => undefined)
  }

  /** @throws ServiceError as `SendRecords` says */
  async send(records: readonly RecordToSend[], place: SendPlace, over = never): Promise<void> {
    const first = await this.#sendOver(records, place, { over })
    if (first === undefined) return
    // kafkajs asks for all topics of a producer together and fails for all when one is gone or forbidden. A new one has only this.
    const isOfSome = first.code === 'not_found' || first.code === 'permission_denied'
    const told = isOfSome && !over.aborted ? await this.#sendOver(records, place, { over, topicPatienceMs: 0 }) : first
    if (told) throw told
  }

  /** What is being sent is cut. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#producers.close()
  }

  /** @returns Why they are not stored; undefined when they are. Any error spoils the producer, but for one of the records. */
  #sendOver(records: readonly RecordToSend[], place: SendPlace, { over, ...patience }: SendPatience) {
    const { target } = this.#parts
    const tries = { target, closing: AbortSignal.any([this.#closing.signal, over]), ...patience }
    const sending = this.#producers.use(async ({ producer }) => {
      const told = await sendUntilKnown(() => this.#try({ producer, records, place, over: tries.closing }), tries)
      if (told) throw told
    })
    return sending.then(
      () => undefined,
      (error: unknown) => (ServiceError.is(error) ? error : toSendError(new Set(), target, error)),
    )
  }

  /** Each with the same sequence numbers, as long as nothing else is sent there. */
  async #try({ producer, records, place, over }: OneTry): Promise<FailedTry | undefined> {
    const { topic, partition } = place
    // New ones, by which the requests of this try are known.
    const messages: Message[] = records.map((record) => ({ ...toMessage(record), partition }))
    const ended = new AbortController()
    boundRequests(messages, AbortSignal.any([over, ended.signal]))
    const form = { topic, acks: allReplicas, compression: this.#parts.compression(), messages }
    let hasEnded = false
    const sending = producer.send(form).finally(() => (hasEnded = true))
    try {
      const stored = await within(sending, sendTimeoutMs, 'kafkajs did not come to an end')
      // Of a partition that it does not know kafkajs sends nothing, and is content.
      if (stored.some((one) => one.topicName === topic && one.partition === partition)) return undefined
      throw Object.assign(new Error('kafkajs knows no such partition'), { type: unknownTopic })
    } catch (cause) {
      const mayBeStored = !hasEnded || requestFailures(messages).some((name) => !isCertain(name))
      return { name: kafkaErrorType(cause), isRetriable: isRetriable(cause), mayBeStored, cause }
    } finally {
      // kafkajs goes on with what did not come to an end.
      ended.abort()
    }
  }

  async #open(): Promise<OpenProducer> {
    const { openClient, connectTimeoutMs, target } = this.#parts
    const client = openClient()
    const producer = client.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      // One, the least that kafkajs allows: the tries are ours, for its own would wait as long for a topic that is gone.
      retry: { ...briefRetry, retries: 1 },
      allowAutoTopicCreation: false,
    })
    try {
      await within(producer.connect(), connectTimeoutMs, `${target} did not answer`)
      return { client, producer }
    } catch (error) {
      void client.disconnect(producer, cutDisconnectTimeoutMs)
      const reason = client.failure ?? reasonOf(error)
      throw new Error(`no connection to ${target}: ${reason}`, { cause: error })
    }
  }
}

/** @see Kafka producer setting acks: all */
const allReplicas = -1
/** Beyond what kafkajs gives two requests, which it makes at most. A guess. */
export const sendTimeoutMs = 70_000
const never: AbortSignal = new AbortController().signal
