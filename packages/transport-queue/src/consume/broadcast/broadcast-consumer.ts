import { type ErrorCode, ServiceError } from '@tenon/core/transport'
import { giveUp } from '../../driver/ownership.ts'
import type { MemberState, PartitionProgress, RecordPlace } from '../../queue-driver.ts'
import type { QueueSettings } from '../../queue-options.ts'
import { orAborted } from '../../wait.ts'
import { PartitionLoop } from '../consume-loop.ts'
import { type ConsumedPartition, ConsumedTopics } from '../group/consumed-topics.ts'
import type { ConsumerHost } from '../group/group-consumer.ts'
import type { BroadcastPlan, TopicConsumer } from '../plan/consumer-plan.ts'
import { endlessDelays } from '../retry-schedule.ts'
import type { ServedConsumer } from '../served-consumer.ts'
import { failureText } from '../watch/consumer-report.ts'
import { BroadcastPartition } from './broadcast-partition.ts'

/** A handler that gets every message in this process, with a loop for every partition of its topics. */
export class BroadcastConsumer implements ServedConsumer {
  readonly title: string
  readonly lack = 'begun'
  readonly group = undefined
  readonly topics: ConsumedTopics
  readonly #plan: BroadcastPlan
  readonly #settings: QueueSettings
  readonly #host: ConsumerHost
  readonly #loops = new Map<BroadcastPartition, PartitionLoop>()
  readonly #leaving = new AbortController()
  #looking: NodeJS.Timeout | undefined
  #isLooking = false
  #joining: Promise<void> = Promise.resolve()
  #state: MemberState = 'joining'
  #failure: string | undefined
  /** Why it could not begin the last time. */
  #delay: string | undefined

