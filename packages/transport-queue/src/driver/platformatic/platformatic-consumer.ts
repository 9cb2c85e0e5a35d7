import { randomUUID } from 'node:crypto'
import type { ClusterMetadata } from '@platformatic/kafka'
import { wait } from '../../wait.ts'
import type { RequestAnswer } from '../platformatic-wire/platformatic-client.ts'
import { isAnyOf, isHopeless, isUnknownTopic, reasonOf } from '../platformatic-wire/platformatic-error.ts'
import {
  maxRetryMs,
  type MembershipSurroundings,
  type PlatformaticMembership,
  retryMs,
  revokeShare,
  topicAttemptCount,
} from './platformatic-membership.ts'
import type { TopicPartitions } from '../platformatic-wire/platformatic-offsets.ts'

type HeartbeatAnswer = RequestAnswer<'ConsumerGroupHeartbeat'>

/**
 * A member of a group whose broker shares out the partitions. Each heartbeat says what the member holds, and is answered with
 * what it is to hold: what it is to give up goes to nobody else before a heartbeat says that it holds it no more.
 *
 * @see KIP-848
 */
export class ConsumerMembership implements PlatformaticMembership {
  readonly #surroundings: MembershipSurroundings
  readonly #memberId = randomUUID()
  #epoch = 0
  #heardAt = Date.now()
  #intervalMs = retryMs
  /** What the broker wants the member to hold. */
  #target: readonly TopicPartitions[] | undefined
  #isChanging = false
  /** Counts how often the member has joined anew: what an earlier one was to hold is void. */
  #joinCount = 0
  #hasTold = false
  /** Ends the wait for the next heartbeat. */
  #wake = new AbortController()
  #cluster: ClusterMetadata | undefined

  constructor(surroundings: MembershipSurroundings) {
    this.#surroundings = surroundings
  }

  async run(): Promise<void> {
    const { ended } = this.#surroundings
    for (let attempt = 1; !ended.aborted; attempt++) {
      try {
        await this.#beat()
        attempt = 0
        await wait(this.#intervalMs, AbortSignal.any([ended, this.#wake.signal]))
      } catch (error) {
        if (ended.aborted) return
        if (isHopeless(error) || (isUnknownTopic(error) && attempt > topicAttemptCount)) throw error
        this.#recover(error)
        await wait(Math.min(retryMs * attempt, maxRetryMs), ended)
      }
    }
  }

  async leave(): Promise<void> {
    if (this.#epoch > 0) await this.#request(leaveEpoch, [])
  }

  async #beat(): Promise<void> {
    const { group, holdings } = this.#surroundings
    this.#wake = new AbortController()
    this.#cluster ??= await group.client.metadata(group.membership.topics)
    const sentEpoch = this.#epoch
    const answer = await this.#request(sentEpoch, holdings.held)
    this.#epoch = answer.memberEpoch
    this.#heardAt = Date.now()
    this.#intervalMs = answer.heartbeatIntervalMs
    const wanted = answer.assignment && (await this.#toPartitions(answer.assignment))
    if (wanted) this.#target = wanted
    void this.#change()
  }

  #request(epoch: number, held: readonly TopicPartitions[]): Promise<HeartbeatAnswer> {
    const { group } = this.#surroundings
    const topicPartitions = held.map(({ topic, partitions }) => ({
      topicId: this.#cluster?.topics.get(topic)?.id ?? topic,
      partitions: [...partitions],
    }))
    return group.request('ConsumerGroupHeartbeat', [
      group.id,
      this.#memberId,
      epoch,
      null,
      null,
      group.settings.rebalanceTimeoutMs,
      [...group.membership.topics],
      null,
      null,
      topicPartitions,
    ])
  }

  /** Comes to hold what the broker wants: gives up first, and takes what is new when that is told. */
  async #change(): Promise<void> {
    const { group, holdings, leaving, joined, joining } = this.#surroundings
    const { rebalanceTimeoutMs } = group.settings
    if (this.#isChanging) return
    this.#isChanging = true
    while (!leaving.aborted && this.#target !== undefined) {
      const [target, joinCount] = [this.#target, this.#joinCount]
      this.#target = undefined
      const revoked = without(holdings.held, target)
      if (revoked.length > 0) {
        joining()
        await holdings.giveUp(revoked, AbortSignal.timeout(rebalanceTimeoutMs * revokeShare))
      }
      if (leaving.aborted || this.#target !== undefined || this.#joinCount !== joinCount) continue
      const added = without(target, holdings.held)
      holdings.take(added, () => ({ memberId: this.#memberId, epoch: this.#epoch }))
      const isChanged = revoked.length + added.length > 0
      if (isChanged || !this.#hasTold) joined(target)
      this.#hasTold = true
      if (isChanged) this.#wake.abort()
    }
    this.#isChanging = false
  }

  async #toPartitions(assignment: NonNullable<HeartbeatAnswer['assignment']>) {
    const { client, membership } = this.#surroundings.group
    const find = (id: string) => [...(this.#cluster?.topics ?? [])].find(([, topic]) => topic.id === id)?.[0]
    if (assignment.topicPartitions.some(({ topicId }) => find(topicId) === undefined))
      this.#cluster = await client.metadata(membership.topics)
    return assignment.topicPartitions.flatMap(({ topicId, partitions }) => {
      const topic = find(topicId)
      return topic === undefined ? [] : [{ topic, partitions }]
    })
  }

  #recover(error: unknown): void {
    const { group, holdings, joining } = this.#surroundings
    const { sessionTimeoutMs } = group.settings
    const isFenced = isAnyOf(error, fenced)
    const isTakenForDead = Date.now() - this.#heardAt > sessionTimeoutMs
    if (!isFenced && !isTakenForDead) return
    joining()
    holdings.lose()
    this.#target = undefined
    this.#joinCount++
    this.#hasTold = false
    if (isFenced) this.#epoch = 0
    group.membership.log.warn({ group: group.id, reason: reasonOf(error) }, 'lost the consumer group; joins again')
  }
}

/** Says that a member leaves. @see KIP-848, ConsumerGroupHeartbeat request, MemberEpoch */
const leaveEpoch = -1

/** What a coordinator says to a member that it has removed. */
const fenced: ReadonlySet<string> = new Set(['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID', 'STALE_MEMBER_EPOCH'])

/** The partitions of the first that are not in the second. */
function without(ones: readonly TopicPartitions[], others: readonly TopicPartitions[]): readonly TopicPartitions[] {
  return ones
    .map(({ topic, partitions }) => {
      const known = new Set(others.find((other) => other.topic === topic)?.partitions)
      return { topic, partitions: partitions.filter((partition) => !known.has(partition)) }
    })
    .filter(({ partitions }) => partitions.length > 0)
}
