import { wait } from '../../wait.ts'
import { assignRoundRobin } from '../kafka/kafka-assigner.ts'
import { TopicGrowth } from '../kafka/topic-growth.ts'
import type { RequestAnswer } from '../platformatic-wire/platformatic-client.ts'
import { errorIds, isHopeless, isUnknownTopic, reasonOf, responseOf } from '../platformatic-wire/platformatic-error.ts'
import {
  maxRetryMs,
  type MembershipSurroundings,
  type PlatformaticMembership,
  retryMs,
  revokeShare,
  topicAttemptCount,
} from './platformatic-membership.ts'
import type { MemberIdentity, TopicPartitions } from '../platformatic-wire/platformatic-offsets.ts'

/** What became of a heartbeat. */
type Beat = 'heard' | 'rebalance' | 'lost' | 'unheard'

/**
 * A member of a group in which everyone gives up all partitions before they are shared out anew, by whoever the coordinator
 * names the leader.
 *
 * @see Kafka protocol guide, JoinGroup, SyncGroup, Heartbeat and LeaveGroup
 */
export class ClassicMembership implements PlatformaticMembership {
  readonly #surroundings: MembershipSurroundings
  readonly #growth = new TopicGrowth((topics) => this.#count(topics))
  #memberId = ''
  /** Settles when the coordinator has given the member its name, or not. */
  #naming: Promise<unknown> | undefined
  #epoch = -1
  #heardAt = Date.now()

  constructor(surroundings: MembershipSurroundings) {
    this.#surroundings = surroundings
  }

  async run(): Promise<void> {
    const { holdings, leaving, ended, joining } = this.#surroundings
    for (let attempt = 1; !leaving.aborted; ) {
      try {
        await this.#join()
        attempt = 0
        await this.#stay()
        joining()
        if (!leaving.aborted) await this.#giveUpAll()
      } catch (error) {
        if (leaving.aborted) return
        if (isHopeless(error) || (isUnknownTopic(error) && attempt > topicAttemptCount)) throw error
        this.#forget(error)
        holdings.lose()
        joining()
        await wait(Math.min(retryMs * attempt, maxRetryMs), ended)
      }
      attempt++
    }
    await this.#beatUntil(ended)
  }

  async leave(): Promise<void> {
    const { group } = this.#surroundings
    // A member that is named and never joins would hold up the others until its session ends.
    await this.#naming?.catch(() => undefined)
    if (this.#memberId !== '') await group.request('LeaveGroup', [group.id, [{ memberId: this.#memberId }]])
  }

  async #join(): Promise<void> {
    const { group, holdings, leaving, joined } = this.#surroundings
    // A group that reads what does not exist would wait for ever.
    await group.client.metadata(group.membership.topics)
    const answer = await this.#requestJoin()
    this.#memberId = answer.memberId
    this.#epoch = answer.generationId
    const identity: MemberIdentity = { memberId: answer.memberId, epoch: answer.generationId }
    const assignment = await this.#sync(answer)
    this.#heardAt = Date.now()
    if (leaving.aborted) return
    holdings.take(assignment, () => identity)
    joined(assignment)
  }

  async #requestJoin(): Promise<RequestAnswer<'JoinGroup'>> {
    const { group } = this.#surroundings
    const { sessionTimeoutMs, rebalanceTimeoutMs } = group.settings
    const metadata = group.client.library.encodeConsumerProtocolSubscription({
      version: 0,
      topics: [...group.membership.topics],
    })
    const ask = () =>
      group.requestTogether('JoinGroup', [
        group.id,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        this.#memberId,
        null,
        'consumer',
        [{ name: protocolName, metadata }],
        null,
      ])
    if (this.#memberId !== '') return ask()
    const naming = ask()
    this.#naming = naming
    try {
      return await naming
    } catch (error) {
      // The first time the coordinator only gives the member its name. @see KIP-394
      if (!errorIds(error).has('MEMBER_ID_REQUIRED')) throw error
      this.#memberId = String(Reflect.get(Object(responseOf(error)), 'memberId'))
      this.#naming = undefined
      this.#surroundings.leaving.throwIfAborted()
      return ask()
    }
  }