  constructor(plan: BroadcastPlan, settings: QueueSettings, host: ConsumerHost) {
    this.#plan = plan
    this.#settings = settings
    this.#host = host
    this.title = `the broadcast of ${[...plan.consumers.keys()].join(', ')}`
    this.topics = new ConsumedTopics({
      plan,
      settings,
      log: host.log,
      wait: this,
      progress: { describe: (topic) => this.#describe(topic) },
      partitions: () => Array.from(this.#loops, toConsumed),
      state: () => this.#state,
      failure: () => this.#failure,
    })
  }

  async join(signal: AbortSignal): Promise<void> {
    const over = AbortSignal.any([signal, this.#leaving.signal])
    this.topics.watch.start()
    this.#joining = this.#begin(over)
    try {
      await this.#joining
    } catch (error) {
      if (!over.aborted) this.#fail(error)
      throw error
    }
  }

  /** Others have every message too, and what is dropped from a cache is of no use once the process has ended. */
  async finish(): Promise<void> {
    this.topics.watch.stop()
  }

  async leave(signal: AbortSignal): Promise<void> {
    this.topics.leave()
    clearInterval(this.#looking)
    this.#leaving.abort()
    if (this.#state !== 'failed' && this.#state !== 'left') this.#state = 'draining'
    await this.#joining.catch(() => undefined)
    await giveUp([...this.#loops.keys()], signal)
    if (this.#state !== 'failed') this.#state = 'left'
  }

  get unready(): readonly string[] {
    if (this.#state !== 'joining') return []
    return [
      this.#delay === undefined
        ? `${this.title} has not ${this.lack} yet`
        : `${this.title} cannot begin: ${this.#delay}`,
    ]
  }

  /** Nothing is set aside, so nothing waits for that. */
  get hindrances(): readonly string[] {
    return []
  }

  /** @throws ServiceError for what no waiting mends; Error when the signal fires before */
  async #begin(over: AbortSignal): Promise<void> {
    const places = await Promise.all([...this.#plan.consumers.values()].map((one) => this.#placesOf(one, over)))
    over.throwIfAborted()
    for (const place of places.flat()) this.#read(place)
    this.#state = 'assigned'
    this.#looking = setInterval(() => void this.#lookForMore(), lookIntervalMs).unref()
  }

  /** Where each partition is read from. Asks a broker that is away again. */
  async #placesOf({ topic, start = 'latest' }: TopicConsumer, over: AbortSignal): Promise<readonly RecordPlace[]> {
    const { driver, clock } = this.#settings
    const delays = this.#delays()
    const beganAt = clock.now()
    let isTold = false
    for (let missingCount = 0; ; ) {
      try {
        // What has been published since it began is not to be missed, for its service may have been ready all the while.
        const from = isTold && start === 'latest' ? { startAt: beganAt } : start
        const offsets = await orAborted(driver.offsetsAt(topic, from), over)
        return offsets.map((fromOffset, partition) => ({ topic, partition, fromOffset }))
      } catch (error) {
        over.throwIfAborted()
        // A topic that was just created is not known to every broker at once, nor any to a broker that has just started.
        missingCount = hasCode(error, 'not_found') ? missingCount + 1 : 0
        const isMissing = missingCount > 0 && missingCount < missingAttemptCount
        if (!isMissing && !hasCode(error, 'unavailable')) throw error
        this.#delay = failureText(error)
        if (!isTold) this.#host.log.warn({ topic, err: error }, `${this.title} cannot begin; tries again`)
        isTold = true
      }
      await clock.wait(delays.next().value, over)
      over.throwIfAborted()
    }
  }

  /** Partitions that a topic did not have before are read from their beginning. */
  async #lookForMore(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    for (const topic of this.#plan.consumers.keys()) await this.#lookAt(topic)
    this.#isLooking = false
  }

  async #lookAt(topic: string): Promise<void> {
    const offsets = await this.#settings.driver.offsetsAt(topic, 'earliest').catch(() => [])
    // What cannot go on has lost its loops, and is not to begin again.
    if (this.#state !== 'assigned') return
    const known = new Set(this.#partitionsOf(topic).map(({ partition }) => partition))
    for (const [partition, fromOffset] of offsets.entries())
      if (!known.has(partition)) this.#read({ topic, partition, fromOffset })
  }

  #read(place: RecordPlace): void {
    const consumer = this.#plan.consumers.get(place.topic)
    const places = consumer && this.topics.placesOf(consumer)
    if (consumer === undefined || places === undefined) return
    const { slots, batcher } = places
    const settings = this.#settings
    const { log } = this.#host
    const { driver, clock } = settings
    const partition = new BroadcastPartition(place, { driver, clock, log, delays: () => this.#delays() })
    const fail = (error: unknown) => this.#fail(error)
    const loop = new PartitionLoop(partition, consumer, { settings, log, slots, batcher, fail })
    this.#loops.set(partition, loop)
    this.topics.watch.add(loop)
    void this.#run(partition, loop)
  }

  async #run(partition: BroadcastPartition, loop: PartitionLoop): Promise<void> {
    const { topic, partition: index } = partition
    await loop.run()
    partition.settle()
    this.#loops.delete(partition)
    this.topics.watch.remove(loop)
    if (partition.isAnother && !this.#leaving.signal.aborted) this.#read({ topic, partition: index, fromOffset: 0 })
  }

  /** Before a broker is asked again. Not those of messages, which may be hours apart. */
  #delays(): Generator<number, never> {
    return endlessDelays({ retry: lookDelays, random: this.#settings.random })
  }

  #fail(error: unknown): void {
    if (this.#leaving.signal.aborted) return
    this.#failure ??= failureText(error)
    const hasBegun = this.#state !== 'joining'
    this.#state = 'failed'
    if (hasBegun) this.#host.fail(error)
  }

  #partitionsOf(topic: string): readonly BroadcastPartition[] {
    return [...this.#loops.keys()].filter((partition) => partition.topic === topic)
  }

  /** How far each partition is done with in this process. @throws as `describe` of the driver */
  async #describe(topic: string): Promise<readonly PartitionProgress[]> {
    const progress = await this.#settings.driver.describe(topic)
    const done = new Map(this.#partitionsOf(topic).map(({ partition, doneOffset }) => [partition, doneOffset]))
    return progress.map((one) => ({ ...one, committedOffset: done.get(one.partition) ?? one.nextOffset }))
  }
}

function toConsumed([partition, loop]: readonly [BroadcastPartition, PartitionLoop]): ConsumedPartition {
  // Nothing is set aside for one process alone.
  return { partition, loop, parkedCount: 0, haltedCount: loop.haltedCount, retryHalted: () => loop.retryHalted() }
}

function hasCode(error: unknown, code: ErrorCode): boolean {
  return ServiceError.is(error) && error.code === code
}

/** How soon a partition is found that a topic did not have before. A guess: it is read from its beginning, so nothing is lost. */
const lookIntervalMs = 60_000
/** A guess: a topic that is made anew should not outgrow what was read before it is found. */
const lookDelays = { initialDelayMs: 200, maxDelayMs: 5_000 }
/** How often in a row a topic is looked for that is not there, with waits between: some seconds. A guess. */
const missingAttemptCount = 5
