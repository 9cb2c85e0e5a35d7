import { type ConsumerStart, unlessAborted } from '@tenon/core/transport'
import type { Cluster, Consumer, EachBatchPayload } from 'kafkajs'
import type { AssignedPartition, Membership } from '../../queue-driver.ts'
import { wait, within } from '../../wait.ts'
import { inTime } from '../in-time.ts'
import { giveUp } from '../ownership.ts'
import { missingTopicPatienceMs, notAllowedBeside, notCommitted, nothingBeside } from '../kafka/kafka-refusal.ts'
import { StartWait } from '../kafka/start-wait.ts'
import { type DoneOffset, PartitionFeed } from '../partition-feed.ts'
import { committedOffset, tellBeginnings } from './kafkajs-beginning.ts'
import { commitDirectly, type MemberIdentity } from './kafkajs-commit.ts'
import { kafkaErrorType, reasonOf, toRecord } from './kafkajs-mapping.ts'
import type { KafkajsSettings } from './kafkajs-options.ts'
import { settleStart, type StartSurroundings, type TopicStart } from './kafkajs-starts.ts'

interface FeedSurroundings {
  readonly consumer: Consumer
  readonly membership: Membership
  readonly settings: KafkajsSettings
  /** Fires when the member leaves without waiting. */
  readonly cut: AbortSignal
  /** The consumer's own; undefined until it joins. */
  cluster(): Cluster | undefined
}

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** The partitions that a kafkajs consumer was given in one generation: what it pushes goes in, and commits go out. */
export class KafkajsFeeds {
  readonly #surroundings: FeedSurroundings
  readonly #feeds = new Map<string, PartitionFeed>()
  /** Where the group begins in topics of which it may have committed nothing. */
  readonly #unsettled: Map<string, ConsumerStart>
  readonly #wait: StartWait
  /** The newest payload: its functions act for the member as a whole. */
  #session: EachBatchPayload | undefined

  constructor(surroundings: FeedSurroundings) {
    const { membership, settings } = surroundings
    this.#surroundings = surroundings
    this.#unsettled = new Map(membership.starts)
    this.#wait = new StartWait({ membership, sessionTimeoutMs: settings.sessionTimeoutMs })
  }

