import type { ConsumerStart, Logger } from '@tenon/core/transport'

/**
 * A message broker, seen from a service: logs of records split into partitions, read by groups.
 *
 * An implementation guarantees that records of one key go to one partition and keep their order there, that within a group
 * a partition belongs to one member at a time, that a partition's next owner starts at the last committed offset (a new
 * group at the earliest record), and that nothing of the client library shows through this port.
 */
export interface QueueDriver {
  /** `memory`, `sqlite`, `kafkajs`, `platformatic`. */
  readonly name: string
  /** What OpenTelemetry's conventions call the broker: `kafka`. @defaultValue `name` */
  readonly system?: string
  /** Where the broker is, for messages: `Kafka at 127.0.0.1:9092`. */
  readonly target: string
  /** The brokers to begin with, as `host:port`, for descriptions. @defaultValue none, as where messages stay on this machine */
  readonly brokers?: readonly string[]
  /**
   * Whether the broker and its messages end with this process. Members can `finish` then, and are asked to when the process
   * stops.
   *
   * @defaultValue false
   */
  readonly isVolatile?: boolean
  /**
   * How long something may still arrive of what `produce` has given up, in milliseconds.
   *
   * @defaultValue 0
   */
  readonly longestTailMs?: number
  /**
   * How long a group may wait, when members come or go, for messages that still run, in milliseconds. A group that is not joined in
   * several times that long is taken for one that never will be.
   *
   * @defaultValue 0
   */
  readonly longestRebalanceMs?: number
  /**
   * Connects for `ensureTopics` and `produce`. Called once, before any other method.
   *
   * @throws Error when no broker answers within the driver's own bound.
   */
  connect(client: QueueClient): Promise<void>
  /**
   * Creates the topics that do not exist; leaves existing ones as they are. Safe to call from several members at once.
   *
   * @throws Error that names the topic and the broker's reason.
   */
  ensureTopics(topics: readonly TopicToEnsure[]): Promise<void>
  /**
   * What the broker does with the records of a topic, where topics have settings of their own and these may be looked at. A driver leaves it
   * out whose topics have none.
   *
   * @throws ServiceError `not_found`, `permission_denied`, `unavailable`
   */
  retentionOf?(topic: string): Promise<TopicRetention>
  /**
   * Resolves when the broker has stored all records. Records of one partition are stored in the order of the calls, those of
   * several may not be; what is not begun when its time is up never is.
   *
   * @throws ServiceError `unavailable` when that did not happen in time; what was being sent then may still arrive.
   * `internal` for a record that the broker will never take, with the reason `record_too_large` for one that is too large.
   * `not_found` when the topic is not there, `permission_denied` when nothing may be written to it.
   */
  produce(records: readonly RecordToSend[], bound: ProduceBound): Promise<void>
  /**
   * Where the partitions of a topic begin and end, and how far a group has come in each; in order of the partitions. Without a
   * group it says that of none.
   *
   * @throws ServiceError `not_found` for a topic that does not exist, `permission_denied` when the topic or the group may not be looked at,
   * `unavailable` when the broker did not answer in time, or not for every partition.
   */
  describe(topic: string, group?: string): Promise<readonly PartitionProgress[]>
  /**
   * The records of one partition from an offset until before another, in order, without joining a group and leaving nothing at
   * the broker. What is gone by retention or compaction is passed over, as are records of transactions that did not end well.
   * Never waits for records that are still to come: a range beyond the end, as it is when reading begins, ends there. Nothing is
   * fetched before what was fetched last has been taken; each list holds at least one record. Leaving the loop ends the reading;
   * so does the signal, as if there were no more.
   *
   * @throws ServiceError, to whoever asks for the next records: `not_found` for a topic or partition that does not exist,
   * `unavailable` when nothing came in time though there is more, `permission_denied` when the topic may not be read,
   * `out_of_range` for an offset that is none.
   */
  read(range: RecordRange, bound: ReadBound): AsyncIterable<readonly ReceivedRecord[]>
  /**
   * Where each partition of a topic is read from to begin at a position, in order of the partitions: at the oldest record that is
   * kept, behind the last that readers may see, or at the first whose timestamp is not before a moment, which is behind the last
   * where there is none.
   *
   * @throws ServiceError `not_found` for a topic that does not exist, `permission_denied` when it may not be looked at, `unavailable` when the
   * broker did not answer in time.
   */
  offsetsAt(topic: string, start: ConsumerStart): Promise<readonly number[]>
  /**
   * The records of one partition from an offset on, in order and without an end, without joining a group and leaving nothing at the
   * broker. Waits for records that are still to come, and for a broker that is away, however long that takes. Nothing is fetched
   * before what was fetched last has been taken; each list holds at least one record. Leaving the loop ends it; so does the signal.
   *
   * @throws ServiceError, to whoever asks for the next records: `out_of_range` when the partition does not reach to where reading
   * stands, since its oldest records are gone or it is another one by now, and shorter; `not_found` for a topic or partition that
   * does not exist, `permission_denied` when the topic may not be read.
   */
  follow(from: RecordPlace, signal: AbortSignal): AsyncIterable<readonly ReceivedRecord[]>
  /**
   * Joins a group and resolves when it has its first assignment, which may be empty. When the signal fires before, it
   * leaves again and rejects.
   *
   * @throws Error when the group cannot be joined, such as for a refused credential.
   */
  join(membership: Membership, signal: AbortSignal): Promise<QueueMember>
  /** Sends what `produce` holds, within its bounds, and disconnects. Members have left before. Safe to call twice. */
  close(): Promise<void>
}

