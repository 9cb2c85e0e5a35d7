import type { ICustomPartitioner, RecordMetadata } from 'kafkajs'

type Partitioner = ReturnType<ICustomPartitioner>

/**
 * Knows which partitions the records of a request went to. When a request to one broker fails and its partition moves to a broker
 * that has answered already, kafkajs leaves the partition out of what it sends again, and reports success.
 *
 * @see kafkajs 2.2.4, src/producer/sendMessages.js: brokers that have a response are not asked again
 */
export class SendCoverage {
  #chosen: string[] = []

  /** The same partitioner, whose choices are noted. */
  watch(partitioner: Partitioner): Partitioner {
    return (choice) => {
      const partition = partitioner(choice)
      this.#chosen.push(placeOf(choice.topic, partition))
      return partition
    }
  }

  /** Before each request. Only one is under way at a time. */
  begin(): void {
    this.#chosen = []
  }

  /** @throws Error naming partitions of the request's last attempt that no broker has answered for */
  require(recordCount: number, answers: readonly RecordMetadata[]): void {
    const answered = new Set(answers.map(({ topicName, partition }) => placeOf(topicName, partition)))
    const left = new Set(this.#chosen.slice(-recordCount).filter((place) => !answered.has(place)))
    if (left.size > 0) throw new Error(`records were not sent to ${[...left].join(', ')}, whose leader has changed`)
  }
}

function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}
