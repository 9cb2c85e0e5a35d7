import type { Logger } from '@tenon/core/transport'
import type { PartitionProgress, QueueDriver, RecordRange } from '../../queue-driver.ts'
import { type QueueClock, within } from '../../wait.ts'
import type { TopicConsumer } from '../plan/consumer-plan.ts'
import type { Slots } from '../turn/slots.ts'
import { isHeldUp, type StalledPartition, stallText } from './stall.ts'
import type { TopicLag } from './topic-lag.ts'
import type { WatchedLoop } from './watched-loop.ts'

export interface TopicWatchSurroundings {
  readonly consumer: TopicConsumer
  readonly driver: Pick<QueueDriver, 'read'>
  readonly clock: Pick<QueueClock, 'now'>
  readonly log: Logger
  readonly lag: TopicLag
  readonly slots: Pick<Slots, 'areTaken' | 'isHeld'>
  /** Partitions that the same handler reads, of this topic and of older ones. */
  siblings(): readonly WatchedLoop[]
}

/** Finds partitions of one topic that stand still. Knows what they did, and asks the broker only about those that did nothing. */
export class TopicWatch {
  readonly #surroundings: TopicWatchSurroundings
  readonly #loops = new Set<WatchedLoop>()
  readonly #stalls = new Map<WatchedLoop, Verdict>()
  /** Since when the broker has messages that a partition does not give out. */
  readonly #behind = new Map<WatchedLoop, number>()
  /** Before this moment nothing counts: a rebalance, an outage, or a process that stood still. */
  #graceAt = 0
  #lookedAt = 0

  constructor(surroundings: TopicWatchSurroundings) {
    this.#surroundings = surroundings
  }

  get loops(): Iterable<WatchedLoop> {
    return this.#loops
  }

  add(loop: WatchedLoop): void {
    this.#loops.add(loop)
  }

