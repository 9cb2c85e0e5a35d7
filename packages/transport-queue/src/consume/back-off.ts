import { unlessAborted } from '@tenon/core/transport'
import type { AssignedPartition, ReceivedRecord } from '../queue-driver.ts'
import type { QueueClock } from '../wait.ts'
import type { HaltedMessages } from './halted-messages.ts'
import type { Parking } from './retry/parking.ts'
import { type AppendOutcome, refusalRestMs } from './retry/write/retry-writer.ts'
import type { RetryHistory } from './retry-schedule.ts'
import type { MessageStage } from './watch/consumer-report.ts'

/** What messages that wait are set aside by. */
export interface SettingAside {
  readonly parking: Pick<Parking, 'isFenced' | 'park' | 'follow'>
  /** Whether one should be whose wait is as long, while so many wait or are being set aside, itself included. */
  isWanted(delayMs: number, waitingCount: number): boolean
}

export interface BackOffSurroundings {
  readonly clock: QueueClock
  readonly revoked: AssignedPartition['revoked']
  /** Undefined where messages wait in memory only. */
  readonly aside: SettingAside | undefined
  readonly halted: HaltedMessages
  /** Told that one more waits. */
  waits?(): void
}

type WaitingStage = Extract<MessageStage, { readonly stage: 'held' | 'retried' | 'halted' | 'buried' }>

/** What messages of a partition wait for that are not with their handler, and the waiting for their time. */
export class BackOff {
  /** By offset. */
  readonly stages = new Map<number, MessageStage>()
  readonly #surroundings: BackOffSurroundings
  #waitingCount = 0
  /** Until when those wait that may be set aside, by offset; for ever where nobody knows. */
  readonly #movable = new Map<number, number>()
  /** None of those waits longer. */
  #latestAt = 0
  /** Whether the broker has just refused one that was to be set aside. */
  #isResting = false
  /** Ends all waits, to look again whether they should go on here. */
  #nudge = new AbortController()

  constructor(surroundings: BackOffSurroundings) {
    this.#surroundings = surroundings
    const { revoked } = surroundings
    if (revoked.aborted) this.#nudge.abort()
    revoked.addEventListener('abort', () => this.#nudge.abort(), { once: true })
  }

  /** Does work of a message, and says meanwhile what it is. */
  async during<Result>({ offset }: ReceivedRecord, stage: MessageStage, work: Promise<Result>): Promise<Result> {
    this.stages.set(offset, stage)
    try {
      return await work
    } finally {
      this.stages.delete(offset)
    }
  }

  /** Looks again whether those that wait should be set aside. It costs next to nothing while none should. */
  reconsider(): void {
    if (this.#isResting || this.#movable.size === 0 || !this.#isLatestWanted()) return
    this.#latestAt = 0
    for (const untilAt of this.#movable.values()) this.#latestAt = Math.max(this.#latestAt, untilAt)
    if (this.#isLatestWanted()) this.wake()
  }

  /** Lets all that wait look again what they wait for. */
  wake(): void {
    if (this.#isRevoked) return
    const waiting = this.#nudge
    this.#nudge = new AbortController()
    waiting.abort()
  }

  /**
   * Waits until a message may be handled, which one with a halt is when it is released, or its dead letter be tried again, which is when its
   * history says, or the partition is given up. True when it was set aside instead.
   */
  async wait(record: ReceivedRecord, stage: WaitingStage, history?: RetryHistory): Promise<boolean> {
    const { aside, clock } = this.#surroundings
    const { offset } = record
    const before = this.stages.get(offset)
    this.#waitingCount += 1
    this.stages.set(offset, stage)
    if (aside) this.#offer(offset, stage)
    this.#surroundings.waits?.()
    try {
      for (;;) {
        const leftMs = this.#leftMs(stage, history)
        if (this.#isRevoked) return false
        const isOffered = this.#movable.has(offset) && !this.#isResting && leftMs > 0
        if (isOffered && aside?.isWanted(untilOf(stage) - clock.now(), this.#waitingCount)) {
          this.#movable.delete(offset)
          const outcome = await this.#setAside(record, stage, history)
          if (outcome === 'stored') return true
          if (outcome === 'refused') void this.#rest()
          if (outcome !== 'unfit') this.#offer(offset, stage)
        } else if (await this.#isDue(stage, leftMs)) return false
      }
    } finally {
      if (before) this.stages.set(offset, before)
      else this.stages.delete(offset)
      this.#movable.delete(offset)
      this.#waitingCount -= 1
    }
  }

  #offer(offset: number, stage: WaitingStage): void {
    const untilAt = untilOf(stage)
    this.#movable.set(offset, untilAt)
    this.#latestAt = Math.max(this.#latestAt, untilAt)
  }

  #isLatestWanted(): boolean {
    const { aside, clock } = this.#surroundings
    const leftMs = this.#latestAt - clock.now()
    return leftMs > 0 && aside?.isWanted(leftMs, this.#waitingCount) === true
  }

  get #isRevoked(): boolean {
    return this.#surroundings.revoked.aborted
  }

  #leftMs(stage: WaitingStage, history: RetryHistory | undefined): number {
    const { clock } = this.#surroundings
    if ('untilAt' in stage) return stage.untilAt - clock.now()
    if (stage.stage === 'buried') return (history?.dueAt ?? 0) - clock.now()
    return history?.halt && this.#surroundings.halted.has(history.halt) ? Number.POSITIVE_INFINITY : 0
  }

  /** Waits, and tells whether that is enough: not when it is to be looked at again, nor before the moment until which one is held. */
  async #isDue({ stage }: WaitingStage, leftMs: number): Promise<boolean> {
    // Clocks are set, and timers fire a little early.
    const isTriedAgain = stage === 'retried' || stage === 'buried'
    if (!isTriedAgain && leftMs <= 0) return true
    const nudge = this.#nudge.signal
    // No time ends it, not even that of a clock in a hurry.
    if (stage === 'halted') return unlessAborted(new Promise<never>(() => undefined), nudge).then(() => false)
    await this.#surroundings.clock.wait(Math.min(Math.max(0, leftMs), longestWaitMs), nudge)
    return isTriedAgain && !nudge.aborted
  }

  /** Nothing is offered for a while; then all that wait look again. */
  async #rest(): Promise<void> {
    const { clock, revoked } = this.#surroundings
    if (this.#isResting) return
    this.#isResting = true
    await clock.wait(refusalRestMs, revoked)
    this.#isResting = false
    this.wake()
  }

  async #setAside(
    record: ReceivedRecord,
    stage: WaitingStage,
    history: RetryHistory | undefined,
  ): Promise<AppendOutcome | undefined> {
    const { aside, clock } = this.#surroundings
    this.stages.set(record.offset, { stage: 'parked', sinceAt: clock.now() })
    const outcome = await aside?.parking.park(record, history)
    this.stages.set(record.offset, stage)
    return outcome
  }
}

/** How long a message waits at most. Nobody knows when a halted one is released, or a dead letter is taken. */
function untilOf(stage: WaitingStage): number {
  return 'untilAt' in stage ? stage.untilAt : Number.POSITIVE_INFINITY
}

/** A timer fires at once when its delay is longer. @see Node.js documentation, setTimeout */
const longestWaitMs = 2 ** 31 - 1
