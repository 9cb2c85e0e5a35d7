/** Some of a topic's partitions. */
export interface TopicShare {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** Which topics a member reads. */
export interface MemberWish {
  readonly memberId: string
  readonly topics: readonly string[]
}

/** Gives every partition to one of the members that read its topic, in turn over all topics. Members come in the order of their names. */
export function assignRoundRobin(
  wishes: readonly MemberWish[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly TopicShare[]> {
  const members = wishes.toSorted((one, other) => (one.memberId < other.memberId ? -1 : 1))
  const shares = new Map(members.map(({ memberId }) => [memberId, new Map<string, number[]>()]))
  let turn = 0
  for (const [topic, count] of [...partitionCounts].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const readers = members.filter(({ topics }) => topics.includes(topic))
    for (let partition = 0; partition < count && readers.length > 0; partition++) {
      const share = shares.get(readers[turn++ % readers.length]?.memberId ?? '')
      share?.set(topic, [...(share.get(topic) ?? []), partition])
    }
  }
  const toPartitions = ([topic, partitions]: readonly [string, readonly number[]]) => ({ topic, partitions })
  return new Map(Array.from(shares, ([memberId, share]) => [memberId, Array.from(share, toPartitions)]))
}
