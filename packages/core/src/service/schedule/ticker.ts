import type { Timing } from '../../handler/schedule/timing.ts'
import { momentAfter, passedMoments, toleratedLateMs } from './passed-moments.ts'

export interface TickerOptions {
  readonly timing: Timing
  /** A moment has come, in epoch milliseconds. */
  readonly onDue: (dueAt: number) => void
  /** Told before `onDue`: moments have passed unnoticed, for the process slept or was busy. */
  readonly onMissed: (count: number) => void
}

/** Waits for the moments of a timing, one after another. */
export class Ticker {
  readonly #options: TickerOptions
  readonly #now: () => number
  #nextAfter: (afterMs: number) => number = () => Number.POSITIVE_INFINITY
  #nextMs = Number.POSITIVE_INFINITY
  /** Of the next moment. */
  #jitterMs = 0
  #lookedAtMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: TickerOptions) {
    this.#options = options
    this.#now = clocks[options.timing.clock].now
  }

  /** When the next moment is, in epoch milliseconds; undefined while nobody waits for it. */
  get nextAt(): number | undefined {
    return this.#timer === undefined ? undefined : this.#toEpoch(this.#nextMs)
  }

  /** Begins to wait. */
  begin(): void {
    const nowMs = this.#now()
    this.#lookedAtMs = nowMs
    this.#nextAfter = this.#options.timing.momentsFrom(nowMs)
    this.#expect(momentAfter(nowMs, this.#nextAfter))
  }

  /** No moment is told of any more. Safe to call twice. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #expect(nextMs: number): void {
    this.#nextMs = nextMs
    this.#jitterMs = this.#drawJitter(nextMs)
    this.#wait()
  }

  /** At most up to the moment after it: a run that begins later still would take the place of that one. */
  #drawJitter(nextMs: number): number {
    const { jitterMs } = this.#options.timing.settings
    if (jitterMs === 0 || nextMs === Number.POSITIVE_INFINITY) return 0
    return Math.random() * Math.min(jitterMs, momentAfter(nextMs, this.#nextAfter) - nextMs)
  }

  #wait(): void {
    const leftMs = Math.ceil(this.#nextMs + this.#jitterMs - this.#now())
    const { longestWaitMs } = clocks[this.#options.timing.clock]
    this.#timer = setTimeout(() => this.#look(), Math.max(0, Math.min(leftMs, longestWaitMs)))
  }

  #look(): void {
    const nowMs = this.#now()
    const wasSetBack = nowMs < this.#lookedAtMs - toleratedLateMs
    this.#lookedAtMs = nowMs
    // Else nothing would run until the clock is again where it was.
    if (wasSetBack) return this.#expect(momentAfter(nowMs, this.#nextAfter))
    if (this.#nextMs + this.#jitterMs > nowMs) return this.#wait()
    const { dueMs, missedCount, nextMs } = passedMoments(this.#nextMs, nowMs - this.#jitterMs, this.#nextAfter)
    const dueAt = dueMs === undefined ? undefined : this.#toEpoch(dueMs)
    this.#expect(nextMs)
    if (missedCount > 0) this.#options.onMissed(missedCount)
    if (dueAt !== undefined) this.#options.onDue(dueAt)
  }

  #toEpoch(ms: number): number {
    return Math.round(Date.now() + ms - this.#now())
  }
}

/**
 * How each clock is read, and how long it is trusted without looking. That of the day can be set, and goes on while the machine sleeps and
 * no timer does; the other is bounded by what a timer can wait.
 */
const clocks = {
  steady: { now: () => performance.now(), longestWaitMs: 2 ** 31 - 1 },
  wall: { now: () => Date.now(), longestWaitMs: toleratedLateMs / 2 },
} as const satisfies Record<Timing['clock'], unknown>
