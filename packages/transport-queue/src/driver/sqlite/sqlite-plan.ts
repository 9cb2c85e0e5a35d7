/** A member of a group, and the topics that it reads. */
export interface PlannedMember {
  readonly memberId: number
  readonly topics: ReadonlySet<string>
}

/** A partition that the group reads, and who holds it or is to. */
export interface PlannedPartition {
  readonly logId: number
  readonly topic: string
  readonly holderId: number | null
}

/**
 * Who of a group's members is to own each partition: as even as the topics that they read allow, overall and within each topic,
 * and with as few moves as that takes.
 */
export function planAssignment(
  members: readonly PlannedMember[],
  partitions: readonly PlannedPartition[],
): ReadonlyMap<number, number | null> {
  const load = new Load(members)
  for (const partition of partitions) load.keep(partition)
  for (const partition of partitions) load.give(partition)
  while (load.moveOne());
  return new Map(partitions.map(({ logId }) => [logId, load.ownerOf(logId)]))
}

/** Who has been given what so far. */
class Load {
  readonly #members: readonly PlannedMember[]
  readonly #owned = new Map<number, Set<PlannedPartition>>()
  readonly #owners = new Map<number, number>()
  /** How many partitions of a topic a member has. */
  readonly #counts = new Map<string, number>()

  constructor(members: readonly PlannedMember[]) {
    this.#members = members
    for (const { memberId } of members) this.#owned.set(memberId, new Set())
  }

  ownerOf(logId: number): number | null {
    return this.#owners.get(logId) ?? null
  }

  keep(partition: PlannedPartition): void {
    const holder = this.#readersOf(partition.topic).find(({ memberId }) => memberId === partition.holderId)
    if (holder !== undefined) this.#assign(partition, holder.memberId)
  }

  /** Gives a partition that nobody has to the reader that has least. */
  give(partition: PlannedPartition): void {
    if (this.#owners.has(partition.logId)) return
    const ofTopic = (memberId: number) => this.#count(memberId, partition.topic)
    const [least] = this.#readersOf(partition.topic)
      .map(({ memberId }) => memberId)
      .toSorted((one, other) => this.#total(one) - this.#total(other) || ofTopic(one) - ofTopic(other) || one - other)
    if (least !== undefined) this.#assign(partition, least)
  }

  /** Moves a partition from a member to one that has at least two less. False when there is none. */
  moveOne(): boolean {
    const byLoad = this.#members.toSorted((one, other) => this.#total(other.memberId) - this.#total(one.memberId))
    for (const { memberId: from } of byLoad) {
      for (const to of byLoad.toReversed()) {
        if (this.#total(from) - this.#total(to.memberId) < 2) break
        const moved = this.#mostUneven(from, to)
        if (moved === undefined) continue
        this.#owned.get(from)?.delete(moved)
        this.#add(from, moved.topic, -1)
        this.#assign(moved, to.memberId)
        return true
      }
    }
    return false
  }

  /** Of what may move, a partition of the topic of which one has most more than the other. */
  #mostUneven(from: number, to: PlannedMember): PlannedPartition | undefined {
    let found: PlannedPartition | undefined
    let most = Number.NEGATIVE_INFINITY
    for (const partition of this.#owned.get(from) ?? []) {
      const { topic } = partition
      const surplus = this.#count(from, topic) - this.#count(to.memberId, topic)
      if (!to.topics.has(topic) || surplus < most) continue
      most = surplus
      found = partition
    }
    return found
  }

  #assign(partition: PlannedPartition, memberId: number): void {
    this.#owned.get(memberId)?.add(partition)
    this.#owners.set(partition.logId, memberId)
    this.#add(memberId, partition.topic, 1)
  }

  #add(memberId: number, topic: string, difference: number): void {
    this.#counts.set(`${memberId} ${topic}`, this.#count(memberId, topic) + difference)
  }

  #count(memberId: number, topic: string): number {
    return this.#counts.get(`${memberId} ${topic}`) ?? 0
  }

  #total(memberId: number): number {
    return this.#owned.get(memberId)?.size ?? 0
  }

  #readersOf(topic: string): readonly PlannedMember[] {
    return this.#members.filter(({ topics }) => topics.has(topic))
  }
}
