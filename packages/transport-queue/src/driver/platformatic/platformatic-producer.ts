import type { Producer } from '@platformatic/kafka'
import type { RecordToSend } from '../../queue-driver.ts'
import { isUnknownTopic } from '../platformatic-wire/platformatic-error.ts'
import { toMessage } from '../platformatic-wire/platformatic-mapping.ts'
import type { PlatformaticSettings } from '../platformatic-wire/platformatic-options.ts'
import type { SendPlace } from '../produce-lane.ts'

/** How a request is made. */
interface SendForm {
  readonly place: SendPlace
  readonly compression: PlatformaticSettings['compression']
}

/** Sends records of one partition until they are stored, refused, or the producer's tries are used up. */
export async function sendToPartition(
  producer: Producer,
  records: readonly RecordToSend[],
  { place, compression }: SendForm,
): Promise<void> {
  const messages = records.map((record) => toMessage({ ...record, partition: place.partition }))
  await prepare(producer, place.topic)
  await producer.send({ messages, acks: allReplicas, compression })
}

/**
 * Lets the producer know all that it numbers a request by. It numbers at once then; else it would wait between taking its identity
 * and taking the numbers, and the failure of another request would meanwhile set the numbers back, which a broker takes for
 * a repetition and drops.
 *
 * @see platformatic/kafka 2.12.1, src/clients/producer/producer.ts: #send, #performSend
 */
async function prepare(producer: Producer, topic: string): Promise<void> {
  do {
    if (producer.producerId === undefined) await producer.initIdempotentProducer({})
    await producer.metadata({ topics: [topic] })
  } while (producer.producerId === undefined)
}

/** @see Kafka producer setting acks: all */
const allReplicas = -1

/** A request is tried again for some nine seconds, as by the other driver; for a topic that is gone one second. Guesses. */
export const producerRetry = {
  retries: 10,
  retryDelay: (...[, , attempt, , error]: readonly [object, string, number, number, Error]) =>
    isUnknownTopic(error) ? 100 : 50 * 2 ** Math.min(attempt, 5),
}
