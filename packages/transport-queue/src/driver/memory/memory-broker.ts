import { ServiceError } from '@tenon/core/transport'
import type { PartitionProgress, QueueDriver, ReceivedRecord, RecordToSend, TopicToEnsure } from '../../queue-driver.ts'
import { Backlog } from './memory-backlog.ts'
import type { MemoryFaults } from './memory-faults.ts'
import { MemoryGroup } from './memory-group.ts'
import { MemoryLog } from './memory-log.ts'
import { MemoryRequests } from './memory-requests.ts'
import { partitionHash } from '../partition-hash.ts'

export interface MemoryBrokerOptions {
  /** Partitions of a topic whose creator does not say. @defaultValue 4 @remarks Range 1–1_000 */
  readonly partitionCount?: number
  /**
   * How many records of a partition are kept after every group has committed them, or when no group reads the topic.
   * Records that a group has not committed are always kept.
   *
   * @defaultValue 10_000
   */
  readonly retainedCount?: number
  /** Longest time a member may take to give a partition up. @defaultValue 30_000 */
  readonly revokeTimeoutMs?: number
  /** What goes wrong by chance, for tests. @defaultValue nothing */
  readonly faults?: MemoryFaults
}

export interface EvictOptions {
  /**
   * When the members learn that they were taken for dead. Until then they go on with what they have, and their commits are
   * refused. `Infinity` is a process that was killed: it never learns, and never joins again.
   *
   * @defaultValue 0
   * @remarks Range 0–2_147_483_647 ms, and Infinity
   */
  readonly noticedAfterMs?: number
}

/** A broker inside this process: what `memoryDriver()` talks to. Made by `memoryBroker()`. */
export interface MemoryBroker {
  /** The records of a topic that are still kept, partition by partition, for tests. */
  records(topic: string): readonly ReceivedRecord[]
  /**
   * Goes away as a broker does that is shut down: until `start()` requests wait, and fail as `unavailable` when their time is up.
   * Groups stay as they are, and members may come and go.
   */
  stop(): void
  /** Comes back with all that was stored. */
  start(): void
  /**
   * Takes the members of a driver for dead, as a broker does that has not heard of them for longer than their session: others own
   * their partitions at once. They join again when they learn of it.
   *
   * @throws RangeError for a time that is none
   */
  evict(driver: QueueDriver, options?: EvictOptions): void
}

/**
 * A broker of one's own, for tests that must not meet. Everything is gone when the process ends.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range` for its faults
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  return new Broker(options)
}

/** The broker that all services of this process share. */
export function processBroker(): MemoryBroker {
  shared ??= new Broker({})
  return shared
}

let shared: Broker | undefined

/** What the memory driver needs of its broker. */
export class Broker implements MemoryBroker {
  readonly #partitionCount: number
  readonly #retainedCount: number
  readonly #revokeTimeoutMs: number
  readonly #topics = new Map<string, readonly MemoryLog[]>()
  readonly #groups = new Map<string, MemoryGroup>()
  readonly #backlog = new Backlog()
  /** What members ask goes through it. */
  readonly requests: MemoryRequests
  #nextUnkeyed = 0

  constructor(options: MemoryBrokerOptions) {
    this.#partitionCount = options.partitionCount ?? 4
    this.#retainedCount = options.retainedCount ?? 10_000
    this.#revokeTimeoutMs = options.revokeTimeoutMs ?? 30_000
    this.requests = new MemoryRequests(options.faults)
  }

  records(topic: string): readonly ReceivedRecord[] {
    return (this.#topics.get(topic) ?? []).flatMap((log) => log.read(0, log.endOffset))
  }

  stop(): void {
    this.requests.stop()
  }

  start(): void {
    this.requests.start()
  }

  evict(driver: QueueDriver, { noticedAfterMs = 0 }: EvictOptions = {}): void {
    const isTime = noticedAfterMs === Number.POSITIVE_INFINITY || (noticedAfterMs >= 0 && noticedAfterMs < 2 ** 31)
    if (!isTime)
      throw new RangeError(`noticedAfterMs: expected milliseconds from 0 or Infinity, found ${noticedAfterMs}`)
    for (const group of this.#groups.values()) group.evict(driver, noticedAfterMs)
  }

  /** The partitions of a topic, which is created if need be. */
  ensureTopic({ topic, partitionCount }: TopicToEnsure): readonly MemoryLog[] {
    const found = this.#topics.get(topic)
    if (found) return found
    const length = partitionCount ?? this.#partitionCount
    const logs = Array.from({ length }, (_, partition) => new MemoryLog(topic, partition))
    this.#topics.set(topic, logs)
    return logs
  }

  append(records: readonly RecordToSend[]): void {
    const grown = new Set<MemoryLog>()
    for (const record of records) {
      const log = this.#choose(record)
      log.append(record)
      grown.add(log)
    }
    for (const log of grown) {
      this.#forget(log)
      log.announce()
    }
  }

  describe(topic: string, group?: string): readonly PartitionProgress[] {
    const logs = this.logs(topic)
    const reader = group === undefined ? undefined : this.#groups.get(group)
    return logs.map((log) => ({
      partition: log.partition,
      earliestOffset: log.firstOffset,
      nextOffset: log.endOffset,
      committedOffset: reader?.ownCommit(log),
    }))
  }

  /** The partitions of a topic. @throws ServiceError `not_found` */
  logs(topic: string): readonly MemoryLog[] {
    const logs = this.#topics.get(topic)
    if (logs === undefined) throw new ServiceError('not_found', `the memory broker has no topic ${topic}`)
    return logs
  }

  /** @throws ServiceError `not_found` */
  log(topic: string, partition: number): MemoryLog {
    const log = this.logs(topic)[partition]
    if (log !== undefined) return log
    throw new ServiceError('not_found', `topic ${topic} of the memory broker has no partition ${partition}`)
  }

  group(name: string): MemoryGroup {
    const group =
      this.#groups.get(name) ??
      new MemoryGroup({
        logs: (topic) => this.ensureTopic({ topic }),
        log: (topic, partition) => this.log(topic, partition),
        revokeTimeoutMs: this.#revokeTimeoutMs,
        backlog: this.#backlog,
        requests: this.requests,
      })
    this.#groups.set(name, group)
    return group
  }

  #choose({ topic, key, partition }: RecordToSend): MemoryLog {
    const logs = this.ensureTopic({ topic })
    const index = partition ?? (key === null ? this.#nextUnkeyed++ : partitionHash(key)) % logs.length
    const log = logs[index]
    if (log === undefined) throw new ServiceError('internal', `topic ${topic} has no partition ${index}`)
    return log
  }

  #forget(log: MemoryLog): void {
    const committed = [...this.#groups.values()].flatMap((group) => group.committedOffset(log) ?? [])
    log.forgetBefore(Math.min(log.endOffset - this.#retainedCount, ...committed))
  }
}
