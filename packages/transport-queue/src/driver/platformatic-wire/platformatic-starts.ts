import type { ClusterMetadata } from '@platformatic/kafka'
import type { ConsumerStart } from '@tenon/core/transport'
import { StartWait } from '../kafka/start-wait.ts'
import type { PartitionFeed } from '../partition-feed.ts'
import type { RequestRoute } from './platformatic-client.ts'
import { earliestTimestamp, latestTimestamp, listOffsets } from './platformatic-fetch.ts'
import type { PlatformaticGroup } from './platformatic-group.ts'
import { commitStart, type MemberIdentity, readCommitted } from './platformatic-offsets.ts'

/** What is known when it is looked where a group begins. */
export interface StartFacts {
  readonly cluster: ClusterMetadata
  /** What the member owns now. */
  readonly owned: Iterable<OwnedPartition>
  /** The way to a broker. @throws Error when it is not known */
  route(nodeId: number | undefined): RequestRoute
}

interface OwnedPartition {
  readonly feed: PartitionFeed
  readonly identity: () => MemberIdentity
}

/**
 * Where a group begins in topics of which it has committed nothing. Whoever owns partition 0 commits it for all partitions at once,
 * and the others wait for that, and do it themselves when it takes too long: so members that join at the same time agree.
 */
export class GroupStarts {
  readonly #group: PlatformaticGroup
  readonly #unsettled: Map<string, ConsumerStart>
  readonly #wait: StartWait

  constructor(group: PlatformaticGroup) {
    const { membership, settings } = group
    this.#group = group
    this.#unsettled = new Map(membership.starts)
    this.#wait = new StartWait({ membership, sessionTimeoutMs: settings.sessionTimeoutMs })
  }

  /** The topics of which it is not known yet: what holds up one holds up no other. Never rejects. */
  async settle(facts: StartFacts): Promise<ReadonlySet<string>> {
    const owned = [...facts.owned]
    for (const [topic, start] of this.#unsettled) {
      const own = owned.filter(({ feed }) => feed.topic === topic)
      try {
        if (await this.#isSettled({ topic, start, own }, facts)) this.#unsettled.delete(topic)
      } catch (error) {
        this.#wait.failed(topic, error)
      }
    }
    return new Set(this.#unsettled.keys())
  }

  /** Looks whether anything is committed, and commits it where it is for this member to do so. @throws Error of the library */
  async #isSettled({ topic, start, own }: UnsettledStart, facts: StartFacts): Promise<boolean> {
    const [one] = own
    if (one === undefined) return false
    const partitions = [...Array(facts.cluster.topics.get(topic)?.partitionsCount ?? 0).keys()]
    if (await this.#isCommitted(topic, partitions)) return true
    const isFirst = own.some(({ feed }) => feed.partition === 0)
    if (!this.#wait.isOver(topic) && !isFirst) return false
    if (this.#wait.offsetsOf(topic) === undefined) {
      this.#wait.found(topic, await this.#offsetsAt({ topic, partitions, start }, facts))
      if (await this.#isCommitted(topic, partitions)) return true
    }
    const offsets = this.#wait.offsetsOf(topic) ?? []
    await commitStart(this.#group, { topic, offsets, identity: one.identity })
    this.#wait.settled(topic, isFirst ? 'owner' : 'other')
    return true
  }

  async #isCommitted(topic: string, partitions: readonly number[]): Promise<boolean> {
    const committed = await readCommitted(this.#group, [{ topic, partitions }])
    if (committed.size === 0) return false
    this.#wait.settled(topic, 'owner')
    return true
  }

  async #offsetsAt({ topic, partitions, start }: WantedStart, facts: StartFacts): Promise<readonly number[]> {
    const timestamp = typeof start === 'object' ? BigInt(start.startAt) : timestamps[start]
    const found = await this.#list({ topic, partitions }, timestamp, facts)
    // Kafka says -1 where no record is as young.
    const isFound = (offset: bigint | undefined) => offset !== undefined && offset >= 0n
    const areFound = partitions.every((partition) => isFound(found.get(`${topic}/${partition}`)))
    const ends = areFound ? found : await this.#list({ topic, partitions }, latestTimestamp, facts)
    return partitions.map((partition) => {
      const id = `${topic}/${partition}`
      const offset = isFound(found.get(id)) ? found.get(id) : ends.get(id)
      if (offset === undefined) throw new Error(`a broker left out partition ${partition} that it was asked for`)
      return Number(offset)
    })
  }

  async #list(
    { topic, partitions }: Omit<WantedStart, 'start'>,
    timestamp: bigint,
    { cluster, route }: StartFacts,
  ): Promise<ReadonlyMap<string, bigint>> {
    const leaderOf = (partition: number) => cluster.topics.get(topic)?.partitions[partition]?.leader
    const listed = await Promise.all(
      [...Map.groupBy(partitions, leaderOf)].map(([nodeId, ofNode]) =>
        listOffsets(this.#group.client, route(nodeId), { wanted: [{ topic, partitions: ofNode }], timestamp }),
      ),
    )
    return new Map(listed.flatMap((offsets) => [...offsets]))
  }
}

interface UnsettledStart {
  readonly topic: string
  readonly start: ConsumerStart
  /** What this member owns of it. */
  readonly own: readonly OwnedPartition[]
}

interface WantedStart {
  readonly topic: string
  readonly partitions: readonly number[]
  readonly start: ConsumerStart
}

const timestamps = { earliest: earliestTimestamp, latest: latestTimestamp } as const
