import type { Message, Producer } from 'kafkajs'
import { wait } from '../../wait.ts'
import type { SendPlace } from '../produce-lane.ts'
import type { RecordToSend } from '../../queue-driver.ts'
import { isRetriable, kafkaErrorType, toMessage } from './kafkajs-mapping.ts'

/** How a request is made. */
interface SendForm {
  readonly place: SendPlace
  readonly compression: number
}

/**
 * Sends records of one partition until they are stored, refused, or their patience is over. Each try has the same sequence numbers,
 * so that what one of them has stored is not stored again. The tries of kafkajs itself would wait as long for a topic that is gone.
 */
export async function sendToPartition(
  producer: Producer,
  records: readonly RecordToSend[],
  { place, compression }: SendForm,
): Promise<void> {
  const messages: Message[] = records.map((record) => ({ ...toMessage(record), partition: place.partition }))
  const begunAtMs = performance.now()
  for (let delayMs = firstDelayMs; ; delayMs = Math.min(2 * delayMs, longestDelayMs)) {
    try {
      await producer.send({ topic: place.topic, acks: -1, compression, messages })
      return
    } catch (error) {
      const isGone = kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION'
      const patienceMs = isGone ? topicPatienceMs : sendPatienceMs
      if (!isRetriable(error) || performance.now() + delayMs - begunAtMs > patienceMs) throw error
      await wait(delayMs, never)
    }
  }
}

const never: AbortSignal = new AbortController().signal

/** As the other driver, which tries for some nine seconds. Guesses. */
const firstDelayMs = 100
const longestDelayMs = 2_000
const sendPatienceMs = 9_000
/** A topic that was just created is not known to every broker at once. A guess. */
const topicPatienceMs = 1_000
