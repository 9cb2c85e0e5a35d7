import { syncBuiltinESMExports } from 'node:module'
import nodeTimers from 'node:timers'
import nodeTimersPromises from 'node:timers/promises'
import { fakeFunctions, fakeMark } from './fake-functions.ts'
import { FakeTimers } from './fake-timers.ts'
import { realTime } from './real-time.ts'
import { ReplacedProperties } from './replaced-properties.ts'

export interface FakeClockOptions {
  /** What time it is at first: a date, ISO 8601 text, or epoch milliseconds. @defaultValue the real time */
  readonly now?: Date | string | number
}

/** The time of this process, which moves only when it is told to. Disposing puts the real clock back. */
export interface FakeClock extends Disposable {
  /** What time it is, in epoch milliseconds. */
  readonly nowAt: number
  /**
   * Lets time pass. Runs everything that comes due on the way, in order and each at its own time, and after each what follows
   * from it in promises, before time goes on. Work on sockets and disks takes real time: await its result, not the clock.
   *
   * @throws RangeError for what is no time; Error while another `advance` runs or when the clock was disposed; what a timer threw.
   */
  advance(durationMs: number): Promise<void>
}

/**
 * Takes the place of the clock of this process: `setTimeout`, `setInterval` and what clears them, also those of `node:timers`
 * and `node:timers/promises`, `Date`, `performance.now`, `AbortSignal.timeout`. What is not on it: `setImmediate`, `process.hrtime`,
 * timers that were set before, and functions that a module kept before.
 *
 * @throws Error when the clock is fake already; RangeError when `now` is no time.
 */
export function fakeClock({ now = Date.now() }: FakeClockOptions = {}): FakeClock {
  const startAt = new Date(now).getTime()
  if (Number.isNaN(startAt)) throw new RangeError(`now: expected a date or epoch milliseconds, found ${String(now)}`)
  requireRealClock()
  return new ReplacedClock(startAt)
}

class ReplacedClock implements FakeClock {
  readonly #startAt: number
  readonly #timers: FakeTimers
  readonly #replaced = new ReplacedProperties()
  #isAdvancing = false

  constructor(startAt: number) {
    const { setTimeout, clearTimeout, Date } = globalThis
    const performanceNow = performance.now.bind(performance)
    this.#startAt = startAt
    this.#timers = new FakeTimers({ setTimeout, clearTimeout })
    const real = { clearTimeout, Date, performanceNow }
    this.#replace(fakeFunctions({ timers: this.#timers, real, startAt }))
  }

  get nowAt(): number {
    return this.#startAt + this.#timers.elapsedMs
  }

  async advance(durationMs: number): Promise<void> {
    if (!(durationMs >= 0 && durationMs < Infinity))
      throw new RangeError(`advance: expected milliseconds from 0, found ${durationMs}`)
    if (this.#timers.isReleased) throw new Error('advance: the clock was disposed')
    if (this.#isAdvancing) throw new Error('advance: time is passing already; await the advance before')
    this.#isAdvancing = true
    try {
      await this.#advanceTo(this.#timers.elapsedMs + durationMs)
    } finally {
      this.#isAdvancing = false
    }
  }

  /** @throws Error when somebody else has replaced the clock meanwhile, and has not put it back */
  [Symbol.dispose](): void {
    if (this.#timers.isReleased) return
    const strangers = this.#replaced.restore()
    syncBuiltinESMExports()
    this.#timers.release()
    if (strangers.length === 0) return
    const names = [...new Set(strangers)].join(', ')
    throw new Error(`fakeClock: ${names} of this process were replaced after it and not put back: undo that first`)
  }

  async #advanceTo(untilMs: number): Promise<void> {
    await continuations()
    for (;;) {
      // Disposed on the way: what is left runs on the real clock.
      if (this.#timers.isReleased) return
      const timer = this.#timers.next(untilMs)
      this.#timers.elapsedMs = timer?.dueMs ?? untilMs
      if (timer) this.#timers.run(timer)
      await continuations()
      if (timer === undefined && this.#timers.next(untilMs) === undefined) return
    }
  }

  #replace(fake: ReturnType<typeof fakeFunctions>): void {
    for (const target of [globalThis, nodeTimers]) {
      this.#replaced.replace(target, 'setTimeout', fake.setTimeout)
      this.#replaced.replace(target, 'setInterval', fake.setInterval)
      this.#replaced.replace(target, 'clearTimeout', fake.clear)
      this.#replaced.replace(target, 'clearInterval', fake.clear)
    }
    this.#replaced.replace(nodeTimersPromises, 'setTimeout', fake.wait)
    this.#replaced.replace(nodeTimersPromises, 'setInterval', fake.ticks)
    this.#replaced.replace(nodeTimersPromises.scheduler, 'wait', fake.schedulerWait)
    this.#replaced.replace(globalThis, 'Date', fake.Date)
    this.#replaced.replace(performance, 'now', fake.performanceNow)
    this.#replaced.replace(AbortSignal, 'timeout', fake.abortTimeout)
    // Names imported from the modules follow.
    syncBuiltinESMExports()
  }
}

/** Resolves when every promise that could go on has done so: a turn of the event loop. */
function continuations(): Promise<void> {
  return new Promise((resolve) => void realTime.setImmediate(resolve))
}

function requireRealClock(): void {
  if (fakeMark in globalThis.setTimeout)
    throw new Error('fakeClock: there is one already in this process; dispose it before, or use that one')
  const { setTimeout: timeout, Date: date } = globalThis
  // The marks of @sinonjs/fake-timers, which vi.useFakeTimers() uses, and of node:test.
  if ('clock' in timeout || 'isFake' in date || 'isMock' in date)
    throw new Error(
      'fakeClock: the timers of this process are fake already, as by vi.useFakeTimers(): use one of the two, or vi.useRealTimers() before',
    )
}