  /** Begins to consume the partitions of a new generation, in which the group knows the member by the identity. */
  assign(topics: readonly TopicPartitions[], identity: MemberIdentity): void {
    const { consumer, membership } = this.#surroundings
    // kafkajs remembers what was paused before the rebalance.
    consumer.resume(topics.map(({ topic, partitions }) => ({ topic, partitions: [...partitions] })))
    const commit = (feed: PartitionFeed, done: DoneOffset) => this.#commit(feed, done, identity)
    const feeds = topics.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => new PartitionFeed({ topic, partition, commit })),
    )
    for (const feed of feeds) {
      this.#feeds.set(idOf(feed), feed)
      void membership.consume(feed).finally(() => feed.settle())
    }
    const cluster = this.#surroundings.cluster()
    if (cluster === undefined) return
    const starts = [...this.#unsettled].flatMap(([topic, start]) => {
      const own = feeds.filter((feed) => feed.topic === topic)
      return own.length > 0 ? [{ topic, start, feeds: own }] : []
    })
    const { group } = membership
    for (const wanted of starts) void this.#begin({ cluster, group, identity, wait: this.#wait }, wanted)
    const plain = feeds.filter(({ topic }) => !this.#unsettled.has(topic))
    void tellBeginnings(cluster, membership, plain)
  }

  /** Fetches nothing of a topic before it is known where its group begins. */
  async #begin(surroundings: StartSurroundings, wanted: TopicStart): Promise<void> {
    const { consumer } = this.#surroundings
    const { topic, feeds } = wanted
    const which = [{ topic, partitions: feeds.map(({ partition }) => partition) }]
    consumer.pause(which)
    const settled = await settleStart(surroundings, wanted)
    if (settled === undefined || feeds.some(({ revoked }) => revoked.aborted)) return
    this.#unsettled.delete(topic)
    for (const feed of feeds) {
      const offset = settled.offsets.get(feed.partition)
      if (settled.isOld || offset === undefined) continue
      // kafkajs may have looked before it was committed.
      ignoreStopped(() => consumer.seek({ topic, partition: feed.partition, offset: String(offset) }))
      feed.startAt(offset)
    }
    ignoreStopped(() => consumer.resume(which))
    void tellBeginnings(surroundings.cluster, this.#surroundings.membership, feeds)
  }

  /** Takes no more records. */
  end(): void {
    const { consumer, membership } = this.#surroundings
    ignoreStopped(() => consumer.pause(membership.topics.map((topic) => ({ topic }))))
  }

  /** Waits for what runs, and loses what still does when the signal fires. */
  async giveUp(signal: AbortSignal): Promise<void> {
    await giveUp([...this.#feeds.values()], signal)
  }

  /** The same within the group's bound, while the session is kept; loses all when the signal fires, for then it was not. */
  async giveUpForRebalance(forgotten: AbortSignal = new AbortController().signal): Promise<void> {
    if (this.#feeds.size === 0) return
    const { heartbeatIntervalMs, rebalanceTimeoutMs } = this.#surroundings.settings
    // A heartbeat keeps the session, also when it is answered that a rebalance is under way.
    const beating = setInterval(() => void this.#session?.heartbeat().catch(() => undefined), heartbeatIntervalMs)
    try {
      await this.giveUp(AbortSignal.any([AbortSignal.timeout(rebalanceTimeoutMs * revokeShare), forgotten]))
    } finally {
      clearInterval(beating)
    }
    this.#feeds.clear()
  }

  lose(): void {
    for (const feed of this.#feeds.values()) feed.lose()
    this.#feeds.clear()
  }

  async receive(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload
    const feed = this.#feeds.get(idOf(batch))
    if (feed === undefined || feed.revoked.aborted || !this.#isNext(payload)) {
      // Not resolved, so it is fetched again. The wait keeps that from spinning while the group is joined.
      await wait(50, this.#surroundings.cut)
      return
    }
    this.#session = payload
    feed.startAt(Number(Reflect.get(batch, 'fetchedOffset')))
    feed.push(batch.messages.map((message) => toRecord(batch, message)))
    payload.resolveOffset(batch.lastOffset())
    if (!feed.hasRoom) await this.#hold(feed, payload)
  }

  /**
   * Whether a batch begins where its partition now stands. One that was on its way during a rebalance does not, and would
   * leave a gap before it. What kafkajs knows of both positions is not in its types.
   */
  #isNext({ batch, uncommittedOffsets }: EachBatchPayload): boolean {
    const fetchedAt: unknown = Reflect.get(batch, 'fetchedOffset')
    const resolved = uncommittedOffsets()
      .topics.find(({ topic }) => topic === batch.topic)
      ?.partitions.find(({ partition }) => Number(partition) === batch.partition)
    return fetchedAt === (resolved?.offset ?? this.#committedOffset(batch))
  }

  #committedOffset({ topic, partition }: EachBatchPayload['batch']): unknown {
    const { membership } = this.#surroundings
    const cluster = this.#surroundings.cluster()
    return cluster && committedOffset(cluster, { group: membership.group, topic, partition })
  }

  /** Back-pressure: a short while by holding up the fetch, which then goes on at once; a long one by pausing. */
  async #hold(feed: PartitionFeed, { heartbeat }: EachBatchPayload): Promise<void> {
    const { consumer, settings } = this.#surroundings
    await unlessAborted(feed.whenRoom(), AbortSignal.timeout(Math.min(1_000, settings.heartbeatIntervalMs)))
    await heartbeat()
    if (feed.hasRoom) return
    const which = [{ topic: feed.topic, partitions: [feed.partition] }]
    consumer.pause(which)
    void feed.whenRoom().then(() => {
      if (!feed.revoked.aborted) ignoreStopped(() => consumer.resume(which))
    })
  }

  async #commit(feed: PartitionFeed, done: DoneOffset, identity: MemberIdentity): Promise<boolean> {
    const begunAt = Date.now()
    const isBeside = done.topic !== feed.topic
    for (let attempt = 1; ; attempt++) {
      try {
        if (isBeside) return await this.#commitBesideOnce(feed, done, identity)
        return await this.#commitOnce(feed, done)
      } catch (error) {
        const type = kafkaErrorType(error)
        if (notOurs.has(type)) return false
        const takenMs = Date.now() - begunAt
        const isMissing = isBeside && type === 'UNKNOWN_TOPIC_OR_PARTITION' && takenMs >= missingTopicPatienceMs
        if (isMissing) throw nothingBeside(feed, done.topic)
        const refusal = isBeside ? notAllowedBeside(new Set([type]), done.topic) : undefined
        if (refusal !== undefined) throw refusal
        if (takenMs >= commitTimeoutMs) throw notCommitted(reasonOf(error), error)
      }
      await wait(commitRetryMs * attempt, feed.lost)
    }
  }

  async #commitOnce(feed: PartitionFeed, { topic, nextOffset }: DoneOffset): Promise<boolean> {
    // Whether it is ours is asked again for every try; kafkajs's own would try again in another generation.
    const session = this.#session
    if (feed.lost.aborted || session === undefined) return false
    const partitions = [{ partition: feed.partition, offset: String(nextOffset) }]
    const committing = session.commitOffsetsIfNecessary({ topics: [{ topic, partitions }] })
    const stored = within(committing, commitAttemptTimeoutMs, 'the coordinator did not answer').then(() => true)
    return (await unlessAborted(stored, feed.lost)) ?? false
  }

  /** kafkajs keeps account of its own topics, so the coordinator is asked without it, also before anything was fetched. */
  async #commitBesideOnce(feed: PartitionFeed, done: DoneOffset, identity: MemberIdentity): Promise<boolean> {
    const cluster = this.#surroundings.cluster()
    if (feed.lost.aborted || cluster === undefined) return false
    const { group } = this.#surroundings.membership
    const commit = { group, partition: feed.partition, ...done, ...identity }
    return inTime({ timeoutMs: commitAttemptTimeoutMs, signal: feed.lost }, async (over) => {
      const stored = commitDirectly(cluster, commit, over).then(() => true)
      const isStored = await unlessAborted(stored, over)
      if (isStored === undefined && !feed.lost.aborted) throw new Error('the coordinator did not answer')
      return isStored ?? false
    })
  }
}

/** Part of the rebalance time-out that running messages get; the rest is for joining. A guess. */
const revokeShare = 0.8
/** Bound a commit, and each of its tries: kafkajs would look for a coordinator that is gone for minutes. Guesses. */
const commitTimeoutMs = 4_000
const commitAttemptTimeoutMs = 2_000
const commitRetryMs = 100

/** What a coordinator says to a member whose partitions are another's. */
const notOurs: ReadonlySet<string> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
])

/** kafkajs throws for a consumer that does not run, also when it is just between two runs. */
function ignoreStopped(act: () => void): void {
  try {
    act()
  } catch {
    // Nothing is fetched then, which is as good as paused; what is assigned next is resumed.
  }
}

function idOf({ topic, partition }: Pick<AssignedPartition, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`
}
