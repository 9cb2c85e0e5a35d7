import { type Logger, unlessAborted } from '@tenon/core/transport'
import type { AssignedPartition, ReceivedRecord } from '../queue-driver.ts'
import type { QueueSettings } from '../queue-options.ts'
import type { Batcher } from './batch/batcher.ts'
import { CommitProgress } from './commit/commit-progress.ts'
import { tellLostCommits } from './commit/tell-lost-commits.ts'
import type { TopicConsumer } from './plan/consumer-plan.ts'
import type { MessageStage, OldestMessage } from './watch/consumer-report.ts'
import { PartitionMotion } from './watch/partition-motion.ts'
import type { HandlerRun, WatchedLoop } from './watch/watched-loop.ts'
import { endablePartition } from './endable-partition.ts'
import { FinishedOffsets } from './commit/finished-offsets.ts'
import type { MessageOffsets, OpenOffset } from './commit/message-offsets.ts'
import { ReadBackOffsets } from './commit/read-back-offsets.ts'
import { Room } from './commit/room.ts'
import { HaltedMessages } from './halted-messages.ts'
import { KeyLanes, type OpenMessage } from './turn/key-lanes.ts'
import { MessageSettler } from './message-settler.ts'
import type { AsideAllowance } from './retry/aside-allowance.ts'
import type { PartitionRetry } from './retry/partition-retry.ts'
import { notingParking, type SetAside } from './retry/noting-parking.ts'
import type { Slots } from './turn/slots.ts'

export interface LoopSurroundings {
  readonly settings: QueueSettings
  readonly log: Logger
  /** Shared by all partitions of the consumer. */
  readonly slots: Slots
  /** The same, where its handler takes several messages at once. */
  readonly batcher?: Batcher | undefined
  /** Where messages are set aside. */
  readonly retry?: PartitionRetry | undefined
  /** Where several loops halt messages of one partition. */
  readonly halted?: HaltedMessages
  /** The same, where messages are set aside. */
  readonly allowance?: AsideAllowance
  /** Told when the partition cannot be read any more. */
  fail(error: unknown): void
}

/**
 * Handles the messages of a partition until it is given up: those of a key one after another, those of different keys side by
 * side, unless its consumer wants another order. A message that fails holds up its key and no other. Only what lies before the oldest message without an outcome is
 * committed, so that nothing is lost whenever the process ends.
 */
export class PartitionLoop implements WatchedLoop {
  readonly partition: AssignedPartition
  /** Whether it moves. */
  readonly motion: PartitionMotion
  readonly #end: () => void
  readonly #fail: LoopSurroundings['fail']
  readonly #clock: QueueSettings['clock']
  readonly #maxUncommittedCount: number
  readonly #allowance: AsideAllowance | undefined
  readonly #settler: MessageSettler
  readonly #batcher: Batcher | undefined
  readonly #halted: HaltedMessages
  /** What was set aside, where that is what the loop handles. */
  readonly #readBack: ReadBack | undefined
  readonly #progress: CommitProgress
  readonly #offsets: MessageOffsets
  /** What was set aside, and how, until that is noted. */
  readonly #setAside: SetAside = new Map()
  readonly #lanes: KeyLanes
  readonly #room: Room

