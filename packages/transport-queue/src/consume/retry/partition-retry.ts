import { unlessAborted } from '@tenon/core/transport'
import type { ReceivedRecord } from '../../queue-driver.ts'
import { endlessDelays } from '../retry-schedule.ts'
import { laneOf } from '../turn/key-lanes.ts'
import type { MessageStage } from '../watch/consumer-report.ts'
import { FenceWaits } from './fence/fence-waits.ts'
import { KeyFence } from './fence/key-fence.ts'
import { OpenRecords } from './fence/open-records.ts'
import { PutBackKeys } from './fence/put-back-keys.ts'
import { loadRetry } from './load/load-retry.ts'
import { ReadBack } from './load/read-back.ts'
import { checkRetention } from './topic/retry-retention.ts'
import { type RetrySurroundings, RetryTopic } from './topic/retry-topic.ts'
import { TopicUpkeep } from './topic/topic-upkeep.ts'
import { DoneWriter } from './write/done-writer.ts'
import { type ParkedMessage, readParked, toDone } from './write/parked-message.ts'
import { type AppendOutcome, RetryWriter } from './write/retry-writer.ts'
import { TakeOver } from './write/take-over.ts'
import { Parking } from './parking.ts'
import { RetryLog } from './retry-log.ts'
import { RetryPartition } from './retry-partition.ts'

/** Whoever handles what is read back. */
export interface ReadBackLoop {
  /** What its messages wait for that are not with their handler, by their offset in the source. */
  readonly stages: ReadonlyMap<number, MessageStage>
  /** Commits what is done with. */
  hurry(): void
  /** It is stored that these records of the retry topic are done with. */
  drop(offsets: readonly number[]): void
}

/**
 * What one assignment of a partition sets aside, and reads back: the messages that failed and those of their keys behind them, in the
 * partition of the same number of the retry topic. It puts the parts together, begins with what earlier owners have left, and hands out what is
 * read back.
 */
export class PartitionRetry {
  /** What was set aside, as a partition to be consumed. */
  readonly partition: RetryPartition
  /** Sets messages of the source aside. */
  readonly parking: Parking
  readonly #surroundings: RetrySurroundings
  readonly #topic: RetryTopic
  readonly #upkeep: TopicUpkeep
  readonly #fence: KeyFence
  readonly #open: OpenRecords
  readonly #readBack: ReadBack
  readonly #putBack = new PutBackKeys()
  readonly #waits: FenceWaits
  readonly #writer: RetryWriter
  readonly #done: DoneWriter
  readonly #takeOver: TakeOver
  readonly #log: RetryLog
  /** As it is known once the partition has begun. */
  #owner = ''
  #isUnread = false
  #emptied: PromiseWithResolvers<void> | undefined
  #loop: ReadBackLoop | undefined

