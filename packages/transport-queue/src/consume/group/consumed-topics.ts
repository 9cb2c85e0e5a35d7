import type { Logger, Pressure } from '@tenon/core/transport'
import type { AssignedPartition, MemberState, QueueDriver } from '../../queue-driver.ts'
import type { QueueSettings } from '../../queue-options.ts'
import type { PartitionLoop } from '../consume-loop.ts'
import type { ConsumerPlan, TopicConsumer } from '../plan/consumer-plan.ts'
import { type ConsumerPlaces, flushAll, placesOf } from '../turn/consumer-places.ts'
import type { ConsumerReport } from '../watch/consumer-report.ts'
import { GroupWatch } from '../watch/group-watch.ts'
import type { JoinWait } from '../watch/join-watch.ts'
import { toReport } from '../watch/to-report.ts'
import { TopicLag } from '../watch/topic-lag.ts'

/** A partition that is consumed in this process. */
export interface ConsumedPartition {
  readonly partition: Pick<AssignedPartition, 'topic'>
  readonly loop: Pick<PartitionLoop, 'partition' | 'oldest' | 'oldestAt'>
  /** How many messages were set aside and have no outcome. */
  readonly parkedCount: number
  /** How many messages are halted, set aside or not. */
  readonly haltedCount: number
  /** Gives attempts anew to those that are halted. How many there were. */
  retryHalted(): number
}

export interface ConsumedSurroundings {
  readonly plan: ConsumerPlan
  readonly settings: QueueSettings
  readonly log: Logger
  /** What it does while it joins. */
  readonly wait: JoinWait
  /** Who says how far its topics are done with. */
  readonly progress: Pick<QueueDriver, 'describe'>
  /** Those that it reads now. */
  partitions(): Iterable<ConsumedPartition>
  state(): MemberState
  /** Why it cannot go on, if so. */
  failure(): string | undefined
  /** Told when it may be ready, or is not any more, because of what is found of its topics. */
  changed?(): void
}

/** The topics of a group or a broadcast in this process: what is looked at and told of them. */
export class ConsumedTopics {
  /** Finds what stands still of them. */
  readonly watch: GroupWatch
  readonly #surroundings: ConsumedSurroundings
  /** By handler: one that reads older topics too has no more places for that. */
  readonly #places: ReadonlyMap<string, ConsumerPlaces>
  readonly #lags: ReadonlyMap<string, TopicLag>

  constructor(surroundings: ConsumedSurroundings) {
    const { plan, settings, log, progress: driver } = surroundings
    const { group } = plan
    const { clock } = settings
    const topics = [...plan.consumers.keys()]
    this.#surroundings = surroundings
    this.#places = placesOf(plan, settings, log)
    this.#lags = new Map(topics.map((topic) => [topic, new TopicLag({ topic, group, driver, clock, log })]))
    this.watch = new GroupWatch({ ...surroundings, lags: this.#lags, slots: this.#places })
  }

  /** What stands still, in words; nothing while all goes on. */
  get standstills(): readonly string[] {
    return this.watch.standstills
  }

  /** What the handler of a topic may have in hand. */
  placesOf({ handler }: Pick<TopicConsumer, 'handler'>): ConsumerPlaces | undefined {
    return this.#places.get(handler)
  }

  /** From now on lets no message wait for others of its batch. */
  hasten(): void {
    for (const { batcher } of this.#places.values()) batcher?.hasten()
  }

  /** Looks no more for what stands still, and lets no message wait for others that is there now. */
  leave(): void {
    this.watch.stop()
    flushAll(this.#places)
  }

  /** While it is high no message begins; those that have begun go on. */
  pressureChanged(pressure: Pressure): void {
    for (const places of this.#places.values())
      if (pressure === 'high') places.hold()
      else places.resume()
  }

  /** A report for each topic, once the broker has said how much is left. */
  async report(): Promise<readonly ConsumerReport[]> {
    await this.refresh()
    return this.known()
  }

  /** What is known without asking the broker. */
  known(): readonly ConsumerReport[] {
    return [...this.#surroundings.plan.consumers.values()].map((consumer) => this.#reportOn(consumer))
  }

  /** Asks the broker how much is left. Never rejects. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#lags.values()].map((lag) => lag.read()))
  }

  /** Gives attempts anew to halted messages of a topic. How many there were; undefined for a topic that is not consumed here. */
  retryHalted(topic: string): number | undefined {
    if (!this.#surroundings.plan.consumers.has(topic)) return undefined
    return this.#partitionsOf(topic).reduce((sum, one) => sum + one.retryHalted(), 0)
  }

  #partitionsOf(topic: string): readonly ConsumedPartition[] {
    return [...this.#surroundings.partitions()].filter(({ partition }) => partition.topic === topic)
  }

  #reportOn(consumer: TopicConsumer): ConsumerReport {
    const { settings, state, failure } = this.#surroundings
    const { topic } = consumer
    const own = this.#partitionsOf(topic)
    return toReport({
      consumer,
      connection: settings.name,
      state: state(),
      joiningSinceAt: this.watch.joiningSinceAt,
      failure: failure(),
      isHeld: this.placesOf(consumer)?.isHeld === true,
      lag: this.#lags.get(topic),
      loops: own.map(({ loop }) => loop),
      parkedCount: own.reduce((sum, { parkedCount }) => sum + parkedCount, 0),
      haltedCount: own.reduce((sum, { haltedCount }) => sum + haltedCount, 0),
      stalls: this.watch.stallsOf(topic),
      now: settings.clock.now(),
    })
  }
}
