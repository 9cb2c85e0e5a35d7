import { type Logger, ServiceError, unlessAborted } from '@tenon/core/transport'
import type { AssignedPartition, ReceivedRecord } from '../../queue-driver.ts'
import type { QueueSettings } from '../../queue-options.ts'
import { ThinLines } from '../../thin-lines.ts'
import type { GroupedConsumer } from '../plan/consumer-plan.ts'
import { endlessDelays, type RetryHistory } from '../retry-schedule.ts'
import { type CountedRecords, toJudged } from './counted-records.ts'
import { DoneWriter } from './done-writer.ts'
import { KeyFence } from './key-fence.ts'
import { loadRetry } from './load-retry.ts'
import { OpenRecords } from './open-records.ts'
import { type ParkedMessage, readParked, retryTopic, toDone, toParked, toTakeover } from './parked-message.ts'
import { checkRetention, createdMs } from './retry-retention.ts'
import { RetryPartition } from './retry-partition.ts'
import { isForbidden } from './retry-rights.ts'
import { type AppendOutcome, RetryWriter } from './retry-writer.ts'
import type { SharedProgress } from './shared-progress.ts'

export interface RetrySurroundings {
  /** That of the source. */
  readonly source: AssignedPartition
  readonly consumer: Pick<GroupedConsumer, 'topic' | 'group' | 'settings'>
  readonly settings: QueueSettings
  readonly log: Logger
  readonly progress: SharedProgress
}

/** What becomes of a message whose key has others that were set aside. */
export type FollowOutcome = 'parked' | 'free' | 'revoked'

/** Whoever handles what is read back. */
export interface ReadBackLoop {
  /** What its messages wait for that are not with their handler, by their offset in the source. */
  readonly stages: ReadonlyMap<number, unknown>
  /** Commits what is done with. */
  hurry(): void
  /** It is stored that these records of the retry topic are done with. */
  drop(offsets: readonly number[]): void
}

/**
 * What one assignment of a partition sets aside, and reads back: the messages that failed and those of their keys behind them, in the
 * partition of the same number of the retry topic.
 */
export class PartitionRetry {
  /** What was set aside, as a partition to be consumed. */
  readonly partition: RetryPartition
  readonly #surroundings: RetrySurroundings
  readonly #topic: string
  readonly #fence: KeyFence
  readonly #open: OpenRecords
  readonly #writer: RetryWriter
  readonly #done: DoneWriter
  readonly #lines: ThinLines
  /** As it is known once the partition has begun. */
  #owner = ''
  #counted: CountedRecords | undefined
  #loadedEnd = 0
  #hasTopic = false
  /** Why the topic cannot be used, if so. */
  #refusal: ServiceError | undefined
  /** How many wait for the fence of a place to fall. */
  readonly #awaited = new Map<number, number>()
  #emptied: PromiseWithResolvers<void> | undefined
  #loop: ReadBackLoop | undefined
  #isParking = false

  constructor(surroundings: RetrySurroundings) {
    const { source, consumer, settings, log } = surroundings
    const { driver, clock, requestTimeoutMs: timeoutMs } = settings
    this.#surroundings = surroundings
    this.#fence = new KeyFence(consumer.settings.retry.order)
    this.#open = new OpenRecords(this.#fence, (sourceOffset) => this.#counted?.release(sourceOffset))
    this.#topic = retryTopic(consumer.topic, consumer.group)
    this.#lines = new ThinLines(clock)
    const delays = () => this.#delays()
    const { revoked } = source
    const topic = this.#topic
    const prepare = () => this.#prepare()
    const isRefused = (error: unknown) => this.#isRefused(error)
    this.#writer = new RetryWriter({ driver, clock, log, timeoutMs, revoked, delays, prepare, isRefused })
    const append = (offsets: readonly number[]) => this.#appendDone(offsets)
    this.#done = new DoneWriter({ open: this.#open, append, stored: (offsets) => this.#storedDone(offsets) })
    this.partition = new RetryPartition({
      source,
      topic,
      driver,
      clock,
      log,
      timeoutMs,
      delays,
      isBehind: () => this.#open.isBehind || this.partition.position < this.#loadedEnd,
      foundNothing: () => this.#foundNothing(),
      fetched: (records) => this.#fetched(records),
      committed: (nextOffset) => this.#committed(nextOffset),
    })
  }

