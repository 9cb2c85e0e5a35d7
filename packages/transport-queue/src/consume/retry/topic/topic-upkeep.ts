import { ServiceError, unlessAborted } from '@tenon/core/transport'
import type { MessageStage } from '../../watch/consumer-report.ts'
import type { OpenRecords } from '../fence/open-records.ts'
import type { ReadBack } from '../load/read-back.ts'
import type { RetryPartition } from '../retry-partition.ts'
import type { RetryWriter } from '../write/retry-writer.ts'
import { type EndlessStage, watchHaltedRetention } from './halted-retention.ts'
import { keepCommit } from './kept-commit.ts'
import type { RetrySurroundings, RetryTopic } from './retry-topic.ts'

export interface UpkeepSurroundings extends RetrySurroundings {
  readonly topic: Pick<RetryTopic, 'name' | 'make' | 'isGone' | 'gone'>
  readonly partition: Pick<RetryPartition, 'startAt' | 'restartAt' | 'position' | 'farthest' | 'storeAnew' | 'revoked'>
  readonly readBack: Pick<ReadBack, 'startAt' | 'restartAt' | 'endOffset'>
  readonly writer: Pick<RetryWriter, 'restart'>
  readonly open: Pick<OpenRecords, 'oldestStoredAt'>
  /** What messages that were read back wait for, by their offset in the source. */
  stages(): ReadonlyMap<number, MessageStage>
}

/** Sees to it that a retry topic is there while one assignment sets messages aside, and that nothing of it is forgotten. */
export class TopicUpkeep {
  readonly #surroundings: UpkeepSurroundings
  #isKept = false

  constructor(surroundings: UpkeepSurroundings) {
    this.#surroundings = surroundings
  }

  /**
   * There has to be a topic with as many partitions as the source, and a commit, so that nothing is forgotten that is not read.
   *
   * @throws ServiceError `unavailable`, or as `RetryTopic.make`
   */
  async prepare(): Promise<void> {
    const { topic, partition, readBack, source } = this.#surroundings
    const { revoked } = source
    const startOffset = await unlessAborted(topic.make(), revoked)
    if (revoked.aborted) return
    if (startOffset !== undefined) {
      partition.startAt(startOffset)
      readBack.startAt(partition.position)
      this.keep()
    }
    // Who may not read may not commit either, and could not read back what is set aside.
    if (!(await partition.storeAnew()))
      throw new ServiceError('unavailable', `partition ${source.partition} seems to be another's`)
  }

  /** The broker has no such topic. It is made anew where that is sure; what was begun of it goes on. Never rejects. */
  async missed(): Promise<void> {
    const { topic, partition, readBack, writer, source } = this.#surroundings
    const { revoked } = source
    // Whoever is not answered asks again with the next try.
    const isGone = await unlessAborted(topic.isGone(), revoked).catch(() => false)
    if (isGone !== true || revoked.aborted) return
    const endOffset = Math.max(partition.farthest, readBack.endOffset)
    topic.gone()
    writer.restart()
    partition.restartAt(endOffset)
    readBack.restartAt(endOffset)
  }

  /** Keeps the broker from forgetting, now that the topic is there, and warns of what the topic itself forgets. */
  keep(): void {
    if (this.#isKept) return
    this.#isKept = true
    const { partition, consumer } = this.#surroundings
    keepCommit(partition)
    this.#watch('buried')
    if (consumer.settings.retry.onExhausted === 'halt-key') this.#watch('halted')
  }

  #watch(stage: EndlessStage): void {
    const { topic, open, stages, settings, log, source } = this.#surroundings
    const { driver, clock } = settings
    const isMeant = (sourceOffset: number) => stages().get(sourceOffset)?.stage === stage
    const oldestAt = () => open.oldestStoredAt(isMeant)
    watchHaltedRetention({ topic: topic.name, driver, clock, log, revoked: source.revoked, stage, oldestAt })
  }
}
