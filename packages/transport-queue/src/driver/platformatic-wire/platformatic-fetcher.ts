import type { ClusterMetadata, ConnectionPool } from '@platformatic/kafka'
import { wait } from '../../wait.ts'
import { tellMissed } from '../missed-records.ts'
import type { PartitionFeed } from '../partition-feed.ts'
import type { RequestAnswer } from './platformatic-client.ts'
import { reasonOf } from './platformatic-error.ts'
import {
  answerTimeoutMs,
  earliestTimestamp,
  fetchedDespite,
  fetchRecords,
  latestTimestamp,
  listOffsets,
  offsetOutOfRangeCode,
  readUncommittedLevel,
} from './platformatic-fetch.ts'
import { FetchLanes } from './platformatic-fetch-lanes.ts'
import type { PlatformaticGroup } from './platformatic-group.ts'
import { GroupStarts } from './platformatic-starts.ts'
import { toRecords } from './platformatic-mapping.ts'
import { type MemberIdentity, readCommitted, type TopicPartitions } from './platformatic-offsets.ts'

/** Where the next record of a partition is. */
interface Cursor {
  readonly feed: PartitionFeed
  readonly identity: () => MemberIdentity
  /** Undefined until it is known where to begin. */
  offset: bigint | undefined
  /** Where it was though no records are there: what was committed is of no use then. */
  astrayAt: bigint | undefined
  isBusy: boolean
}

/** Fetches the records of the partitions that have room for them, and of no others. */
export class PlatformaticFetcher {
  readonly #group: PlatformaticGroup
  readonly #pools: readonly ConnectionPool[]
  readonly #cursors = new Map<PartitionFeed, Cursor>()
  readonly #lanes = new Map<number, FetchLanes<Cursor>>()
  readonly #ended = new AbortController()
  readonly #starts: GroupStarts
  #cluster: ClusterMetadata | undefined
  #isFinding = false

  constructor(group: PlatformaticGroup) {
    this.#group = group
    this.#starts = new GroupStarts(group)
    this.#pools = [0, 1].map(() => group.client.openPool(answerTimeoutMs))
  }