export interface QueueClient {
  /** Names the client in the broker's own logs and quotas: the service's name. */
  readonly clientId: string
}

export interface TopicToEnsure {
  readonly topic: string
  /** @defaultValue what the broker is set to */
  readonly partitionCount?: number | undefined
  /**
   * Whether its records are to be kept for ever, whatever the broker keeps else. A broker with one retention for all topics cannot, and
   * creates it as any other.
   *
   * @defaultValue false
   */
  readonly isKept?: boolean | undefined
  /**
   * How long its records are kept at least, each of them whatever came after it, in milliseconds; as `isKept` where a broker cannot.
   *
   * @defaultValue what the broker is set to
   */
  readonly keptMs?: number | undefined
}

/** What a broker does with the records of a topic. */
export interface TopicRetention {
  /** How long it keeps them, in milliseconds; `Infinity` for ever. */
  readonly keptMs: number
  /** Whether it removes those whose key has a newer one. */
  readonly isCompacted: boolean
}

/** A header as it is on the wire. Names may repeat; the value of most is UTF-8 text. */
export type RecordHeader = readonly [name: string, value: Uint8Array]

export interface RecordToSend {
  readonly topic: string
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
  /** @defaultValue chosen by a stable hash of the key */
  readonly partition?: number
  /** When it happened, in epoch milliseconds. @defaultValue the time of producing */
  readonly timestampAt?: number
}

/** How far a group has come in a partition. Its lag is `nextOffset` less `committedOffset`, or less `earliestOffset` where that is more or nothing was committed. */
export interface PartitionProgress {
  readonly partition: number
  /** Of the oldest record that is kept. */
  readonly earliestOffset: number
  /** That the next record will get. */
  readonly nextOffset: number
  /** Where the group goes on; undefined before its first commit. */
  readonly committedOffset: number | undefined
}

export interface ReceivedRecord extends RecordToSend {
  readonly partition: number
  /** Position in the partition. A number is exact up to 2^53. */
  readonly offset: number
  /** As its producer said, else when it was produced; in epoch milliseconds. */
  readonly timestampAt: number
}

export interface ProduceBound {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** Where in a partition reading begins. */
export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  /** Of the first record that is read. */
  readonly fromOffset: number
}

/** Some of the records of one partition. */
export interface RecordRange extends RecordPlace {
  /** Of the first record that is not read any more. @defaultValue that of the partition's end when reading begins */
  readonly toOffset?: number
  /**
   * Whether nothing may be missing that was stored before `toOffset` when reading began. A transaction that is open hides what comes
   * behind it: reading waits for its end then, and fails as `unavailable` when that does not come in time.
   *
   * @defaultValue false
   */
  readonly isWhole?: boolean
}

