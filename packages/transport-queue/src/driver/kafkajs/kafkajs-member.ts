import type { Cluster, Consumer, ConsumerConfig, ConsumerGroupJoinEvent } from 'kafkajs'
import type { Membership, MemberState, QueueMember } from '../../queue-driver.ts'
import { orAborted, wait, whileCuttable, within } from '../../wait.ts'
import { growthLookMs } from '../kafka/topic-growth.ts'
import { eachItsOwn } from './kafkajs-assigner.ts'
import {
  cutDisconnectTimeoutMs,
  disconnectTimeoutMs,
  type Kafkajs,
  type KafkajsClient,
  patientRetry,
} from './kafkajs-client.ts'
import { KafkajsFeeds } from './kafkajs-feeds.ts'
import { JoinGate, LeavingError, removeMember } from './kafkajs-join.ts'
import { kafkaErrorType } from './kafkajs-mapping.ts'
import type { KafkajsSettings } from './kafkajs-options.ts'

type JoinedGroup = Pick<ConsumerGroupJoinEvent['payload'], 'memberId' | 'memberAssignment'>

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
  readonly #feeds: KafkajsFeeds
  readonly #joined = Promise.withResolvers<void>()
  readonly #cut = new AbortController()
  readonly #openClient: () => KafkajsClient
  readonly #library: Kafkajs
  #cluster: Cluster | undefined
  #gate: JoinGate | undefined
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
    this.#consumer = this.#client.kafka.consumer(this.#toConsumerConfig())
    const cluster = () => this.#cluster
    const cut = this.#cut.signal
    this.#feeds = new KafkajsFeeds({ consumer: this.#consumer, membership, settings, cluster, cut })
    const { GROUP_JOIN, CRASH } = this.#consumer.events
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#assign(payload))
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

  #toConsumerConfig(): ConsumerConfig {
    const { sessionTimeoutMs, heartbeatIntervalMs, rebalanceTimeoutMs } = this.#settings
    return {
      groupId: this.#membership.group,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: heartbeatIntervalMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      // How soon it sees that a topic has more partitions.
      metadataMaxAge: growthLookMs,
      // The default of 5 s is what an idle disconnect then takes.
      maxWaitTimeInMs: 500,
      allowAutoTopicCreation: false,
      retry: { ...patientRetry, restartOnFailure: () => Promise.resolve(this.#leaving === undefined) },
      // The assigner's configuration is the public way to this consumer's cluster.
      partitionAssigners: [
        (config) => {
          this.#cluster = config.cluster
          this.#gate = this.#openGate(config.cluster)
          return eachItsOwn(this.#library, config)
        },
      ],
    }
  }

  #openGate(cluster: Cluster): JoinGate {
    return new JoinGate(cluster, {
      beforeJoin: () => this.#giveUpAll(),
      isLeaving: () => this.#leaving !== undefined,
      refuse: (memberId) => {
        void this.#remove(memberId).catch(() => undefined)
        return new LeavingError()
      },
    })
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
      eachBatch: (payload) => this.#feeds.receive(payload),
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
    this.#feeds.end()
    await this.#feeds.giveUp(this.#cut.signal)
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
    if (this.#state === 'assigned') this.#state = 'joining'
    // kafkajs joins again also where a topic has more partitions, or another leader; until it has, what it owns is nobody else's.
    await this.#feeds.giveUpForRebalance(this.#gate?.forgotten)
  }

  #assign({ memberId, memberAssignment: assignment }: JoinedGroup): void {
    this.#gate?.hasJoined()
    if (this.#leaving) return
    const topics = Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions }))
    this.#feeds.assign(topics, { memberId, generationId: this.#gate?.generationId ?? noGenerationId })
    this.#state = 'assigned'
    this.#membership.log.info({ group: this.#membership.group, assignment }, 'joined the consumer group')
    this.#hasJoined = true
    this.#joined.resolve()
  }

  #recover(error: Error, isRestarting: boolean): void {
    this.#feeds.lose()
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
/** The last there can be, so that nothing is stored by it. A negative one would do for a group without members. */
const noGenerationId = 2 ** 31 - 1
const subscribeAttemptCount = 20
const subscribeRetryMs = 20
/** What a broker says of a topic that it has not heard of. */
const notYetThere: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'])
