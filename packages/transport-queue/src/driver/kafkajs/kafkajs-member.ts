import { ServiceError } from '@tenon/core/transport'
import type { Cluster, Consumer, EachBatchPayload, IMemberAssignment } from 'kafkajs'
import type { AssignedPartition, Membership, MemberState, QueueMember } from '../../queue-driver.ts'
import { orAborted, unlessAborted, wait, whileCuttable, within } from '../../wait.ts'
import {
  cutDisconnectTimeoutMs,
  disconnectTimeoutMs,
  type Kafkajs,
  type KafkajsClient,
  patientRetry,
} from './kafkajs-client.ts'
import { kafkaErrorType, reasonOf, toRecord } from './kafkajs-mapping.ts'
import type { KafkajsSettings } from './kafkajs-options.ts'
import { JoinGate, LeavingError, removeMember } from './kafkajs-join.ts'
import { giveUp } from '../ownership.ts'
import { PartitionFeed } from '../partition-feed.ts'

interface MemberSurroundings {
  readonly membership: Membership
  readonly settings: KafkajsSettings
  openClient(): KafkajsClient
}

/**
 * A kafkajs consumer that only fetches: what it pushes goes into feeds, and the loops that read them commit. So a slow
 * partition holds up no other, and a long handler never keeps the consumer from its heartbeats.
 */
export class KafkajsMember implements QueueMember {
  readonly #membership: Membership
  readonly #settings: KafkajsSettings
  readonly #client: KafkajsClient
  readonly #consumer: Consumer
  readonly #feeds = new Map<string, PartitionFeed>()
  readonly #joined = Promise.withResolvers<void>()
  readonly #cut = new AbortController()
  readonly #openClient: () => KafkajsClient
  readonly #library: Kafkajs
  #cluster: Cluster | undefined
  #gate: JoinGate | undefined
  /** The newest payload: its functions act for the member as a whole. */
  #session: EachBatchPayload | undefined
  #state: MemberState = 'joining'
  #hasJoined = false
  #starting: Promise<void> = Promise.resolve()
  #leaving: Promise<void> | undefined