  constructor(given: AssignedPartition, consumer: TopicConsumer, surroundings: LoopSurroundings) {
    const { settings, log, slots, batcher, retry, halted = new HaltedMessages(), allowance, fail } = surroundings
    const { order } = consumer.settings.retry
    const { partition, end } = endablePartition(given)
    const { group } = consumer
    const isReadBack = retry !== undefined && given === retry.partition
    const ownLog = log.child({ topic: partition.topic, partition: partition.partition, group })
    // Of messages that were set aside the log names the place where they lay before.
    const sourceLog = isReadBack ? log.child(setAsideOf(consumer, partition)) : ownLog
    this.partition = partition
    this.motion = new PartitionMotion(settings.clock)
    this.#end = end
    this.#fail = fail
    this.#clock = settings.clock
    this.#batcher = batcher
    this.#halted = halted
    this.#maxUncommittedCount = settings.maxUncommittedCount
    this.#allowance = allowance
    const handle = (message: OpenMessage, next: () => void) => this.#handle(message, next)
    const emptied = isReadBack ? (lane: string) => retry.emptied(lane) : undefined
    this.#lanes = new KeyLanes({ slots, order, revoked: partition.revoked, handle, ...(emptied && { emptied }) })
    this.#readBack = isReadBack ? { retry, offsets: new ReadBackOffsets(() => retry.doneOffset) } : undefined
    this.#offsets = this.#readBack?.offsets ?? new FinishedOffsets()
    // Where a message holds up its partition, nothing can be handled meanwhile that it would be set aside for.
    const isSetAside = order !== 'partition' && !isReadBack
    const aside =
      retry && isSetAside
        ? { parking: notingParking(retry.parking, this.#setAside), isWanted: this.#isWanted }
        : undefined
    // What is behind it in its key can be put back now.
    const waits = () => void (isReadBack && this.#room.look())
    const own = { settings, log: sourceLog, slots, batcher, aside, halted, waits }
    this.#settler = new MessageSettler({ partition, consumer, ...own })
    this.#room = new Room({
      revoked: partition.revoked,
      log: sourceLog,
      isFull: () => this.#isFull,
      letGo: () => this.#hasPutBack(),
      awaited: () => this.#awaitRoom(),
      stoodStill: () => this.#settler.reconsider(),
      cause: () => this.#causeOfStandstill(),
    })
    this.#progress = new CommitProgress(partition, {
      intervalMs: settings.commitIntervalMs,
      stored: (nextOffset) => this.#committed(nextOffset),
      notStored: tellLostCommits(ownLog, settings.clock),
    })
  }

  /** When the oldest message without an outcome was produced, in epoch milliseconds; undefined when none waits here. */
  get oldestAt(): number | undefined {
    return this.#offsets.oldest?.timestampAt
  }

  /** The oldest message without an outcome, and why it has none; undefined when none waits here. */
  get oldest(): OldestMessage | undefined {
    const { oldest } = this.#offsets
    if (oldest === undefined) return undefined
    const { sourceOffset, takenAt } = oldest
    const stage = this.#settler.stages.get(sourceOffset) ?? { stage: 'running', sinceAt: takenAt }
    return { partition: this.partition.partition, offset: sourceOffset, ...stage }
  }

  get uncommittedOffset(): number | undefined {
    return this.#offsets.uncommitted?.sourceOffset
  }

  get stages(): ReadonlyMap<number, MessageStage> {
    return this.#settler.stages
  }

  get runs(): readonly HandlerRun[] {
    return this.#settler.runs
  }

  get isAwaitingRoom(): boolean {
    return this.#room.isAwaited
  }

  /** What it stands still for, or cannot do, in words; undefined while nothing is wrong. */
  get hindrance(): string | undefined {
    return this.#settler.hindrance ?? this.#room.hindrance
  }

  /** Settles when the partition was given up and nothing runs any more. Never rejects. */
  async run(): Promise<void> {
    try {
      while (!this.#isRevoked) await this.#take(await this.motion.fetch(this.partition))
    } catch (error) {
      // What runs goes on, so that it is committed before another member gets the partition.
      this.#end()
      this.#fail(error)
    }
    // Now, because what still runs may take longer than it gets.
    this.#progress.hasten()
    // A handler that ignores its signal is not waited for when others have its message.
    await unlessAborted(this.#lanes.settled(), this.partition.lost)
    await this.#progress.end()
  }

  /** Commits what is done with before its time. */
  hurry(): void {
    this.#progress.hurry()
  }

  /** From now on commits each outcome at once. */
  hasten(): void {
    this.#progress.hasten()
  }

  /** It is stored that these are done with, though one before them is not. */
  drop(offsets: readonly number[]): void {
    this.#readBack?.offsets.drop(offsets)
    this.#room.look()
  }

  get haltedCount(): number {
    return this.#halted.count
  }

  /** Gives attempts anew to messages that are halted. How many there were. */
  retryHalted(): number {
    const count = this.#halted.release()
    this.#settler.wake()
    return count
  }

  get #isRevoked(): boolean {
    return this.partition.revoked.aborted
  }

  /** No more than may come again: a broker that takes no commits holds up the partition, not the order in which it is handled. */
  async #take(records: readonly ReceivedRecord[]): Promise<void> {
    let takenAt = this.#clock.now()
    for (const given of records) {
      if (this.#isFull) {
        this.#hurry()
        // Nothing more of this partition can come into it.
        this.#batcher?.flushWhenRead()
        await this.#room.untilSome()
        takenAt = this.#clock.now()
      }
      if (this.#isRevoked) return
      this.#takeOne(given, takenAt)
    }
  }

  #takeOne(given: ReceivedRecord, takenAt: number): void {
    if (this.#readBack === undefined)
      return this.#lanes.add({ record: given, place: this.#offsets.begin(given, takenAt) })
    const { retry, offsets } = this.#readBack
    const parked = retry.unpack(given)
    if (parked === undefined) return this.#passOver(offsets)
    const { source: record, history } = parked
    const { offset: sourceOffset, timestampAt } = record
    const place = offsets.begin({ offset: given.offset, sourceOffset, timestampAt }, takenAt)
    this.#lanes.add({ record, history, place })
  }

  /** A record of a retry topic that does not count, or comes later. */
  #passOver(offsets: ReadBackOffsets): void {
    const nextOffset = offsets.pass()
    if (nextOffset !== undefined) void this.#progress.advance(nextOffset)
  }

  /** Whether all that may come again has been taken. */
  get #isFull(): boolean {
    return this.#offsets.uncommittedCount >= this.#maxUncommittedCount
  }

  /** What holds it up may be set aside now, or said to be done with. */
  #awaitRoom(): void {
    this.#settler.reconsider()
    this.#readBack?.retry.tellDone()
  }

  /** Lets go of what waits in its key behind one that waits for its attempt, and can be read again. Whether there was some. */
  #hasPutBack(): boolean {
    if (this.#readBack === undefined) return false
    const { retry, offsets } = this.#readBack
    const { stages } = this.#settler
    const back = this.#lanes.takeBack(({ place }) => stages.has(place.sourceOffset))
    for (const { lane, place } of back) {
      offsets.putBack(place)
      retry.putBack(lane, place)
    }
    return back.length > 0
  }

  #causeOfStandstill() {
    const { committableCount } = this.#offsets
    const facts = { oldest: this.oldest, committableCount, maxUncommittedCount: this.#maxUncommittedCount }
    return { facts, text: committableCount > 0 ? 'the broker to store a commit' : 'its oldest message' }
  }

  #handle({ record, history, place }: OpenMessage, next: () => void): void {
    this.#settler.settle({ record, history }, (isDone) => {
      if (isDone) this.#readBack?.retry.handled(place)
      const committed = isDone ? this.#finish(place) : undefined
      if (committed) void afterCommit(committed, next)
      else next()
    })
  }

  /**
   * Whether a message that waits should be set aside: where it holds up others, and no more wait and are aside than were handled behind the
   * oldest. So one message is set aside, and not a whole topic when everything fails. A few are where the partition stands still: perhaps all that it
   * may take is behind them in their keys.
   */
  readonly #isWanted = (delayMs: number, waitingCount: number): boolean => {
    const allowedCount = this.#room.isStill ? (this.#allowance?.count ?? 0) : 0
    return (this.isAwaitingRoom || delayMs > longDelayMs) && waitingCount <= this.#offsets.aheadCount + allowedCount
  }

  /** The commit to wait for before the next message of the key, if any. */
  #finish(place: OpenOffset): Promise<void> | undefined {
    const how = this.#setAside.get(place.offset) ?? 'handled'
    this.#setAside.delete(place.offset)
    this.motion.outcome()
    const nextOffset = this.#offsets.finish(place, how)
    this.#allowance?.note(how)
    // The more are handled behind the oldest, the more of those that wait may be set aside.
    this.#settler.reconsider()
    // What has its outcome behind the oldest that was set aside must not fill the window.
    const { aheadCount } = this.#offsets
    if (this.isAwaitingRoom || aheadCount * 2 >= this.#maxUncommittedCount) this.#readBack?.retry.tellDone()
    if (nextOffset === undefined) return undefined
    const committed = this.#progress.advance(nextOffset)
    this.#hurry()
    return committed
  }

  #committed(nextOffset: number): void {
    this.#offsets.commit(nextOffset)
    this.#room.look()
    this.#hurry()
  }

  /** Commits before its time what the bound has no room for: half of it at once, and all when something waits for room. */
  #hurry(): void {
    const { committableCount } = this.#offsets
    if (committableCount * 2 < this.#maxUncommittedCount && !(this.#isFull && committableCount > 0)) return
    this.#progress.hurry()
  }
}

/** What was set aside, where it is read back. */
interface ReadBack {
  readonly retry: PartitionRetry
  readonly offsets: ReadBackOffsets
}

function setAsideOf({ topic, group }: TopicConsumer, { partition }: AssignedPartition): object {
  return { topic, partition, group, isSetAside: true }
}

async function afterCommit(committed: Promise<void>, next: () => void): Promise<void> {
  await committed
  next()
}

/** A message that waits for longer is set aside though there is room. A guess. */
const longDelayMs = 10_000
