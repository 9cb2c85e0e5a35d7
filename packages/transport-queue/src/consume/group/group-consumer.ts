import { type ConsumerStart, type TransportHost, unlessAborted } from '@tenon/core/transport'
import type { AssignedPartition, MemberState, QueueMember } from '../../queue-driver.ts'
import type { QueueSettings } from '../../queue-options.ts'
import { PartitionConsumer } from '../partition-consumer.ts'
import { SharedProgress } from '../retry/topic/shared-progress.ts'
import type { GroupPlan } from '../plan/consumer-plan.ts'
import { failureText } from '../watch/consumer-report.ts'
import { ConsumedTopics } from './consumed-topics.ts'
import { GroupBeginnings } from './group-beginnings.ts'
import type { ServedConsumer } from '../served-consumer.ts'

/** What a group consumer needs of the service around it. */
export type ConsumerHost = Pick<TransportHost, 'log' | 'fail' | 'healthChanged'>

/** The membership of this process in one group, with a loop for every partition it owns. */
export class GroupConsumer implements ServedConsumer {
  readonly title: string
  readonly lack = 'been given its partitions'
  readonly group: string
  readonly topics: ConsumedTopics
  readonly #plan: GroupPlan
  readonly #settings: QueueSettings
  readonly #host: ConsumerHost
  readonly #progress: SharedProgress
  readonly #starts: ReadonlyMap<string, ConsumerStart>
  readonly #beginnings: GroupBeginnings
  readonly #partitions = new Map<AssignedPartition, PartitionConsumer>()
  #isFinishing = false
  #joining: Promise<QueueMember> | undefined
  #member: QueueMember | undefined
  /** Whether it is known where those begin that it was given first, or that was waited for long enough. */
  #hasBegun = false
  /** Why it cannot go on, if so. */
  #failure: string | undefined

  constructor(plan: GroupPlan, settings: QueueSettings, host: ConsumerHost) {
    const { group } = plan
    const { driver, clock } = settings
    this.title = `group ${group}`
    this.group = group
    this.#plan = plan
    this.#settings = settings
    this.#host = host
    this.#progress = new SharedProgress(driver, clock)
    const state = () => this.#memberState
    this.topics = new ConsumedTopics({
      plan,
      settings,
      log: host.log,
      wait: this,
      progress: driver,
      partitions: () => this.#partitions.values(),
      state,
      failure: () => this.#failure,
      changed: () => this.#host.healthChanged?.(),
    })
    this.#starts = startsOf(plan.consumers)
    this.#beginnings = new GroupBeginnings({ group, starts: this.#starts, clock, watch: this.topics.watch, state })
  }

  /** Resolves with the first assignment. @throws Error when the group cannot be joined, or the signal fires before. */
  async join(signal: AbortSignal): Promise<void> {
    const { group, consumers } = this.#plan
    const { log } = this.#host
    const fail = (error: unknown) => this.#fail(error)
    const consume = (partition: AssignedPartition) => this.#consume(partition).catch(fail)
    const membership = { group, topics: [...consumers.keys()], starts: this.#starts, log, consume, fail }
    this.topics.watch.start()
    this.#joining = this.#settings.driver.join(membership, signal)
    try {
      this.#member = await this.#joining
      await this.#beginnings.known(signal)
      this.#hasBegun = true
    } catch (error) {
      if (!signal.aborted) this.#failure ??= failureText(error)
      throw error
    }
  }

  /** Handles what nobody would handle after this process. */
  async finish(signal: AbortSignal): Promise<void> {
    const member = await unlessAborted(this.#joined(), signal)
    if (member?.finish === undefined) return
    this.#isFinishing = true
    this.topics.watch.stop()
    for (const one of this.#partitions.values()) one.hasten()
    this.topics.hasten()
    await member.finish(signal)
  }

  async leave(signal: AbortSignal): Promise<void> {
    this.topics.leave()
    const member = await this.#joined()
    await member?.leave(signal)
  }

  /** It has not been given its partitions once, which may be none, or does not know where those begin, or cannot begin them. */
  get unready(): readonly string[] {
    if (this.#hasBegun) return this.topics.watch.unbegun
    const { unknown } = this.#beginnings
    return this.#member && unknown.length > 0 ? unknown : [`${this.title} has not ${this.lack} yet`]
  }

  /** What holds up partitions that no new process would mend, in words. */
  get hindrances(): readonly string[] {
    const hindered = [...this.#partitions.values()].flatMap(({ partition, hindrance }) =>
      hindrance === undefined ? [] : `partition ${partition.partition} of ${partition.topic}: ${hindrance}`,
    )
    return this.#hasBegun ? [...hindered, ...this.#beginnings.longUnknown] : hindered
  }

  async #joined(): Promise<QueueMember | undefined> {
    return this.#joining?.catch(() => undefined)
  }

  async #consume(partition: AssignedPartition): Promise<void> {
    const { topic } = partition
    const consumer = this.#plan.consumers.get(topic)
    const places = consumer && this.topics.placesOf(consumer)
    if (consumer === undefined || places === undefined) return
    const { slots, batcher } = places
    const fail = (error: unknown) => this.#fail(error)
    const { log } = this.#host
    const progress = this.#progress
    const begun = () => hasBegun()
    const surroundings = { settings: this.#settings, log, slots, batcher, progress, fail, begun }
    const one = new PartitionConsumer(partition, consumer, surroundings)
    const hasBegun = this.#beginnings.given(partition)
    this.#partitions.set(partition, one)
    for (const loop of one.watched) this.topics.watch.add(loop)
    if (this.#isFinishing) one.hasten()
    try {
      await one.run()
    } finally {
      hasBegun()
      this.#partitions.delete(partition)
      for (const loop of one.watched) this.topics.watch.remove(loop)
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= failureText(error)
    this.#host.fail(error)
  }

  get #memberState(): MemberState {
    return this.#failure === undefined ? (this.#member?.state ?? 'joining') : 'failed'
  }
}

/** Where the group begins in each topic that says so. */
function startsOf(consumers: GroupPlan['consumers']): ReadonlyMap<string, ConsumerStart> {
  const said = [...consumers.values()].map(({ topic, start }) => [topic, start] as const)
  return new Map(said.flatMap(([topic, start]) => (start === undefined ? [] : [[topic, start] as const])))
}