  constructor(surroundings: RetrySurroundings) {
    const { source, consumer, settings, log } = surroundings
    const { driver, clock, requestTimeoutMs: timeoutMs } = settings
    const { revoked, lost } = source
    this.#surroundings = surroundings
    this.#topic = new RetryTopic(surroundings)
    const { name: topic } = this.#topic
    const delays = () => this.#delays()
    const missed = () => this.#upkeep.missed()
    const stages = () => this.#loop?.stages ?? noStages
    const common = { source, topic, driver, clock, log, timeoutMs, revoked, delays, missed }
    this.#fence = new KeyFence(consumer.settings.retry.order)
    this.#open = new OpenRecords(this.#fence, (sourceOffset) => this.#readBack.release(sourceOffset))
    const [fence, open] = [this.#fence, this.#open]
    this.#log = new RetryLog({ topic, log, clock, open })
    const baseOffset = () => this.partition.baseOffset
    const passed = (goneCount: number) => this.#passed(goneCount)
    this.#readBack = new ReadBack({ ...surroundings, topic, fence, open, baseOffset, passed })
    this.#waits = new FenceWaits({ fence, open, revoked, lower: () => this.#lowerSoon() })
    const isRefused = (error: unknown) => this.#topic.isForbidden(error)
    this.#writer = new RetryWriter({ ...common, lost, prepare: () => this.#upkeep.prepare(), isRefused })
    const append = (offsets: readonly number[]) => this.#appendDone(offsets)
    this.#done = new DoneWriter({ open, clock, revoked, append, stored: (offsets) => this.#storedDone(offsets) })
    this.#takeOver = new TakeOver({ ...common, writer: this.#writer })
    this.parking = new Parking({
      ...common,
      fence,
      open,
      waits: this.#waits,
      writer: this.#writer,
      log: this.#log,
      owner: () => this.#owner,
      stages,
      stored: () => this.partition.wake(),
    })
    this.partition = new RetryPartition({
      ...common,
      isBehind: () => open.isBehind || this.partition.position < this.#readBack.endOffset,
      readAgain: () => this.#putBack.readAgain(),
      readAll: () => this.#putBack.readAll(),
      foundNothing: (fromOffset) => this.#readBack.foundNothing(fromOffset),
      fetched: (records, fromOffset) => this.#readBack.fetched(records, fromOffset),
      committed: (nextOffset) => this.#committed(nextOffset),
    })
    const [partition, readBack, writer] = [this.partition, this.#readBack, this.#writer]
    this.#upkeep = new TopicUpkeep({ ...surroundings, topic: this.#topic, partition, readBack, writer, open, stages })
  }

  /** How many messages were set aside and have no outcome. */
  get parkedCount(): number {
    return this.#open.unhandledCount
  }

  /** How many keys they are of; with two in one place of the fence for one. */
  get parkedKeyCount(): number {
    return this.#open.unhandledPlaceCount
  }

  /** What keeps messages of the source from being begun that a new process would not mend, in words; undefined when nothing does. */
  get hindrance(): string | undefined {
    return this.#isUnread ? `it waits until ${this.#topic.name} can be read` : this.#takeOver.hindrance
  }

  /** Says who handles what is read back. */
  readBackBy(loop: ReadBackLoop): void {
    this.#loop = loop
  }

  /**
   * Learns what earlier owners have set aside, however often the broker has to be asked. Before that nothing of the source may be
   * begun. False when the partition is given up before. Never rejects.
   */
  async begin(): Promise<boolean> {
    const { settings, source } = this.#surroundings
    const delays = this.#delays()
    while (!source.revoked.aborted) {
      try {
        await this.#load()
        this.#isUnread = false
        return !source.revoked.aborted
      } catch (error) {
        this.#isUnread = true
        this.#log.unread(error)
        await settings.clock.wait(delays.next().value, source.revoked)
      }
    }
    return false
  }

  /** Resolves when messages of the source may be begun, or the partition is given up. Never rejects. */
  untilTakenOver(): Promise<void> {
    return this.#takeOver.untilSaid()
  }

  /** Resolves when all that was set aside is done with and that is committed, or the partition is given up. Never rejects. */
  async untilEmpty(): Promise<void> {
    if (this.#open.isEmpty) return
    this.#emptied = Promise.withResolvers()
    await unlessAborted(this.#emptied.promise, this.#surroundings.source.revoked)
  }

  /** The message of a record that was read back, and begins now; undefined when it does not count, or comes later. */
  unpack(record: ReceivedRecord): ParkedMessage | undefined {
    if (!this.#open.isUnbegun(record.offset)) return undefined
    const { topic, settings } = this.#surroundings.consumer
    const parked = readParked(record, topic)
    const lane = laneOf(settings.retry.order, record)
    if (parked?.kind !== 'message' || (lane !== undefined && !this.#putBack.mayBegin(lane))) return undefined
    this.#open.begin(record.offset)
    const { onExhausted } = settings.retry
    // An owner to whom a partition with halted keys goes gives attempts anew, but not to what was given up for good.
    const isAnew = onExhausted === 'halt-key' && parked.owner !== this.#owner && parked.history?.givenUp === undefined
    return isAnew ? { ...parked, history: undefined } : parked
  }

  /** Lets go of a message that was not begun after all, because others need its room. It is read again when all before it of its lane are done with. */
  putBack(lane: string, { offset }: Pick<ReceivedRecord, 'offset'>): void {
    this.#open.putBack(offset)
    this.#putBack.add(lane, offset)
  }

  /** All that was begun of a lane is done with. */
  emptied(lane: string): void {
    if (this.#putBack.free(lane)) this.partition.wake()
  }

  /** Before which all that was set aside is done with. */
  get doneOffset(): number {
    return this.#open.firstOffset ?? this.partition.farthest
  }

  /** A record that was read back has its outcome; the loop takes note of it in the same turn. */
  handled({ offset }: Pick<ReceivedRecord, 'offset'>): void {
    const place = this.#open.handled(offset)
    this.#log.parked()
    if (place !== undefined) this.#waits.allHandled(place)
    if (this.#emptied && this.#open.unhandledCount === 0) queueMicrotask(() => this.#lowerSoon())
  }

  /** Stores which records have their outcome behind others that have none, so that they do not come again. */
  tellDone(): void {
    this.#done.write()
  }

  /** @throws ServiceError */
  async #load(): Promise<void> {
    const { source } = this.#surroundings
    const loaded = await loadRetry({ ...this.#surroundings, topic: this.#topic.name, fence: this.#fence })
    if (loaded === undefined) return
    this.#owner = loaded.owner
    this.#readBack.begin(loaded)
    this.#topic.found(loaded)
    this.partition.startAt(loaded.startOffset)
    if (loaded.isTakenOver) await this.#takeOver.say(loaded)
    if (source.revoked.aborted) return
    for (const offset of loaded.counted.loaded) this.#open.load(offset, loaded.places.get(offset))
    this.#log.parked()
    if (!loaded.hasTopic) return
    this.#upkeep.keep()
    void checkRetention({ ...this.#surroundings, topic: this.#topic.name })
  }

  #passed(goneCount: number): void {
    this.#log.gone(goneCount)
    this.#log.parked()
    this.#tellEmpty()
  }

  #committed(nextOffset: number): void {
    this.#open.committed(nextOffset)
    this.#takeOver.committed(nextOffset)
    this.#tellEmpty()
    // What was handled while that commit was under way waits for the next one.
    if (this.#waits.areSome) this.#loop?.hurry()
  }

  #appendDone(offsets: readonly number[]): Promise<AppendOutcome> {
    const { partition } = this.#surroundings.source
    const { baseOffset } = this.partition
    const own = offsets.filter((offset) => offset >= baseOffset).map((offset) => offset - baseOffset)
    // Of what is gone nobody needs to be told.
    if (own.length === 0) return Promise.resolve('stored')
    const untilOffset = Math.max(0, this.#readBack.endOffset - baseOffset)
    const word = { topic: this.#topic.name, partition, owner: this.#owner, untilOffset, offsets: own }
    return this.#writer.append((sequence) => toDone({ ...word, sequence }))
  }

  #storedDone(offsets: readonly number[]): void {
    this.#open.done(offsets)
    this.#loop?.drop(offsets)
    this.#tellEmpty()
    // It is read back as all that is stored here.
    this.partition.wake()
  }

  #tellEmpty(): void {
    if (this.#open.isEmpty) this.#emptied?.resolve()
  }

  /** Has stored what is handled, by a commit as far as that goes: then its fences fall. */
  #lowerSoon(): void {
    this.#loop?.hurry()
    this.#done.write()
  }

  /** Between tries of what has no end. Not by how long messages wait: an assignment waits for it. */
  #delays(): Iterator<number, never> {
    return endlessDelays({ retry: tryDelays, random: this.#surroundings.settings.random })
  }
}

const noStages: ReadonlyMap<number, MessageStage> = new Map()
/** Guesses. */
const tryDelays = { initialDelayMs: 100, maxDelayMs: 5_000 }
