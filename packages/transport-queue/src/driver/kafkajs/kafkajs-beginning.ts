import { unlessAborted } from '@tenon/core/transport'
import type { Cluster } from 'kafkajs'
import { wait } from '../../wait.ts'
import type { Membership } from '../../queue-driver.ts'
import { tellMissed } from '../missed-records.ts'
import type { PartitionFeed } from '../partition-feed.ts'
import { kafkaErrorType } from './kafkajs-mapping.ts'

/**
 * Tells the feeds of a generation where kafkajs begins to read them: it keeps that to itself until it fetches, and says it only of
 * partitions that have records. Never rejects.
 */
export async function tellBeginnings(
  cluster: Cluster,
  membership: Pick<Membership, 'group' | 'log'>,
  feeds: readonly PartitionFeed[],
): Promise<void> {
  const byTopic = [...Map.groupBy(feeds, ({ topic }) => topic)]
  await Promise.all(byTopic.map(([topic, ofTopic]) => tellOfTopic(cluster, { membership, topic }, ofTopic)))
}

/** What kafkajs takes for committed, by topic and partition: an offset in the place of what was not. Asked for before it first fetches. */
export function committedOffset(cluster: Cluster, { group, topic, partition }: CommitPlace): unknown {
  const read: unknown = Reflect.get(cluster, 'committedOffsets')
  if (typeof read !== 'function') return undefined
  const offsets = Reflect.apply(read, cluster, [{ groupId: group }]) as CommittedOffsets
  return offsets[topic]?.[partition]
}

interface CommitPlace {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

type CommittedOffsets = Readonly<Record<string, Readonly<Record<number, string>> | undefined>>

async function tellOfTopic(
  cluster: Cluster,
  { membership, topic }: { readonly membership: Pick<Membership, 'group' | 'log'>; readonly topic: string },
  feeds: readonly PartitionFeed[],
): Promise<void> {
  const oldest = await untilKnown(feeds, () => offsetsAt(cluster, topic, { feeds, fromBeginning: true }))
  if (oldest === undefined) return
  const newest = await untilKnown(feeds, () => offsetsAt(cluster, topic, { feeds, fromBeginning: false }))
  if (newest === undefined) return
  for (const feed of feeds) {
    const { group } = membership
    const find = async () => committedOffset(cluster, { group, topic, partition: feed.partition })
    // What lies before the oldest record is gone: kafkajs then begins there.
    const begin = await untilKnown([feed], find)
    if (begin === undefined) continue
    const bounds = { from: Number(begin), oldest: oldest.get(feed.partition) ?? 0 }
    // kafkajs has a number below 0 in the place of what was not committed.
    if (bounds.from >= 0) tellMissed(membership, feed, bounds)
    const isBehindEnd = bounds.from > (newest.get(feed.partition) ?? 0)
    const isThere = !isBehindEnd || (await untilKnown([feed], () => isReached(cluster, feed, bounds.from)))
    if (isThere === undefined) continue
    feed.startAt(isThere ? Math.max(bounds.from, bounds.oldest) : bounds.oldest)
  }
}

interface WantedOffsets {
  readonly feeds: readonly PartitionFeed[]
  /** Those of the oldest records, or behind the last that readers may see. */
  readonly fromBeginning: boolean
}

/** Undefined when a broker left one out. */
async function offsetsAt(
  cluster: Cluster,
  topic: string,
  { feeds, fromBeginning }: WantedOffsets,
): Promise<ReadonlyMap<number, number> | undefined> {
  const partitions = feeds.map(({ partition }) => ({ partition }))
  const [found] = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }])
  const offsets = new Map(found?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
  return feeds.every(({ partition }) => offsets.has(partition)) ? offsets : undefined
}

/** Whether a partition reaches to an offset, as its leader says who is asked for records; an open transaction may hide what is there. */
async function isReached(cluster: Cluster, { topic, partition }: PartitionFeed, offset: number): Promise<boolean> {
  const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
  if (nodeId === undefined) throw new Error('a partition has no leader')
  const broker = await cluster.findBroker({ nodeId })
  const place = { partition, fetchOffset: String(offset), maxBytes: 1 }
  try {
    await broker.fetch({ maxWaitTime: 0, minBytes: 0, topics: [{ topic, partitions: [place] }] })
    return true
  } catch (error) {
    if (kafkaErrorType(error) === 'OFFSET_OUT_OF_RANGE') return false
    throw error
  }
}

/** What is found at last; undefined when all feeds are given up before. */
async function untilKnown<T>(feeds: readonly PartitionFeed[], find: () => Promise<T>): Promise<T | undefined> {
  const [{ revoked } = neverGiven] = feeds
  for (let attempt = 1; !feeds.every((feed) => feed.revoked.aborted); attempt++) {
    const found = await unlessAborted(
      find().catch(() => undefined),
      revoked,
    )
    if (found !== undefined) return found
    await wait(Math.min(lookMs * attempt, maxLookMs), revoked)
  }
  return undefined
}

const neverGiven = { revoked: new AbortController().signal }
/** Between looks. Guesses: kafkajs asks for the group's offsets within some ms, unless the coordinator is away. */
const lookMs = 5
const maxLookMs = 200
