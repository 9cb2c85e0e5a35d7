import { kafkaErrorType } from './kafkajs-mapping.ts'

/** Kafka's names for how requests failed that were made of messages, by the first message of each; empty for none of Kafka's. */
const failures = new WeakMap<object, readonly string[]>()

/** When no more requests are to be made of messages, by the first of them. */
const ends = new WeakMap<object, AbortSignal>()

/**
 * How requests went wrong that were made of these messages, the oldest first. What kafkajs throws may be what it came to afterwards,
 * when it asked about its topics, and says nothing of whether a request was made.
 *
 * @see kafkajs 2.2.4, src/producer/sendMessages.js: the error is lost when `refreshMetadata` fails
 */
export function requestFailures([first]: readonly object[]): readonly string[] {
  return (first && failures.get(first)) ?? []
}

/**
 * Has no request made of these messages once the signal fires. kafkajs looks for their broker for as long as it likes, and a request that begins
 * late would arrive later than anybody expects.
 */
export function boundRequests([first]: readonly object[], over: AbortSignal): void {
  if (first) ends.set(first, over)
}

/** Has every request to store records noted. Called once, with what all brokers of kafkajs inherit. */
export function watchRequests(prototype: InnerBroker): void {
  const { produce } = prototype
  prototype.produce = async function produceNoted(this: InnerBroker, request: InnerRequest) {
    const firsts = request.topicData.flatMap(({ partitions }) => partitions.map(({ messages: [first] }) => first))
    if (firsts.some((first) => first && ends.get(first)?.aborted)) throw new Error('nobody waits for it any more')
    try {
      return await produce.call(this, request)
    } catch (error) {
      for (const first of firsts) if (first) failures.set(first, [...requestFailures([first]), kafkaErrorType(error)])
      throw error
    }
  }
}

/** A broker as kafkajs has it inside. */
export interface InnerBroker {
  produce(this: InnerBroker, request: InnerRequest): Promise<unknown>
}

interface InnerRequest {
  readonly topicData: readonly { readonly partitions: readonly { readonly messages: readonly object[] }[] }[]
}