  constructor(library: Kafkajs, { membership, settings, openClient }: MemberSurroundings) {
    this.#library = library
    this.#openClient = openClient
    this.#client = openClient()
    this.#membership = membership
    this.#settings = settings
    this.#joined.promise.catch(() => undefined)
    this.#consumer = this.#client.kafka.consumer({
      groupId: membership.group,
      sessionTimeout: settings.sessionTimeoutMs,
      heartbeatInterval: settings.heartbeatIntervalMs,
      rebalanceTimeout: settings.rebalanceTimeoutMs,
      // The default of 5 s is what an idle disconnect then takes.
      maxWaitTimeInMs: 500,
      allowAutoTopicCreation: false,
      retry: { ...patientRetry, restartOnFailure: () => Promise.resolve(this.#leaving === undefined) },
      // The assigner's configuration is the public way to this consumer's cluster.
      partitionAssigners: [
        (config) => {
          this.#cluster = config.cluster
          this.#gate = new JoinGate(config.cluster, {
            beforeJoin: () => this.#giveUpAll(),
            isLeaving: () => this.#leaving !== undefined,
            refuse: (memberId) => {
              void this.#remove(memberId).catch(() => undefined)
              return new LeavingError()
            },
          })
          return library.PartitionAssigners.roundRobin(config)
        },
      ],
    })
    const { GROUP_JOIN, CRASH } = this.#consumer.events
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#assign(payload.memberAssignment))
    this.#consumer.on(CRASH, ({ payload }) => this.#recover(payload.error, payload.restart))
  }

  get state(): MemberState {
    return this.#state
  }

  async join(signal: AbortSignal): Promise<void> {
    this.#starting = this.#start().catch((error: unknown) => this.#joined.reject(error))
    await orAborted(this.#joined.promise, signal)
  }

  async leave(signal: AbortSignal): Promise<void> {
    const leaving = () => (this.#leaving ??= this.#leave())
    await whileCuttable(leaving, signal, () => this.#cut.abort())
  }

  async #start(): Promise<void> {
    await this.#consumer.connect()
    for (let attempt = 1; !(await this.#subscribe(attempt)); attempt++)
      await wait(subscribeRetryMs * attempt, this.#cut.signal)
    if (this.#leaving) return
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: concurrentPushCount,
      eachBatch: (payload) => this.#receive(payload),
    })
  }

  /** False when the brokers have not heard yet of a topic that was just created. */
  async #subscribe(attempt: number): Promise<boolean> {
    try {
      await this.#consumer.subscribe({ topics: [...this.#membership.topics], fromBeginning: true })
      return true
    } catch (error) {
      if (attempt === subscribeAttemptCount || !notYetThere.has(kafkaErrorType(error))) throw error
      return this.#leaving !== undefined
    }
  }

  async #leave(): Promise<void> {
    if (this.#state !== 'failed') this.#state = 'draining'
    ignoreStopped(() => this.#consumer.pause(this.#membership.topics.map((topic) => ({ topic }))))
    await giveUp([...this.#feeds.values()], this.#cut.signal)
    const timeoutMs = this.#cut.signal.aborted ? cutDisconnectTimeoutMs : disconnectTimeoutMs
    await within(this.#abandonJoin(), timeoutMs, 'still in the group').catch(() => undefined)
    // A consumer that is disconnected while it starts would start all the same.
    await within(this.#starting, timeoutMs, 'still joining').catch(() => undefined)
    await this.#client.disconnect(this.#consumer, timeoutMs)
    this.#state = 'left'
  }

  /** Ends a join that waits for others: kafkajs hears that it is no member, and finds the gate shut. */
  async #abandonJoin(): Promise<void> {
    const memberId = this.#gate?.joiningMemberId
    if (memberId !== undefined) await this.#remove(memberId)
  }

  #remove(memberId: string): Promise<void> {
    return removeMember(this.#library, this.#openClient(), { group: this.#membership.group, memberId })
  }

  async #giveUpAll(): Promise<void> {
    const feeds = [...this.#feeds.values()]
    if (feeds.length === 0) return
    const { heartbeatIntervalMs, rebalanceTimeoutMs } = this.#settings
    if (this.#state === 'assigned') this.#state = 'joining'
    // A heartbeat keeps the session, also when it is answered that a rebalance is under way.
    const beating = setInterval(() => void this.#session?.heartbeat().catch(() => undefined), heartbeatIntervalMs)
    try {
      await giveUp(feeds, AbortSignal.timeout(rebalanceTimeoutMs * revokeShare))
    } finally {
      clearInterval(beating)
    }
    this.#feeds.clear()
  }

  #assign(assignment: IMemberAssignment): void {
    this.#gate?.hasJoined()
    if (this.#leaving) return
    const topics = Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions: [...partitions] }))
    // kafkajs remembers what was paused before the rebalance.
    this.#consumer.resume(topics)
    const commit = (feed: PartitionFeed, nextOffset: number) => this.#commit(feed, nextOffset)
    for (const { topic, partitions } of topics)
      for (const partition of partitions) this.#consume(new PartitionFeed({ topic, partition, commit }))
    this.#state = 'assigned'
    this.#membership.log.info({ group: this.#membership.group, assignment }, 'joined the consumer group')
    this.#hasJoined = true
    this.#joined.resolve()
  }

  #consume(feed: PartitionFeed): void {
    this.#feeds.set(idOf(feed), feed)
    void this.#membership.consume(feed).finally(() => feed.settle())
  }

  async #receive(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload
    const feed = this.#feeds.get(idOf(batch))
    if (feed === undefined || feed.revoked.aborted || !this.#isNext(payload)) {
      // Not resolved, so it is fetched again. The wait keeps that from spinning while the group is joined.
      await wait(50, this.#cut.signal)
      return
    }
    this.#session = payload
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
    const read: unknown = this.#cluster && Reflect.get(this.#cluster, 'committedOffsets')
    if (typeof read !== 'function') return undefined
    const offsets = Reflect.apply(read, this.#cluster, [{ groupId: this.#membership.group }]) as CommittedOffsets
    return offsets[topic]?.[partition]
  }

  /** Back-pressure: a short while by holding up the fetch, which then goes on at once; a long one by pausing. */
  async #hold(feed: PartitionFeed, { heartbeat }: EachBatchPayload): Promise<void> {
    await unlessAborted(feed.whenRoom(), AbortSignal.timeout(Math.min(1_000, this.#settings.heartbeatIntervalMs)))
    await heartbeat()
    if (feed.hasRoom) return
    const which = [{ topic: feed.topic, partitions: [feed.partition] }]
    this.#consumer.pause(which)
    void feed.whenRoom().then(() => {
      if (!feed.revoked.aborted) ignoreStopped(() => this.#consumer.resume(which))
    })
  }

  async #commit(feed: PartitionFeed, nextOffset: number): Promise<boolean> {
    const giveUpAt = Date.now() + commitTimeoutMs
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#commitOnce(feed, nextOffset)
      } catch (error) {
        if (notOurs.has(kafkaErrorType(error))) return false
        if (Date.now() >= giveUpAt) throw notCommitted(error)
      }
      await wait(commitRetryMs * attempt, feed.lost)
    }
  }

  async #commitOnce(feed: PartitionFeed, nextOffset: number): Promise<boolean> {
    // Whether it is ours is asked again for every try; kafkajs's own would try again in another generation.
    const session = this.#session
    if (feed.lost.aborted || session === undefined) return false
    const partitions = [{ partition: feed.partition, offset: String(nextOffset) }]
    const committing = session.commitOffsetsIfNecessary({ topics: [{ topic: feed.topic, partitions }] })
    const stored = within(committing, commitAttemptTimeoutMs, 'the coordinator did not answer').then(() => true)
    return (await unlessAborted(stored, feed.lost)) ?? false
  }

  #recover(error: Error, isRestarting: boolean): void {
    for (const feed of this.#feeds.values()) feed.lose()
    this.#feeds.clear()
    if (this.#leaving) return
    const { group, log, fail } = this.#membership
    if (isRestarting) {
      this.#state = 'joining'
      log.warn({ group, err: error }, 'lost the consumer group; joins again')
      return
    }
    this.#state = 'failed'
    if (this.#hasJoined) fail(error)
    else this.#joined.reject(error)
  }
}

/** How many batches of one fetch are taken side by side, so that one that is held up holds up no other. A guess. */
const concurrentPushCount = 32
/** Part of the rebalance time-out that running messages get; the rest is for joining. A guess. */
const revokeShare = 0.8
const subscribeAttemptCount = 20
const subscribeRetryMs = 20
/** Bound a commit, and each of its tries: kafkajs would look for a coordinator that is gone for minutes. Guesses. */
const commitTimeoutMs = 4_000
const commitAttemptTimeoutMs = 2_000
const commitRetryMs = 100

/** What a broker says of a topic that it has not heard of. */
const notYetThere: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'])

/** What a coordinator says to a member whose partitions are another's. */
const notOurs: ReadonlySet<string> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
])

type CommittedOffsets = Readonly<Record<string, Readonly<Record<number, string>> | undefined>>

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

function notCommitted(cause: unknown): ServiceError {
  return new ServiceError('unavailable', `the offset could not be committed: ${reasonOf(cause)}`, { cause })
}
