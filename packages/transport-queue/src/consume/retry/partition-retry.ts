import { type Logger, ServiceError, unlessAborted } from '@tenon/core/transport'
import type { AssignedPartition, PartitionProgress, ReceivedRecord } from '../../queue-driver.ts'
import type { QueueSettings } from '../../queue-options.ts'
import { ThinLines } from '../../thin-lines.ts'
import type { TopicConsumer } from '../plan/consumer-plan.ts'
import { endlessDelays, type RetryHistory } from '../retry-schedule.ts'
import { CountedRecords, ownerName, toJudged } from './counted-records.ts'
import { KeyFence } from './key-fence.ts'
import { type ParkedMessage, readParked, retryTopic, toParked, toTakeover } from './parked-message.ts'
import { RetryPartition } from './retry-partition.ts'
import { type AppendOutcome, RetryWriter } from './retry-writer.ts'
import type { SharedProgress } from './shared-progress.ts'

export interface RetrySurroundings {
  /** That of the source. */
  readonly source: AssignedPartition
  readonly consumer: Pick<TopicConsumer, 'topic' | 'group' | 'settings'>
  readonly settings: QueueSettings
  readonly log: Logger
  readonly progress: SharedProgress
}

/** What becomes of a message whose key has others that were set aside. */
export type FollowOutcome = 'parked' | 'free' | 'revoked'

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
  readonly #writer: RetryWriter
  readonly #lines: ThinLines
  /** As it is known once the partition has begun. */
  #owner = ''
  #counted: CountedRecords | undefined
  /** Of records that were fetched, count and are not committed: their places in the fence, by offset in their order. */
  readonly #open = new Map<number, number | undefined>()
  /** How much was set aside and not handled, and how much of it was not fetched. */
  #unhandledCount = 0
  #unfetchedCount = 0
  #loadedEnd = 0
  #hasTopic = false
  /** Why the topic cannot be used, if so. */
  #refusal: ServiceError | undefined
  #hurry: () => void = () => undefined
  #emptied: PromiseWithResolvers<void> | undefined

  constructor(surroundings: RetrySurroundings) {
    const { source, consumer, settings, log } = surroundings
    const { driver, clock, random, requestTimeoutMs: timeoutMs } = settings
    this.#surroundings = surroundings
    this.#fence = new KeyFence(consumer.settings.retry.order)
    this.#topic = retryTopic(consumer.topic, consumer.group)
    this.#lines = new ThinLines(clock)
    const delays = () => endlessDelays({ retry: consumer.settings.retry, random })
    const { revoked } = source
    const topic = this.#topic
    const prepare = () => this.#prepare()
    this.#writer = new RetryWriter({ driver, clock, log, timeoutMs, revoked, delays, prepare })
    this.partition = new RetryPartition({
      source,
      topic,
      driver,
      clock,
      log,
      timeoutMs,
      delays,
      isBehind: () => this.#unfetchedCount > 0 || this.partition.position < this.#loadedEnd,
      fetched: (records) => this.#fetched(records),
      committed: (nextOffset) => this.#committed(nextOffset),
    })
  }

  /** How many messages were set aside and have no outcome. */
  get parkedCount(): number {
    return this.#unhandledCount
  }

  /** Commits what was read back and is done with; told by whoever consumes the partition. */
  hurriedBy(hurry: () => void): void {
    this.#hurry = hurry
  }

  /**
   * Learns what earlier owners have set aside, however often the broker has to be asked. Before that nothing of the source may be
   * begun. False when the partition is given up before. Never rejects.
   */
  async begin(): Promise<boolean> {
    const { settings, source, consumer } = this.#surroundings
    const { clock, random } = settings
    const delays = endlessDelays({ retry: consumer.settings.retry, random })
    while (!source.revoked.aborted) {
      try {
        await this.#load()
        return !source.revoked.aborted
      } catch (error) {
        this.#tell('warn', 'what was set aside could not be read; the partition waits for it', { err: error })
        await clock.wait(delays.next().value, source.revoked)
      }
    }
    return false
  }

  /** Resolves when all that was set aside is done with and that is committed, or the partition is given up. Never rejects. */
  async untilEmpty(): Promise<void> {
    if (this.#isEmpty) return
    this.#emptied = Promise.withResolvers()
    await unlessAborted(this.#emptied.promise, this.#surroundings.source.revoked)
  }

  /** Whether messages of the key have to go behind others that were set aside. */
  isFenced(key: Uint8Array | null): boolean {
    return this.#fence.isUp(key)
  }

  /** Sets a message aside. Once it is stored, its place in the source is done with. Never rejects. */
  async park(source: ReceivedRecord, history: RetryHistory | undefined): Promise<AppendOutcome> {
    const [topic, owner] = [this.#topic, this.#owner]
    const place = this.#fence.placeOf(source.key)
    this.#raise(place)
    const outcome = await this.#writer.append((sequence) => toParked(source, { topic, owner, sequence, history }))
    if (outcome === 'stored') {
      this.#unfetchedCount += 1
      this.partition.wake()
    } else {
      this.#fence.lower(place)
      this.#handled()
    }
    return outcome
  }

  /** Sets a message aside behind others of its key, unless these are done with in a moment. Never rejects. */
  async follow(record: ReceivedRecord): Promise<FollowOutcome> {
    const { revoked } = this.#surroundings.source
    if (this.#unhandledCount === 0) await this.#awaitCommit(record)
    if (revoked.aborted) return 'revoked'
    if (!this.isFenced(record.key)) return 'free'
    const outcome = await this.park(record, undefined)
    if (outcome !== 'refused') return outcome === 'stored' ? 'parked' : 'revoked'
    await this.#fence.untilDown(record.key, revoked)
    return revoked.aborted ? 'revoked' : 'free'
  }

  /** The message of a record that was read back; undefined when it does not count. */
  unpack(record: ReceivedRecord): ParkedMessage | undefined {
    if (!this.#open.has(record.offset)) return undefined
    const parked = readParked(record, this.#surroundings.consumer.topic)
    return parked?.kind === 'message' ? parked : undefined
  }

  /** A record that was read back is done with. */
  handled({ offset }: Pick<ReceivedRecord, 'offset'>): void {
    if (this.#open.has(offset)) this.#handled()
  }

  /** @throws ServiceError */
  async #load(): Promise<void> {
    const { source } = this.#surroundings
    // Not `describe`: what the broker says of itself beside the assignment may be older than what is read.
    const answer = await unlessAborted(Promise.all([source.startOffset(), this.#describeRetry()]), source.revoked)
    const [committedOffset, partitions] = answer ?? []
    if (committedOffset === undefined || partitions === undefined) return
    const ofRetry = partitions.find(({ partition }) => partition === source.partition)
    const owner = ownerName(committedOffset, this.#surroundings.settings.clock.now())
    const counted = new CountedRecords({ owner, committedOffset })
    this.#owner = owner
    this.#counted = counted
    if (ofRetry === undefined) return
    this.#hasTopic = true
    const places = await this.#readAll(ofRetry, counted)
    if (source.revoked.aborted) return
    if (counted.endLoading()) await this.#takeOver(committedOffset)
    if (source.revoked.aborted) return
    for (const offset of counted.loaded) this.#raise(places.get(offset))
    for (const _offset of counted.loaded) this.#unfetchedCount += 1
    this.#keep()
  }

  /** Nothing where the topic is not there, or cannot be asked for. @throws ServiceError `unavailable` */
  async #describeRetry(): Promise<readonly PartitionProgress[]> {
    const { progress, consumer } = this.#surroundings
    try {
      return await progress.describe(this.#topic, consumer.group)
    } catch (error) {
      if (!ServiceError.is(error) || error.code === 'unavailable') throw error
      if (error.code !== 'not_found') this.#refusal = error
      return []
    }
  }

  /** Where the records stand in the fence, by their offsets. Keeps nothing else of them. */
  async #readAll(
    { earliestOffset, nextOffset, committedOffset = earliestOffset }: PartitionProgress,
    counted: CountedRecords,
  ): Promise<ReadonlyMap<number, number | undefined>> {
    const { settings, source } = this.#surroundings
    const { partition, revoked } = source
    const startOffset = Math.max(earliestOffset, committedOffset)
    const places = new Map<number, number | undefined>()
    this.partition.startAt(startOffset)
    this.#loadedEnd = Math.max(startOffset, nextOffset)
    const fromOffset = Math.max(earliestOffset, startOffset - lookedBackCount)
    const range = { topic: this.#topic, partition, fromOffset, toOffset: Math.max(fromOffset, nextOffset) }
    const bound = { timeoutMs: settings.requestTimeoutMs, signal: revoked }
    for await (const records of settings.driver.read(range, bound))
      for (const record of records) {
        const judged = toJudged(record, this.#surroundings.consumer.topic)
        if (judged === undefined) continue
        if (record.offset < startOffset) counted.skip(judged)
        else counted.load(judged)
        if (record.offset >= startOffset) places.set(record.offset, this.#fence.placeOf(record.key))
      }
    return places
  }

  /**
   * Tells later owners which of what lies before does not count: the source's commit will have passed it by then. Whoever still owns the
   * partition after reading knows that all of it is of earlier owners; another could take what a later one wrote for a stray.
   *
   * @throws ServiceError
   */
  async #takeOver(fromOffset: number): Promise<void> {
    const [topic, owner, untilOffset] = [this.#topic, this.#owner, this.#loadedEnd]
    const { source } = this.#surroundings
    const { partition } = source
    if (!(await source.commitBeside(topic, this.partition.position)))
      throw new ServiceError('unavailable', `partition ${partition} seems to be another's`)
    await this.#writer.append((sequence) => toTakeover({ topic, partition, owner, sequence, fromOffset, untilOffset }))
  }

  /** There has to be a topic with as many partitions as the source, and a commit, so that nothing is forgotten that is not read. */
  async #prepare(): Promise<void> {
    if (this.#hasTopic) return
    if (this.#refusal !== undefined) throw this.#refusal
    const { progress, consumer, settings } = this.#surroundings
    const { length: partitionCount } = await progress.describe(consumer.topic, consumer.group)
    await settings.driver.ensureTopics([{ topic: this.#topic, partitionCount }])
    this.#hasTopic = true
    this.#keep()
  }

  /** Stores anew how far this is, for brokers that forget it. The last commit stays where it is. */
  #keep(): void {
    const { revoked } = this.#surroundings.source
    void this.partition.keep()
    const timer = setInterval(() => void this.partition.keep(), keptMs).unref()
    revoked.addEventListener('abort', () => clearInterval(timer), { once: true })
  }

  #fetched(records: readonly ReceivedRecord[]): void {
    for (const record of records) {
      const judged = toJudged(record, this.#surroundings.consumer.topic)
      const verdict = judged === undefined ? 'passed' : (this.#counted?.judge(judged) ?? 'passed')
      if (verdict !== 'counts') continue
      if (judged?.owner !== this.#owner && record.offset >= this.#loadedEnd)
        this.#raise(this.#fence.placeOf(record.key))
      else this.#unfetchedCount -= 1
      this.#open.set(record.offset, this.#fence.placeOf(record.key))
    }
  }

  #committed(nextOffset: number): void {
    for (const [offset, place] of this.#open) {
      if (offset >= nextOffset) return
      this.#open.delete(offset)
      this.#fence.lower(place)
    }
    if (this.#isEmpty) this.#emptied?.resolve()
  }

  get #isEmpty(): boolean {
    return this.#unhandledCount === 0 && this.#open.size === 0
  }

  #raise(place: number | undefined): void {
    this.#fence.raise(place)
    this.#unhandledCount += 1
    if (this.#unhandledCount === 1) this.#tell('info', `messages are set aside in ${this.#topic}`)
  }

  #handled(): void {
    this.#unhandledCount -= 1
    if (this.#unhandledCount > 0) return
    this.#tell('info', `all messages that were set aside in ${this.#topic} are done with`)
    // Not before the loop has noted the outcome.
    if (this.#emptied) queueMicrotask(() => this.#hurry())
  }

  /** All is handled, and the fence falls as soon as that is committed. */
  async #awaitCommit({ key }: ReceivedRecord): Promise<void> {
    const { settings, source } = this.#surroundings
    const over = new AbortController()
    const stop = () => over.abort()
    source.revoked.addEventListener('abort', stop, { once: true })
    this.#hurry()
    await Promise.race([this.#fence.untilDown(key, over.signal), settings.clock.wait(commitWaitMs, over.signal)])
    stop()
    source.revoked.removeEventListener('abort', stop)
  }

  #tell(level: 'info' | 'warn', text: string, facts: object = {}): void {
    if (this.#lines.isDue(text)) this.#surroundings.log[level](facts, text)
  }
}

/** How long the fence is waited for when only a commit is missing. A guess. */
const commitWaitMs = 1_000
/** @see KIP-211: seven days by default */
const keptMs = 6 * 3_600_000
/** Before the commit, for what an owner sent again: ten times what it sends at once. A guess. */
const lookedBackCount = 1_000