export interface ReadBound {
  /** Longest time until the next records come; what the taker of records does meanwhile does not count. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** What a member of a group wants. */
export interface Membership {
  readonly group: string
  readonly topics: readonly string[]
  /**
   * Where the group begins in topics of which it has committed nothing at all: these offsets of all partitions are committed together
   * before any record is given, so that they hold whatever becomes of the members. Partitions that come later begin at their oldest.
   *
   * @defaultValue at the oldest record
   */
  readonly starts?: ReadonlyMap<string, ConsumerStart>
  readonly log: Logger
  /**
   * Works on one partition from its assignment until it is given up. Called once for every assignment; settles soon after
   * `revoked` fires and never rejects. Until it has settled, or its bound has passed, nobody else gets the partition.
   */
  consume(partition: AssignedPartition): Promise<void>
  /** The driver cannot go on with this group, for a reason that no waiting mends. Called at most once. */
  fail(error: unknown): void
}

/** One assignment of one partition. Another assignment of the same partition, a new generation, is another object. */
export interface AssignedPartition {
  readonly topic: string
  readonly partition: number
  /** Fires when the partition is to be given up: let the running message finish, commit, settle. */
  readonly revoked: AbortSignal
  /** Fires when it is gone and another member may own it; fires `revoked` before. What still runs should stop. */
  readonly lost: AbortSignal
  /**
   * Where reading begins with this assignment: at the last commit of the group, or at the oldest record that is kept where nothing was
   * committed or what was is gone. It is what the assignment goes by, so it fits what `fetch` gives, which `describe` may not when a broker
   * has just taken over. Waits until it is known, and needs no `fetch`; undefined only when `revoked` has fired before. The same for
   * every call.
   */
  startOffset(): Promise<number | undefined>
  /**
   * The next records in order of their offsets. Waits until there is one; empty only when `revoked` has fired. The loop
   * that does not ask holds up this partition, and no other.
   */
  fetch(): Promise<readonly ReceivedRecord[]>
  /**
   * Stores that all records before the offset are done with. False when the partition is not this member's any more, or the group is
   * between two generations and the broker takes nothing yet: then the next commit covers it. What another generation has stored is
   * never overwritten.
   *
   * @throws ServiceError `unavailable` when the broker did not answer in time; the next commit covers it.
   */
  commit(nextOffset: number): Promise<boolean>
  /**
   * The same for the partition of this number of another topic, as long as this partition is the member's own: so the owner of a
   * partition says how far it has come in what belongs to it elsewhere. `describe` tells it for the same group. No member of the
   * group may read the other topic, for whoever owned its partition would commit there as well. Of several commits at once any
   * may be stored last.
   *
   * @remarks Kafka forgets it `offsets.retention.minutes` (by default seven days) after it was stored last, also while the group
   * goes on, because the group does not subscribe to the topic: store it anew before. Elsewhere it is kept.
   * @throws ServiceError `not_found` when the other topic has no such partition, `permission_denied` when it may not be read, `unavailable`
   * @see KIP-211
   */
  commitBeside(topic: string, nextOffset: number): Promise<boolean>
}

/** How a membership is doing. `stalled` is for whoever watches what comes of it: a driver does not know, and never says so. */
export type MemberState = 'joining' | 'assigned' | 'draining' | 'stalled' | 'failed' | 'left'

/** A membership of a group; reconnects and joins again by itself. */
export interface QueueMember {
  readonly state: MemberState
  /**
   * Resolves when this member has handled all that nobody would handle after it: messages of a broker that ends with the
   * process, where no other member takes this one's place. What is handled is committed at once from here on. Called before
   * `leave`, while messages are still handled; this member takes nobody else's place any more. A driver that is not volatile
   * leaves it out.
   *
   * @throws Error that says where messages are left when the signal fires.
   */
  finish?(signal: AbortSignal): Promise<void>
  /**
   * Gives up all partitions as `revoked` says, then leaves the group so that others take over at once. When the signal
   * fires, what still runs is `lost` and leaving takes no longer than the driver's own bound. Safe to call twice; the
   * second call may bring an earlier signal.
   */
  leave(signal: AbortSignal): Promise<void>
}
