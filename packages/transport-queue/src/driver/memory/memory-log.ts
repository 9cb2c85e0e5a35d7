import type { ConsumerStart } from '@tenon/core/transport'
import type { ReceivedRecord, RecordToSend } from '../../queue-driver.ts'

/** One partition of a topic: records in order, and who waits for more. */
export class MemoryLog {
  readonly topic: string
  readonly partition: number
  readonly #watchers = new Set<() => void>()
  #records: ReceivedRecord[] = []
  #firstOffset = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  /** The offset of the oldest record that is kept. */
  get firstOffset(): number {
    return this.#firstOffset
  }

  /** The offset that the next record will get. */
  get endOffset(): number {
    return this.#firstOffset + this.#records.length
  }

  append(record: RecordToSend): void {
    const { topic, partition, endOffset: offset } = this
    this.#records.push({ ...record, topic, partition, offset, timestampAt: record.timestampAt ?? Date.now() })
  }

  /** Tells those who watch that the log has grown. */
  announce(): void {
    for (const grown of this.#watchers) grown()
  }

  /** Calls back whenever the log has grown, until the signal fires. */
  watch(grown: () => void, until: AbortSignal): void {
    this.#watchers.add(grown)
    until.addEventListener('abort', () => this.#watchers.delete(grown), { once: true })
  }

  /** Up to so many records from the offset on, or from the first that is still kept. */
  read(offset: number, maxCount: number): readonly ReceivedRecord[] {
    const from = Math.max(0, offset - this.#firstOffset)
    return this.#records.slice(from, from + maxCount)
  }

  /** Where reading begins that is to begin there. */
  offsetAt(start: ConsumerStart): number {
    if (start === 'earliest') return this.#firstOffset
    if (start === 'latest') return this.endOffset
    const index = this.#records.findIndex(({ timestampAt }) => timestampAt >= start.startAt)
    return index < 0 ? this.endOffset : this.#firstOffset + index
  }

  /** Forgets records before the offset. Cheap when called often: it only cuts once there is much to forget. */
  forgetBefore(offset: number): void {
    const count = Math.min(offset - this.#firstOffset, this.#records.length)
    if (count < forgottenAtOnceCount) return
    this.#records = this.#records.slice(count)
    this.#firstOffset += count
  }
}

const forgottenAtOnceCount = 1_000