  /** Begins behind what the group has committed, or at the earliest record. */
  add(feeds: readonly PartitionFeed[], identity: () => MemberIdentity): void {
    for (const feed of feeds) {
      this.#cursors.set(feed, { feed, identity, offset: undefined, astrayAt: undefined, isBusy: false })
      feed.revoked.addEventListener('abort', () => this.#cursors.delete(feed), { once: true })
    }
    this.#find()
  }

  end(): void {
    this.#ended.abort()
    this.#cursors.clear()
  }

  /** Finds out who leads partitions and where they begin, as long as that is not known of one. */
  #find(): void {
    if (!this.#isFinding) void this.#findAll()
  }

  async #findAll(): Promise<void> {
    this.#isFinding = true
    for (let attempt = 1; this.#unknown().length > 0; attempt++) {
      try {
        this.#cluster = await this.#group.client.metadata(this.#group.membership.topics)
        await this.#findBeginnings(this.#unknown().filter(({ offset }) => offset === undefined))
        if (this.#unknown().length === 0) break
        this.#wake()
        await this.#pause(attempt)
      } catch (error) {
        this.#report(error, 'cannot find out where partitions are; tries again')
        await this.#pause(attempt)
      }
    }
    this.#isFinding = false
    this.#wake()
  }

  #unknown(): readonly Cursor[] {
    return [...this.#cursors.values()].filter((one) => one.offset === undefined || this.#leaderOf(one) === undefined)
  }

  async #findBeginnings(unknown: readonly Cursor[]): Promise<void> {
    const cluster = this.#cluster
    const route = (nodeId: number | undefined) => this.#route(nodeId, 0)
    const unsettled = cluster && (await this.#starts.settle({ cluster, owned: this.#cursors.values(), route }))
    const cursors = unknown.filter(({ feed }) => unsettled?.has(feed.topic) !== true)
    if (cursors.length === 0) return
    const committed = await readCommitted(this.#group, groupByTopic(cursors))
    const [earliest, ends] = await Promise.all([
      this.#offsetsAt(cursors, earliestTimestamp),
      this.#offsetsAt(cursors, latestTimestamp),
    ])
    for (const cursor of cursors) {
      const id = idOf(cursor.feed)
      const [oldest, end, done] = [earliest.get(id), ends.get(id), cursor.astrayAt ?? committed.get(id)]
      // A broker that left a partition out is asked again.
      if (oldest === undefined || end === undefined) continue
      if (done !== undefined)
        tellMissed(this.#group.membership, cursor.feed, { from: Number(done), oldest: Number(oldest) })
      const isKept = done !== undefined && done >= oldest && done <= end && cursor.astrayAt === undefined
      cursor.offset = isKept ? done : oldest
      cursor.astrayAt = undefined
      cursor.feed.startAt(Number(cursor.offset))
    }
  }

  /** Those of the oldest records that are kept, or behind all that is stored. */
  async #offsetsAt(cursors: readonly Cursor[], timestamp: bigint): Promise<ReadonlyMap<string, bigint>> {
    const byLeader = [...Map.groupBy(cursors, (cursor) => this.#leaderOf(cursor))]
    const listed = await Promise.all(
      byLeader.map(([nodeId, ofNode]) => {
        const wanted = { wanted: groupByTopic(ofNode), timestamp, isolation: readUncommittedLevel }
        return listOffsets(this.#group.client, this.#route(nodeId, 0), wanted)
      }),
    )
    return new Map(listed.flatMap((offsets) => [...offsets]))
  }

  /** Asks the brokers of which something can be fetched. */
  #wake(): void {
    const leaders = new Set([...this.#cursors.values()].filter(isIdle).map((cursor) => this.#leaderOf(cursor)))
    for (const nodeId of leaders) {
      if (nodeId === undefined) this.#find()
      else this.#lanesOf(nodeId).wake()
    }
  }

  #lanesOf(nodeId: number): FetchLanes<Cursor> {
    const lanes =
      this.#lanes.get(nodeId) ??
      new FetchLanes<Cursor>({
        take: () => this.#take(nodeId),
        fetch: (cursors, { lane, waitMs }) => this.#fetch(cursors, { nodeId, lane, waitMs }),
      })
    this.#lanes.set(nodeId, lanes)
    return lanes
  }

  #take(nodeId: number): readonly Cursor[] {
    const taken = [...this.#cursors.values()].filter((cursor) => isIdle(cursor) && this.#leaderOf(cursor) === nodeId)
    for (const cursor of taken) cursor.isBusy = true
    return taken
  }

  async #fetch(cursors: readonly Cursor[], { nodeId, lane, waitMs }: FetchPlace): Promise<void> {
    try {
      const positions = cursors.map(({ feed: { topic, partition }, offset = 0n }) => ({ topic, partition, offset }))
      const request = { positions, waitMs, cluster: this.#cluster }
      this.#give(cursors, await fetchRecords(this.#group.client, this.#route(nodeId, lane), request))
    } catch (error) {
      const answer = fetchedDespite(error)
      if (answer) this.#give(cursors, answer)
      else this.#report(error, 'records could not be fetched; tries again')
      this.#cluster = undefined
      await this.#pause(1)
    }
    for (const cursor of cursors) cursor.isBusy = false
    this.#wakeLater(cursors)
  }

  /** Goes on with those that have room when they have it. */
  #wakeLater(cursors: readonly Cursor[]): void {
    for (const { feed } of cursors) if (!feed.hasRoom) void feed.whenRoom().then(() => this.#wake())
    if (this.#cluster === undefined) this.#find()
  }

  #give(cursors: readonly Cursor[], { responses }: RequestAnswer<'Fetch'>): void {
    const topicOf = (id: string) => [...(this.#cluster?.topics ?? [])].find(([, topic]) => topic.id === id)?.[0] ?? id
    for (const { topicId, partitions } of responses) {
      const topic = topicOf(topicId)
      for (const fetched of partitions) {
        const cursor = cursors.find(({ feed }) => feed.topic === topic && feed.partition === fetched.partitionIndex)
        if (cursor?.offset === undefined) continue
        if (fetched.errorCode === offsetOutOfRangeCode) this.#beginAgain(cursor)
        if (fetched.errorCode !== 0) continue
        const { records, nextOffset } = toRecords(topic, fetched, cursor.offset)
        cursor.offset = nextOffset
        if (records.length > 0) cursor.feed.push(records)
      }
    }
  }

  /** The records that come next are kept no more. */
  #beginAgain(cursor: Cursor): void {
    cursor.astrayAt = cursor.offset
    cursor.offset = undefined
  }

  #leaderOf({ feed: { topic, partition } }: Cursor): number | undefined {
    const leader = this.#cluster?.topics.get(topic)?.partitions[partition]?.leader
    return leader !== undefined && this.#cluster?.brokers.has(leader) ? leader : undefined
  }

  #route(nodeId: number | undefined, lane: number) {
    const broker = nodeId === undefined ? undefined : this.#cluster?.brokers.get(nodeId)
    const pool = this.#pools[lane]
    if (broker === undefined || pool === undefined) throw new Error('a partition has no leader')
    return { pool, broker, timeoutMs: answerTimeoutMs }
  }

  #report(error: unknown, text: string): void {
    if (this.#ended.signal.aborted) return
    this.#group.membership.log.debug({ group: this.#group.id, reason: reasonOf(error) }, text)
  }

  #pause(attempt: number): Promise<void> {
    return wait(Math.min(pauseMs * attempt, maxPauseMs), this.#ended.signal)
  }
}

interface FetchPlace {
  readonly nodeId: number
  readonly lane: number
  readonly waitMs: number
}

/** Between tries. Guesses. */
const pauseMs = 100
const maxPauseMs = 1_000

function isIdle({ feed, offset, isBusy }: Cursor): boolean {
  return !isBusy && offset !== undefined && feed.hasRoom
}

function groupByTopic(cursors: readonly Cursor[]): readonly TopicPartitions[] {
  const byTopic = Map.groupBy(cursors, ({ feed }) => feed.topic)
  return Array.from(byTopic, ([topic, of]) => ({ topic, partitions: of.map(({ feed }) => feed.partition) }))
}

function idOf({ topic, partition }: PartitionFeed): string {
  return `${topic}/${partition}`
}
