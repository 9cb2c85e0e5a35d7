import type { TransportHost } from '@tenon/core/transport'
import type { AssignedPartition, MemberState, QueueMember } from '../queue-driver.ts'
import type { QueueSettings } from '../queue-options.ts'
import { unlessAborted } from '../wait.ts'
import { PartitionLoop } from './consume-loop.ts'
import type { GroupPlan, TopicConsumer } from './consumer-plan.ts'
import { Slots } from './slots.ts'

/** How a consumer is doing: one handler of one topic, in this process. */
export interface ConsumerReport {
  readonly group: string
  readonly topic: string
  /** The operation's id, or `consume <topic>`. */
  readonly handler: string
  readonly state: MemberState
  /** The partitions that this process owns. */
  readonly partitions: readonly number[]
  /** Messages of the whole topic that the group has not committed, whoever owns their partitions; undefined when the broker did not say. */
  readonly lagCount: number | undefined
  /** Age of the oldest message that this process has taken and not come to an outcome with, in milliseconds; undefined without one. */
  readonly oldestAgeMs: number | undefined
}

/** What a group consumer needs of the service around it. */
export type ConsumerHost = Pick<TransportHost, 'log' | 'fail'>

/** The membership of this process in one group, with a loop for every partition it owns. */
export class GroupConsumer {
  readonly group: string
  readonly #plan: GroupPlan
  readonly #settings: QueueSettings
  readonly #host: ConsumerHost
  readonly #slots: ReadonlyMap<string, Slots>
  readonly #loops = new Map<AssignedPartition, PartitionLoop>()
  #isFinishing = false
  #joining: Promise<QueueMember> | undefined
  #member: QueueMember | undefined

  constructor(plan: GroupPlan, settings: QueueSettings, host: ConsumerHost) {
    this.group = plan.group
    this.#plan = plan
    this.#settings = settings
    this.#host = host
    this.#slots = new Map([...plan.consumers.keys()].map((topic) => [topic, new Slots(settings.concurrency)]))
  }

  /** Resolves with the first assignment. @throws Error when the group cannot be joined, or the signal fires before. */
  async join(signal: AbortSignal): Promise<void> {
    const { group, consumers } = this.#plan
    const { log } = this.#host
    const fail = (error: unknown) => this.#host.fail(error)
    const consume = (partition: AssignedPartition) => this.#consume(partition).catch(fail)
    this.#joining = this.#settings.driver.join({ group, topics: [...consumers.keys()], log, consume, fail }, signal)
    this.#member = await this.#joining
  }

  /** Handles what nobody would handle after this process. */
  async finish(signal: AbortSignal): Promise<void> {
    const member = await unlessAborted(this.#joined(), signal)
    if (member?.finish === undefined) return
    this.#isFinishing = true
    for (const loop of this.#loops.values()) loop.hasten()
    await member.finish(signal)
  }

  async leave(signal: AbortSignal): Promise<void> {
    const member = await this.#joined()
    await member?.leave(signal)
  }

  /** A report for each topic. */
  async report(): Promise<readonly ConsumerReport[]> {
    return Promise.all([...this.#plan.consumers.values()].map((consumer) => this.#reportOn(consumer)))
  }

  async #joined(): Promise<QueueMember | undefined> {
    return this.#joining?.catch(() => undefined)
  }

  async #consume(partition: AssignedPartition): Promise<void> {
    const { topic } = partition
    const consumer = this.#plan.consumers.get(topic)
    const slots = this.#slots.get(topic)
    if (consumer === undefined || slots === undefined) return
    const loop = new PartitionLoop(partition, consumer, { settings: this.#settings, log: this.#host.log, slots })
    this.#loops.set(partition, loop)
    if (this.#isFinishing) loop.hasten()
    try {
      await loop.run()
    } finally {
      this.#loops.delete(partition)
    }
  }

  async #reportOn({ topic, group, handler }: TopicConsumer): Promise<ConsumerReport> {
    const lagCount = await this.#lagOf(topic)
    const own = [...this.#loops].filter(([partition]) => partition.topic === topic)
    const producedAt = own.flatMap(([, { oldestAt }]) => oldestAt ?? [])
    const oldestAt = producedAt.length > 0 ? Math.min(...producedAt) : undefined
    return {
      group,
      topic,
      handler,
      state: this.#member?.state ?? 'joining',
      partitions: own.map(([{ partition }]) => partition).toSorted((one, other) => one - other),
      lagCount,
      oldestAgeMs: oldestAt === undefined ? undefined : Math.max(0, this.#settings.clock.now() - oldestAt),
    }
  }

  async #lagOf(topic: string): Promise<number | undefined> {
    try {
      const partitions = await this.#settings.driver.describe(topic, this.group)
      return partitions.reduce(
        (sum, { earliestOffset, nextOffset, committedOffset = earliestOffset }) =>
          sum + Math.max(0, nextOffset - Math.max(committedOffset, earliestOffset)),
        0,
      )
    } catch (error) {
      this.#host.log.warn({ err: error, topic, group: this.group }, 'the lag of a consumer could not be read')
      return undefined
    }
  }
}