  remove(loop: WatchedLoop): void {
    for (const known of [this.#loops, this.#stalls, this.#behind]) known.delete(loop)
  }

  /** Those that stood still when they were looked at last, and have not moved since. */
  get stalls(): readonly StalledPartition[] {
    const { clock } = this.#surroundings
    return [...this.#stalls].flatMap(([loop, verdict]) =>
      this.#isStill(loop, verdict, clock.now()) ? [verdict.stall] : [],
    )
  }

  /** Counts nothing that was before now. */
  grace(): void {
    this.#graceAt = this.#surroundings.clock.now()
    this.#lookedAt = this.#graceAt
    this.#behind.clear()
    this.#stalls.clear()
  }

  /** Looks at all partitions, at most every quarter of `stallAfterMs`. Never rejects. */
  async look(): Promise<void> {
    const { clock, consumer, lag } = this.#surroundings
    const now = clock.now()
    const quarterMs = consumer.settings.stallAfterMs / 4
    if (now - this.#lookedAt < quarterMs * shortLookShare) return
    const quiet = [...this.#loops].filter((loop) => isOpen(loop) && loop.motion.movedAt <= this.#lookedAt)
    this.#lookedAt = now
    this.#tellEnded(now)
    if (quiet.length === 0) return
    await lag.read()
    const { partitions } = lag
    if (partitions === undefined) return this.grace()
    const progress = new Map(partitions.map((one) => [one.partition, one]))
    await Promise.all(quiet.map((loop) => this.#judge(loop, progress.get(loop.partition.partition))))
  }

  async #judge(loop: WatchedLoop, progress: PartitionProgress | undefined): Promise<void> {
    if (progress === undefined || isRevoked(loop)) return
    const { movedAt } = loop.motion
    const graceAt = this.#graceAt
    const stall = this.#holdUpOf(loop, progress) ?? (await this.#silenceOf(loop, progress))
    // It may have moved, or be gone, or nothing counts any more, while the broker was asked.
    if (loop.motion.movedAt !== movedAt || this.#graceAt !== graceAt || !this.#loops.has(loop)) return
    if (stall === undefined) return this.#goesOn(loop)
    const isKnown = this.#stalls.has(loop)
    this.#stalls.set(loop, { stall, movedAt })
    if (!isKnown) this.#tell(stall)
  }

  /** Of a partition that has messages. */
  #holdUpOf(loop: WatchedLoop, progress: PartitionProgress): StalledPartition | undefined {
    const { oldest, isAwaitingRoom } = loop
    if (oldest === undefined && !isAwaitingRoom) return undefined
    this.#behind.delete(loop)
    const { clock, consumer } = this.#surroundings
    const now = clock.now()
    const sinceAt = Math.max(loop.motion.movedAt, this.#graceAt)
    if (now - sinceAt < consumer.settings.stallAfterMs) return undefined
    const { partition, committedOffset = progress.earliestOffset } = progress
    if (oldest === undefined)
      return { partition, waitsFor: 'commit', offset: loop.uncommittedOffset ?? committedOffset, sinceAt }
    if (!this.#isHeldUp(loop, now)) return undefined
    return { partition, waitsFor: 'handler', offset: oldest.offset, sinceAt }
  }

  /** Of a partition that waits for messages. */
  async #silenceOf(
    loop: WatchedLoop,
    { partition, earliestOffset, nextOffset, committedOffset = earliestOffset }: PartitionProgress,
  ): Promise<StalledPartition | undefined> {
    if (loop.oldest !== undefined || loop.isAwaitingRoom || !loop.motion.isFetching) return undefined
    const offset = Math.max(loop.motion.nextOffset ?? committedOffset, earliestOffset)
    if (nextOffset <= offset) {
      this.#behind.delete(loop)
      return undefined
    }
    const { clock, consumer } = this.#surroundings
    const now = clock.now()
    const knownAt = this.#behind.get(loop)
    const sinceAt = knownAt !== undefined && knownAt >= loop.motion.movedAt ? knownAt : now
    this.#behind.set(loop, sinceAt)
    if (now - sinceAt < consumer.settings.stallAfterMs) return undefined
    const range = { topic: consumer.topic, partition, fromOffset: offset, toOffset: nextOffset }
    if (await this.#hasRecord(range)) return { partition, waitsFor: 'fetch', offset, sinceAt }
    this.#behind.delete(loop)
    return undefined
  }

  /** Offsets alone tell nothing: marks of transactions have some too, and nobody is given those. */
  async #hasRecord(range: RecordRange): Promise<boolean> {
    const late = new AbortController()
    try {
      const bound = { timeoutMs: readTimeoutMs, signal: late.signal }
      return await within(hasSome(this.#surroundings.driver.read(range, bound)), readTimeoutMs, 'no answer')
    } catch {
      // Who does not answer counts as away.
      return false
    } finally {
      late.abort()
    }
  }

  #isHeldUp(loop: WatchedLoop, now: number): boolean {
    const { consumer, slots, siblings } = this.#surroundings
    const { stallAfterMs } = consumer.settings
    const others = siblings().filter((other) => other !== loop)
    return isHeldUp({ now, stallAfterMs, loop, others, areSlotsTaken: slots.areTaken, areSlotsHeld: slots.isHeld })
  }

  #isStill(loop: WatchedLoop, { stall, movedAt }: Verdict, now: number): boolean {
    if (isRevoked(loop) || loop.motion.movedAt !== movedAt) return false
    if (stall.waitsFor === 'handler') return this.#isHeldUp(loop, now)
    // A commit that was stored is no outcome, but what waited for it goes on.
    return stall.waitsFor === 'fetch' || (loop.isAwaitingRoom && loop.oldest === undefined)
  }

  #tell(stall: StalledPartition): void {
    const { consumer, log } = this.#surroundings
    const { topic, group, handler } = consumer
    const facts = { topic, group, handler, ...stall }
    log.error(facts, `${stallText(topic, group, stall)}; the service is not live until it moves`)
  }

  #tellEnded(now: number): void {
    for (const [loop, verdict] of this.#stalls) if (!this.#isStill(loop, verdict, now)) this.#goesOn(loop)
  }

  #goesOn(loop: WatchedLoop): void {
    if (!this.#stalls.delete(loop)) return
    const { consumer, log } = this.#surroundings
    const { topic, group } = consumer
    log.warn({ topic, group, partition: loop.partition.partition }, 'a partition that stood still goes on')
  }
}

/** Whether there is one. */
async function hasSome(records: AsyncIterable<unknown>): Promise<boolean> {
  for await (const _some of records) return true
  return false
}

function isRevoked({ partition }: WatchedLoop): boolean {
  return partition.revoked.aborted
}

/** Whether it has messages, or should be given some. */
function isOpen(loop: WatchedLoop): boolean {
  return !isRevoked(loop) && (loop.oldest !== undefined || loop.isAwaitingRoom || loop.motion.isFetching)
}

interface Verdict {
  readonly stall: StalledPartition
  /** When the partition had moved last. */
  readonly movedAt: number
}

/** Timers may fire a little early. */
const shortLookShare = 0.9
/** How long the broker has to show a record. A guess. */
const readTimeoutMs = 5_000
