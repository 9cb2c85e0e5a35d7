import type { Logger } from '@tenon/core/transport'
import type { AssignedPartition } from '../../../queue-driver.ts'
import type { QueueClock } from '../../../wait.ts'
import type { LoadedRetry } from '../load/load-retry.ts'
import { toTakeover } from './parked-message.ts'
import { type AppendOutcome, type MakeRecord, refusalRestMs, type RetryWriter } from './retry-writer.ts'

export interface TakeOverSurroundings {
  /** Where messages are set aside. */
  readonly topic: string
  readonly source: Pick<AssignedPartition, 'partition' | 'revoked'>
  readonly writer: Pick<RetryWriter, 'append'>
  readonly clock: Pick<QueueClock, 'wait'>
  readonly log: Logger
}

/**
 * Tells later owners which of what lies before does not count: the source's commit will have passed it by then. And what is said later
 * of records that this one found without an outcome does not count. Where that is not taken, nothing of the source is begun until all that
 * concerns them is done with and committed, for then they need not be told.
 */
export class TakeOver {
  readonly #surroundings: TakeOverSurroundings
  /** What is to be said, and before which commit; undefined when nothing is. */
  #word: { readonly make: MakeRecord; readonly lastOffset: number } | undefined
  readonly #needless = new AbortController()

  constructor(surroundings: TakeOverSurroundings) {
    this.#surroundings = surroundings
  }

  /** What the source waits for, in words; undefined when it does not. */
  get hindrance(): string | undefined {
    if (this.#word === undefined) return undefined
    const { topic } = this.#surroundings
    return `it begins when what was set aside in ${topic} is done with: the broker does not take there that it has another owner`
  }

  /** Says it of what an assignment has found; warns when it is refused. Never rejects. */
  async say({ counted, endOffset: untilOffset, lastOffset }: TakenOver): Promise<void> {
    const { topic, source, writer, log } = this.#surroundings
    const { owner, committedOffset: fromOffset } = counted
    const word = { topic, partition: source.partition, owner, fromOffset, untilOffset }
    const make = (sequence: number) => toTakeover({ ...word, sequence })
    if (!isRefused(await writer.append(make))) return
    this.#word = { make, lastOffset }
    const needed = `the right to write topic ${topic}, with cleanup.policy=delete`
    log.warn({ topic }, `a partition waits until what was set aside is done with: the service needs ${needed}`)
  }

  /** Resolves when it is said, needs not be said any more, or the partition is given up. Never rejects. */
  async untilSaid(): Promise<void> {
    const { source, clock, writer } = this.#surroundings
    const over = AbortSignal.any([source.revoked, this.#needless.signal])
    while (this.#word !== undefined) {
      await clock.wait(refusalRestMs, over)
      if (over.aborted || !isRefused(await writer.append(this.#word.make))) this.#word = undefined
    }
  }

  /** Later owners begin there: what lies before does not concern them. */
  committed(nextOffset: number): void {
    if (this.#word !== undefined && nextOffset > this.#word.lastOffset) this.#needless.abort()
  }
}

type TakenOver = Pick<LoadedRetry, 'endOffset' | 'lastOffset'> & {
  readonly counted: Pick<LoadedRetry['counted'], 'owner' | 'committedOffset'>
}

function isRefused(outcome: AppendOutcome): boolean {
  return outcome === 'refused' || outcome === 'unfit'
}