  /** How many messages were set aside and have no outcome. */
  get parkedCount(): number {
    return this.#open.unhandledCount
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
        return !source.revoked.aborted
      } catch (error) {
        this.#tell('warn', 'what was set aside could not be read; the partition waits for it', { err: error })
        await settings.clock.wait(delays.next().value, source.revoked)
      }
    }
    return false
  }

  /** Resolves when all that was set aside is done with and that is committed, or the partition is given up. Never rejects. */
  async untilEmpty(): Promise<void> {
    if (this.#open.isEmpty) return
    this.#emptied = Promise.withResolvers()
    await unlessAborted(this.#emptied.promise, this.#surroundings.source.revoked)
  }

  /** Whether messages of the key have to go behind others that were set aside. */
  isFenced(key: Uint8Array | null): boolean {
    return this.#fence.isUp(key)
  }

  /** Sets a message aside. Once it is stored, its place in the source is done with. Never rejects. */
  park(source: ReceivedRecord, history: RetryHistory | undefined): Promise<AppendOutcome> {
    const [topic, owner] = [this.#topic, this.#owner]
    const facts = { place: this.#fence.placeOf(source.key), hasFailed: history !== undefined }
    let ownSequence = 0
    let readBack: Promise<AppendOutcome> | undefined
    const appended = this.#writer.append((sequence) => {
      ownSequence = sequence
      readBack = this.#open.write(sequence, facts)
      this.#tellParked()
      return toParked(source, { topic, owner, sequence, history })
    })
    // Where its answer is lost, it is sent again until one comes, and stored twice; it may be handled by then.
    void appended.then((outcome) => this.#answered(ownSequence, outcome))
    return Promise.race([appended, readBack ?? appended])
  }

  /** Sets a message aside behind others of its key, unless these are done with in a moment. Never rejects. */
  async follow(record: ReceivedRecord): Promise<FollowOutcome> {
    const { source, settings } = this.#surroundings
    const { revoked } = source
    const place = this.#fence.placeOf(record.key)
    if (place === undefined) return 'free'
    const isStuck = this.#open.isStuck(place, this.#loop?.stages ?? noStages)
    if (!isStuck) await this.#untilDown(place, (over) => settings.clock.wait(fallWaitMs, over))
    if (revoked.aborted) return 'revoked'
    if (!this.isFenced(record.key)) return 'free'
    const outcome = await this.park(record, undefined)
    if (outcome !== 'refused') return outcome === 'stored' ? 'parked' : 'revoked'
    await this.#untilDown(place)
    return revoked.aborted ? 'revoked' : 'free'
  }

  /** The message of a record that was read back; undefined when it does not count. */
  unpack(record: ReceivedRecord): ParkedMessage | undefined {
    if (!this.#open.isUnhandled(record.offset)) return undefined
    const parked = readParked(record, this.#surroundings.consumer.topic)
    if (parked?.kind !== 'message') return undefined
    const { onExhausted } = this.#surroundings.consumer.settings.retry
    // An owner to whom a partition with halted keys goes gives attempts anew.
    return onExhausted === 'halt-key' && parked.owner !== this.#owner ? { ...parked, history: undefined } : parked
  }

  /** A record that was read back has its outcome; the loop takes note of it in the same turn. */
  handled({ offset }: Pick<ReceivedRecord, 'offset'>): void {
    const place = this.#open.handled(offset)
    this.#tellParked()
    const isAwaited = place !== undefined && this.#awaited.has(place)
    if (isAwaited || (this.#emptied && this.#open.unhandledCount === 0)) queueMicrotask(() => this.#lowerSoon())
  }

  /** Stores which records have their outcome behind others that have none, so that they do not come again. */
  tellDone(): void {
    this.#done.write()
  }

  /** @throws ServiceError */
  async #load(): Promise<void> {
    const { source } = this.#surroundings
    const loaded = await loadRetry({ ...this.#surroundings, topic: this.#topic, fence: this.#fence })
    if (loaded === undefined) return
    this.#owner = loaded.owner
    this.#counted = loaded.counted
    this.#loadedEnd = loaded.endOffset
    this.#hasTopic = loaded.hasTopic
    this.#refusal = loaded.refusal
    if (loaded.refusal && !this.#isRefused(loaded.refusal)) this.#tell('warn', cannotBeUsed, { err: loaded.refusal })
    this.partition.startAt(loaded.startOffset)
    if (loaded.isTakenOver) await this.#takeOver(loaded.counted.committedOffset)
    if (source.revoked.aborted) return
    for (const offset of loaded.counted.loaded) this.#open.load(offset, loaded.places.get(offset))
    this.#tellParked()
    if (!loaded.hasTopic) return
    this.#keep()
    void checkRetention({ ...this.#surroundings, topic: this.#topic })
  }

  /**
   * Tells later owners which of what lies before does not count: the source's commit will have passed it by then. And what is said later
   * of records that this one found without an outcome does not count. Whoever still owns the partition after reading knows that all of it
   * is of earlier owners; another could take what a later one wrote for a stray.
   *
   * @throws ServiceError
   */
  async #takeOver(fromOffset: number): Promise<void> {
    const [topic, owner, untilOffset] = [this.#topic, this.#owner, this.#loadedEnd]
    const { source } = this.#surroundings
    const { partition } = source
    if (!(await source.commitBeside(topic, this.partition.position)))
      throw new ServiceError('unavailable', `partition ${partition} seems to be another's`)
    const make = (sequence: number) => toTakeover({ topic, partition, owner, sequence, fromOffset, untilOffset })
    if ((await this.#writer.append(make)) === 'refused')
      throw new ServiceError('failed_precondition', `topic ${topic} does not take what says that it is taken over`)
  }

  /** There has to be a topic with as many partitions as the source, and a commit, so that nothing is forgotten that is not read. */
  async #prepare(): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal
    const { revoked, partition } = this.#surroundings.source
    if (!this.#hasTopic) await unlessAborted(this.#makeTopic(), revoked)
    if (revoked.aborted) return
    // Who may not read may not commit either, and could not read back what is set aside.
    if (!(await this.partition.storeAnew()))
      throw new ServiceError('unavailable', `partition ${partition} seems to be another's`)
  }

  #isRefused(error: unknown): boolean {
    const { consumer, log, progress } = this.#surroundings
    if (!isForbidden(error, { topic: this.#topic, group: consumer.group, log, progress })) return false
    this.#refusal = error
    return true
  }

  async #makeTopic(): Promise<void> {
    const { progress, consumer, settings } = this.#surroundings
    const { length: partitionCount } = await progress.describe(consumer.topic, consumer.group)
    await settings.driver.ensureTopics([{ topic: this.#topic, partitionCount, keptMs: createdMs(this.#surroundings) }])
    this.#hasTopic = true
    this.#keep()
  }

  /** Stores anew how far this is, for brokers that forget it. The last commit stays where it is. */
  #keep(): void {
    const { revoked } = this.#surroundings.source
    if (revoked.aborted) return
    void this.partition.keep()
    const timer = setInterval(() => void this.partition.keep(), keptMs).unref()
    revoked.addEventListener('abort', () => clearInterval(timer), { once: true })
  }

  #fetched(records: readonly ReceivedRecord[]): void {
    let goneCount = 0
    for (const record of records) {
      const { key, offset } = record
      // As it is: what a driver reads need not have all of it as properties of its own.
      const judged = toJudged(record, this.#surroundings.consumer.topic)
      if (judged === undefined) continue
      const { sourceOffset, owner, sequence, hasFailed = false } = judged
      const ownSequence = owner === this.#owner ? sequence : undefined
      if (this.#counted?.judge(judged) === 'counts')
        goneCount += this.#open.fetch({
          offset,
          sourceOffset,
          place: this.#fence.placeOf(key),
          hasFailed,
          sequence: ownSequence,
        })
      else if (ownSequence !== undefined) goneCount += this.#open.passWritten(ownSequence - 1)
    }
    this.#passed((records.at(-1)?.offset ?? -1) + 1, goneCount)
  }

  /** Forgets what retention has taken before it was read back. */
  async #foundNothing(): Promise<number> {
    const { progress, consumer, source } = this.#surroundings
    const { lastStored } = this.#open
    const partitions = await progress.describe(this.#topic, consumer.group)
    const own = partitions.find(({ partition }) => partition === source.partition)
    if (own === undefined || source.revoked.aborted) return 0
    const { earliestOffset, nextOffset } = own
    // What was known to be stored before it was asked lies before the end.
    this.#passed(earliestOffset, earliestOffset < nextOffset ? 0 : this.#open.passWritten(lastStored))
    return earliestOffset
  }

  /** What lies before an offset was read back, or is gone; so are others. */
  #passed(nextOffset: number, othersCount: number): void {
    const goneCount = othersCount + this.#open.passLoaded(nextOffset)
    this.#counted?.pass(nextOffset)
    if (goneCount > 0)
      this.#tell('warn', `messages that were set aside in ${this.#topic} were gone before they were handled`, {
        goneCount,
      })
    this.#tellParked()
    this.#tellEmpty()
  }

  #answered(sequence: number, outcome: AppendOutcome): void {
    if (outcome !== 'stored') {
      this.#open.withdraw(sequence)
      return this.#tellParked()
    }
    this.#open.stored(sequence)
    this.partition.wake()
  }

  #committed(nextOffset: number): void {
    this.#open.committed(nextOffset)
    this.#tellEmpty()
    // What was handled while that commit was under way waits for the next one.
    if (this.#awaited.size > 0) this.#loop?.hurry()
  }

  #appendDone(offsets: readonly number[]): Promise<AppendOutcome> {
    const [topic, owner, untilOffset] = [this.#topic, this.#owner, this.#loadedEnd]
    const { partition } = this.#surroundings.source
    return this.#writer.append((sequence) => toDone({ topic, partition, owner, sequence, untilOffset, offsets }))
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

  /** Resolves when the fence of a place is down, the partition is given up, or so long was waited. */
  async #untilDown(place: number, waited?: (over: AbortSignal) => Promise<void>): Promise<void> {
    const over = new AbortController()
    const stop = () => over.abort()
    const { revoked } = this.#surroundings.source
    if (revoked.aborted) return
    revoked.addEventListener('abort', stop, { once: true })
    this.#awaited.set(place, (this.#awaited.get(place) ?? 0) + 1)
    if (!this.#open.hasUnhandled(place)) this.#lowerSoon()
    const down = this.#fence.untilDown(place, over.signal)
    await Promise.race(waited ? [down, waited(over.signal)] : [down])
    stop()
    revoked.removeEventListener('abort', stop)
    const leftCount = (this.#awaited.get(place) ?? 1) - 1
    if (leftCount > 0) this.#awaited.set(place, leftCount)
    else this.#awaited.delete(place)
  }

  /** Has stored what is handled, by a commit as far as that goes: then its fences fall. */
  #lowerSoon(): void {
    this.#loop?.hurry()
    this.#done.write()
  }

  #tellParked(): void {
    const isParking = this.#open.unhandledCount > 0
    if (isParking === this.#isParking) return
    this.#isParking = isParking
    const text = isParking
      ? `messages are set aside in ${this.#topic}`
      : `all messages that were set aside in ${this.#topic} are done with`
    this.#tell('info', text)
  }

  /** Between tries of what has no end. Not by how long messages wait: an assignment waits for it. */
  #delays(): Iterator<number, never> {
    return endlessDelays({ retry: tryDelays, random: this.#surroundings.settings.random })
  }

  #tell(level: 'info' | 'warn', text: string, facts: object = {}): void {
    if (this.#lines.isDue(text)) this.#surroundings.log[level](facts, text)
  }
}

const noStages: ReadonlyMap<number, unknown> = new Map()
const cannotBeUsed = 'the retry topic cannot be used; messages that fail wait in memory'
/** How long the fence is waited for while none of its messages waits for an attempt. A guess. */
const fallWaitMs = 1_000
/** @see KIP-211: seven days by default */
const keptMs = 6 * 3_600_000
/** Guesses. */
const tryDelays = { initialDelayMs: 100, maxDelayMs: 5_000 }
