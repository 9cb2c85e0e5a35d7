import type { AssignedPartition, ReceivedRecord } from '../../queue-driver.ts'
import type { QueueClock } from '../../wait.ts'
import type { RetryHistory } from '../retry-schedule.ts'
import type { MessageStage } from '../watch/consumer-report.ts'
import type { FenceWaits } from './fence/fence-waits.ts'
import type { KeyFence } from './fence/key-fence.ts'
import type { OpenRecords } from './fence/open-records.ts'
import type { RetryLog } from './retry-log.ts'
import { toParked } from './write/parked-message.ts'
import { type AppendOutcome, refusalRestMs, type RetryWriter } from './write/retry-writer.ts'

/** What becomes of a message whose key has others that were set aside. */
export type FollowOutcome = 'parked' | 'free' | 'revoked'

export interface ParkingSurroundings {
  /** Where messages are set aside. */
  readonly topic: string
  readonly revoked: AssignedPartition['revoked']
  readonly clock: Pick<QueueClock, 'wait'>
  readonly fence: Pick<KeyFence, 'isUp' | 'placeOf'>
  readonly waits: Pick<FenceWaits, 'untilDown'>
  readonly open: Pick<OpenRecords, 'write' | 'stored' | 'withdraw' | 'isStuck'>
  readonly writer: Pick<RetryWriter, 'append'>
  readonly log: Pick<RetryLog, 'parked'>
  /** Who sets aside, as it is known once the partition has begun. */
  owner(): string
  /** What messages that were read back wait for, by their offset in the source. */
  stages(): ReadonlyMap<number, MessageStage>
  /** Told that there is more to be read back. */
  stored(): void
}

/** Sets messages of one partition aside: those that failed, and those of their keys behind them. */
export class Parking {
  readonly #surroundings: ParkingSurroundings

  constructor(surroundings: ParkingSurroundings) {
    this.#surroundings = surroundings
  }

  /** Whether messages of the key have to go behind others that were set aside. */
  isFenced(key: Uint8Array | null): boolean {
    return this.#surroundings.fence.isUp(key)
  }

  /** Sets a message aside. Once it is stored, its place in the source is done with. Never rejects. */
  park(source: ReceivedRecord, history: RetryHistory | undefined): Promise<AppendOutcome> {
    const { topic, fence, open, writer, log } = this.#surroundings
    const owner = this.#surroundings.owner()
    const facts = { place: fence.placeOf(source.key), hasFailed: history !== undefined }
    let ownSequence = 0
    let readBack: Promise<AppendOutcome> | undefined
    const appended = writer.append((sequence) => {
      ownSequence = sequence
      readBack = open.write(sequence, facts)
      log.parked()
      return toParked(source, { topic, owner, sequence, history })
    })
    // Where its answer is lost, it is sent again until one comes, and stored twice; it may be handled by then.
    void appended.then((outcome) => this.#answered(ownSequence, outcome))
    return Promise.race([appended, readBack ?? appended])
  }

  /** Sets a message aside behind others of its key, unless these are done with in a moment. Never rejects. */
  async follow(record: ReceivedRecord): Promise<FollowOutcome> {
    const { revoked, clock, fence, waits, open, stages } = this.#surroundings
    const waitFor = (durationMs: number) => (over: AbortSignal) => clock.wait(durationMs, over)
    const place = fence.placeOf(record.key)
    if (place === undefined) return 'free'
    if (!open.isStuck(place, stages())) await waits.untilDown(place, waitFor(fallWaitMs))
    while (!revoked.aborted && this.isFenced(record.key)) {
      const outcome = await this.park(record, undefined)
      if (outcome === 'stored') return 'parked'
      await waits.untilDown(place, outcome === 'refused' ? waitFor(refusalRestMs) : undefined)
    }
    return revoked.aborted ? 'revoked' : 'free'
  }

  #answered(sequence: number, outcome: AppendOutcome): void {
    const { open, log, stored } = this.#surroundings
    if (outcome === 'stored') {
      open.stored(sequence)
      stored()
    } else {
      open.withdraw(sequence)
      log.parked()
    }
  }
}

/** How long the fence is waited for while none of its messages waits for an attempt. A guess. */
const fallWaitMs = 1_000