  async #sync({
    leader,
    memberId,
    generationId,
    members,
  }: RequestAnswer<'JoinGroup'>): Promise<readonly TopicPartitions[]> {
    const { group } = this.#surroundings
    const { encodeConsumerProtocolAssignment, decodeConsumerProtocolAssignment } = group.client.library
    const shares = await this.#share(leader === memberId ? members : [])
    const assignments = Array.from(shares, ([id, share]) => ({
      memberId: id,
      assignment: encodeConsumerProtocolAssignment({
        version: 0,
        assignedPartitions: share.map(({ topic, partitions }) => ({ topic, partitions: [...partitions] })),
        userData: Buffer.alloc(0),
      }),
    }))
    const values = [group.id, generationId, memberId, null, 'consumer', protocolName, assignments] as const
    const { assignment } = await group.requestTogether('SyncGroup', [...values])
    return decodeConsumerProtocolAssignment(assignment).assignedPartitions
  }

  /** The leader shares for all; for nobody else are there members. */
  async #share(
    members: RequestAnswer<'JoinGroup'>['members'],
  ): Promise<ReadonlyMap<string, readonly TopicPartitions[]>> {
    const { client } = this.#surroundings.group
    const wishes = members.map(({ memberId, metadata }) => ({
      memberId,
      topics: client.library.decodeConsumerProtocolSubscription(metadata).topics,
    }))
    const topics = [...new Set(wishes.flatMap((wish) => wish.topics))]
    const found = await this.#count(topics)
    const counts = new Map(topics.map((topic) => [topic, found.get(topic) ?? 0]))
    this.#growth.begin(counts)
    return assignRoundRobin(wishes, counts)
  }

  /** One that only others read may be missing, which is theirs to tell. */
  async #count(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { client } = this.#surroundings.group
    const known = await Promise.all(topics.map((topic) => client.metadata([topic]).catch(() => undefined)))
    const counts = topics.map((topic, index) => [topic, known[index]?.topics.get(topic)?.partitionsCount] as const)
    return new Map(counts.flatMap(([topic, count]) => (count === undefined ? [] : [[topic, count] as const])))
  }

  /** Resolves when the partitions are to be shared out anew. */
  async #stay(): Promise<void> {
    const { group, holdings, leaving } = this.#surroundings
    while (!leaving.aborted) {
      await wait(group.settings.heartbeatIntervalMs, leaving)
      if (leaving.aborted) return
      const beat = await this.#beat()
      // A coordinator that comes back may know the member still, and would never give it anything again.
      const isGone = beat === 'lost' || (beat === 'unheard' && this.#isTakenForDead())
      if (isGone) holdings.lose()
      if (isGone || beat === 'rebalance' || this.#hasGrown()) return
    }
  }

  /** The coordinator asks everyone to join again when its leader does. @see Kafka, JoinGroup of a member that leads a stable group */
  #hasGrown(): boolean {
    if (!this.#growth.hasGrown()) return false
    const { log } = this.#surroundings.group.membership
    log.info({ group: this.#surroundings.group.id }, 'a topic has more partitions; the group shares them out anew')
    return true
  }

  /** Lets running messages finish, while the coordinator hears that the member lives. */
  async #giveUpAll(): Promise<void> {
    const { group, holdings } = this.#surroundings
    const given = new AbortController()
    const beating = this.#beatUntil(given.signal)
    await holdings.giveUp(holdings.held, AbortSignal.timeout(group.settings.rebalanceTimeoutMs * revokeShare))
    given.abort()
    await beating
  }

  async #beatUntil(signal: AbortSignal): Promise<void> {
    const { group, holdings } = this.#surroundings
    while (!signal.aborted && this.#epoch >= 0) {
      await wait(group.settings.heartbeatIntervalMs, signal)
      if (!signal.aborted && (await this.#beat()) === 'lost') return holdings.lose()
    }
  }

  async #beat(): Promise<Beat> {
    const { group } = this.#surroundings
    try {
      await group.request('Heartbeat', [group.id, this.#epoch, this.#memberId, null])
      this.#heardAt = Date.now()
      return 'heard'
    } catch (error) {
      const ids = errorIds(error)
      if (ids.has('REBALANCE_IN_PROGRESS')) this.#heardAt = Date.now()
      if (ids.has('REBALANCE_IN_PROGRESS')) return 'rebalance'
      if (!ids.has('ILLEGAL_GENERATION') && !ids.has('UNKNOWN_MEMBER_ID') && !ids.has('FENCED_INSTANCE_ID'))
        return 'unheard'
      this.#forget(error)
      return 'lost'
    }
  }

  #isTakenForDead(): boolean {
    return Date.now() - this.#heardAt > this.#surroundings.group.settings.sessionTimeoutMs
  }

  /** The name of a member that the coordinator does not know is of no use. */
  #forget(error: unknown): void {
    const { group } = this.#surroundings
    if (errorIds(error).has('UNKNOWN_MEMBER_ID')) this.#memberId = ''
    group.membership.log.warn({ group: group.id, reason: reasonOf(error) }, 'lost the consumer group; joins again')
  }
}

/** As kafkajs calls it, so that members on either share a group. */
const protocolName = 'RoundRobinAssigner'
