import type { Logger } from '@tenon/core/transport'
import { ThinLines } from '../../thin-lines.ts'
import type { QueueClock } from '../../wait.ts'
import type { OpenRecords } from './fence/open-records.ts'

export interface RetryLogSurroundings {
  /** Where messages are set aside. */
  readonly topic: string
  readonly log: Logger
  readonly clock: Pick<QueueClock, 'now'>
  readonly open: Pick<OpenRecords, 'unhandledCount'>
}

/** What the log is told of the messages of one partition that are set aside. What comes again and again is told now and then. */
export class RetryLog {
  readonly #surroundings: RetryLogSurroundings
  readonly #lines: ThinLines
  #isParking = false

  constructor(surroundings: RetryLogSurroundings) {
    this.#surroundings = surroundings
    this.#lines = new ThinLines(surroundings.clock)
  }

  /** There may be others without an outcome than before: tells when there begin to be some, and when there are none any more. */
  parked(): void {
    const { topic, open } = this.#surroundings
    const isParking = open.unhandledCount > 0
    if (isParking === this.#isParking) return
    this.#isParking = isParking
    const done = `all messages that were set aside in ${topic} are done with`
    this.#tell('info', isParking ? `messages are set aside in ${topic}` : done)
  }

  /** How many were gone before they were handled. */
  gone(goneCount: number): void {
    const text = `messages that were set aside in ${this.#surroundings.topic} were gone before they were handled`
    if (goneCount > 0) this.#tell('warn', text, { goneCount })
  }

  /** What earlier owners have set aside is not known yet. */
  unread(error: unknown): void {
    this.#tell('warn', 'what was set aside could not be read; the partition waits for it', { err: error })
  }

  #tell(level: 'info' | 'warn', text: string, facts: object = {}): void {
    if (this.#lines.isDue(text)) this.#surroundings.log[level](facts, text)
  }
}
