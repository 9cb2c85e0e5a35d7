import type { ClusterMetadata } from '@platformatic/kafka'
import type { ConsumerStart } from '@tenon/core/transport'
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
 * and the others wait for that: so members that join at the same time agree.
 */
export class GroupStarts {
  readonly #group: PlatformaticGroup
  readonly #unsettled: Map<string, ConsumerStart>

  constructor(group: PlatformaticGroup) {
    this.#group = group
    this.#unsettled = new Map(group.membership.starts)
  }

  /** The topics of which it is not known yet. @throws Error of the library */
  async settle(facts: StartFacts): Promise<ReadonlySet<string>> {
    const owned = [...facts.owned]
    for (const [topic, start] of this.#unsettled) {
      if (!owned.some(({ feed }) => feed.topic === topic)) continue
      const partitions = [...Array(facts.cluster.topics.get(topic)?.partitionsCount ?? 0).keys()]
      const committed = await readCommitted(this.#group, [{ topic, partitions }])
      const first = owned.find(({ feed }) => feed.topic === topic && feed.partition === 0)
      if (committed.size === 0 && first === undefined) continue
      if (committed.size === 0 && first !== undefined) {
        const offsets = await this.#offsetsAt({ topic, partitions, start }, facts)
        await commitStart(this.#group, { topic, offsets, identity: first.identity })
      }
      this.#unsettled.delete(topic)
    }
    return new Set(this.#unsettled.keys())
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

interface WantedStart {
  readonly topic: string
  readonly partitions: readonly number[]
  readonly start: ConsumerStart
}

const timestamps = { earliest: earliestTimestamp, latest: latestTimestamp } as const
