import { ServiceError, unlessAborted } from '@tenon/core/transport'
import type { ProduceBound, RecordToSend } from '../queue-driver.ts'
import type { LanePart, LaneSettings, ProduceLane } from './produce-lane.ts'
import { byteCountOf } from './record-size.ts'
import { TopicLanes, type TopicRecords, type TopicWay } from './topic-lanes.ts'

export interface ProduceQueueSettings extends LaneSettings {
  /**
   * Records that wait or are being sent, up to this size; what is pushed beyond it waits for room. The last guard of a connection,
   * for all who produce; what a publisher takes in is bounded before, by `maxPublishingBytes`.
   */
  readonly maxBufferedBytes: number
}

interface Entry {
  readonly byteCount: number
  readonly done: PromiseWithResolvers<void>
  readonly byTopic: readonly TopicRecords[]
  /** Where its parts are, once it is known. */
  readonly parts: Map<LanePart, ProduceLane>
  /** Records that are not stored yet. */
  leftCount: number
  stopWaiting(): void
}

/**
 * Lets what is pushed wait for room and then go through a lane for each partition, so that a request is stored as a whole or not at
 * all, many small sends cost few requests, and one topic holds up no other.
 */
export class ProduceQueue {
  readonly #settings: ProduceQueueSettings
  readonly #way: TopicWay
  readonly #topics = new Map<string, TopicLanes>()
  /** In their order: those that wait for room, and those that are in the lanes. */
  readonly #outside = new Set<Entry>()
  readonly #inside = new Set<Entry>()
  readonly #closing = new AbortController()
  #bufferedBytes = 0
  #idle: PromiseWithResolvers<void> | undefined

  constructor(settings: ProduceQueueSettings, way: Pick<TopicWay, 'send' | 'partitionCountOf'>) {
    this.#settings = settings
    this.#way = {
      settings,
      closing: this.#closing.signal,
      send: (records, place, over) => way.send(records, place, over),
      partitionCountOf: (topic) => way.partitionCountOf(topic),
      gone: (topic, error) => this.#failAll(topic, error),
    }
  }

  /** Resolves when the records are stored; not begun when their time is up or the signal fires, they never are. */
  push(records: readonly RecordToSend[], { timeoutMs, signal }: ProduceBound): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(closed())
    if (signal?.aborted) return Promise.reject(notProduced())
    if (records.length === 0) return Promise.resolve()
    const timer = setTimeout(() => this.#settle(entry, this.#timedOut(entry, timeoutMs)), timeoutMs)
    const onAbort = () => this.#settle(entry, notProduced())
    signal?.addEventListener('abort', onAbort, { once: true })
    const entry = this.#toEntry(records, () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    })
    this.#outside.add(entry)
    this.#admit()
    return entry.done.promise
  }

  /**
   * Sends what waits, without waiting for more to come. What is not stored when the time is up fails as `unavailable`, as
   * does all that is pushed from now on.
   */
  async close(timeoutMs = flushTimeoutMs): Promise<void> {
    this.#closing.abort()
    const isOver = new AbortController()
    const timer = setTimeout(() => isOver.abort(), timeoutMs)
    if (this.#inside.size > 0) await unlessAborted((this.#idle ??= Promise.withResolvers()).promise, isOver.signal)
    clearTimeout(timer)
    for (const entry of [...this.#outside, ...this.#inside]) this.#settle(entry, closed())
  }

  #toEntry(records: readonly RecordToSend[], stopWaiting: () => void): Entry {
    const byTopic = Map.groupBy(records, ({ topic }) => topic).values()
    const entry: Entry = {
      byteCount: sizeOf(records),
      done: Promise.withResolvers(),
      byTopic: Array.from(byTopic, (ofTopic) => ({
        records: ofTopic,
        toPart: (ofPartition, lane) => this.#toPart(entry, ofPartition, lane),
        failed: (error) => this.#settle(entry, error),
      })),
      parts: new Map(),
      leftCount: records.length,
      stopWaiting,
    }
    return entry
  }

  #toPart(entry: Entry, records: readonly RecordToSend[], lane: ProduceLane): LanePart {
    const part: LanePart = {
      records,
      byteCount: sizeOf(records),
      stored: () => {
        entry.leftCount -= records.length
        if (entry.leftCount === 0) this.#settle(entry)
      },
      failed: (error) => this.#settle(entry, error),
    }
    entry.parts.set(part, lane)
    return part
  }

  /** Takes in what there is room for; one that is larger than all the room there is when nothing else is there. */
  #admit(): void {
    for (const entry of this.#outside) {
      const isRoom = this.#bufferedBytes + entry.byteCount <= this.#settings.maxBufferedBytes
      if (!isRoom && this.#bufferedBytes > 0) return
      this.#outside.delete(entry)
      this.#inside.add(entry)
      this.#bufferedBytes += entry.byteCount
      for (const ofTopic of entry.byTopic) this.#lanesOf(ofTopic).push(ofTopic)
    }
  }

  #lanesOf({ records }: TopicRecords): TopicLanes {
    const topic = records[0]?.topic ?? ''
    const lanes = this.#topics.get(topic) ?? new TopicLanes(topic, this.#way)
    this.#topics.set(topic, lanes)
    return lanes
  }

  /** What of it is in a request stays there; the rest is never sent. */
  #settle(entry: Entry, error?: ServiceError): void {
    entry.stopWaiting()
    this.#outside.delete(entry)
    if (this.#inside.delete(entry)) {
      this.#bufferedBytes -= entry.byteCount
      for (const ofTopic of entry.byTopic) this.#lanesOf(ofTopic).forget(ofTopic)
      for (const [part, lane] of entry.parts) lane.forget(part)
    }
    if (error) entry.done.reject(error)
    else entry.done.resolve()
    this.#admit()
    if (this.#inside.size === 0) this.#idle?.resolve()
  }

  /** In their order, with those that wait for room, or they would overtake what is sent again. */
  #failAll(topic: string, error: ServiceError): void {
    const isOfTopic = ({ byTopic }: Entry) => byTopic.some(({ records: [first] }) => first?.topic === topic)
    for (const entry of [...this.#inside, ...this.#outside].filter(isOfTopic)) this.#settle(entry, error)
  }

  #timedOut(entry: Entry, timeoutMs: number): ServiceError {
    const { maxBufferedBytes } = this.#settings
    const text = this.#outside.has(entry)
      ? `no room among the ${maxBufferedBytes} bytes that wait to be sent, within ${timeoutMs} ms`
      : `no broker took the message within ${timeoutMs} ms`
    return new ServiceError('unavailable', text)
  }
}

/** How long sending what waits may take when a driver closes. A guess. */
const flushTimeoutMs = 2_000

/** What a record takes besides its bytes; keeps those without any bounded too. A guess. */
const recordByteCount = 64

function sizeOf(records: readonly RecordToSend[]): number {
  return records.reduce((sum, record) => sum + recordByteCount + byteCountOf(record), 0)
}

/** The error for records whose signal fired before they were sent. */
export function notProduced(): ServiceError {
  return new ServiceError('cancelled', 'the caller gave up before a broker took the message')
}

function closed(): ServiceError {
  return new ServiceError('unavailable', 'the connection to the broker was closed before it took the message')
}
