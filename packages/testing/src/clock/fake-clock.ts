import { syncBuiltinESMExports } from 'node:module'
import nodeTimers from 'node:timers'
import nodeTimersPromises from 'node:timers/promises'
import { promisify } from 'node:util'
import { dateAt, fakeFunctions } from './fake-functions.ts'
import { FakeTimers } from './fake-timers.ts'
import { realTime } from './real-time.ts'
import { ReplacedFunctions } from './replaced-functions.ts'

export interface FakeClockOptions {
  /** What time it is at first: a date, ISO 8601 text, or epoch milliseconds. @defaultValue the real time */
  readonly now?: Date | string | number
}

/** The time of this process, which moves only when it is told to. Disposing puts the real clock back; what waited for the fake one waits for ever. */
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
  /**
   * Lets time pass by itself, as fast as in reality, until that is disposed: `await using flow = clock.flow()`. A tested service
   * does so while it is disposed.
   */
  flow(): AsyncDisposable
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
  readonly #timers = new FakeTimers()
  readonly #replaced = new ReplacedFunctions()
  #passing: Promise<void> | undefined
  #flowCount = 0
  #flow: NodeJS.Timeout | undefined

  constructor(startAt: number) {
    this.#startAt = startAt
    this.#replace()
  }

  get nowAt(): number {
    return this.#startAt + this.#timers.elapsedMs
  }

  async advance(durationMs: number): Promise<void> {
    if (!(durationMs >= 0 && durationMs < Infinity))
      throw new RangeError(`advance: expected milliseconds from 0, found ${durationMs}`)
    if (this.#replaced.isRestored) throw new Error('advance: the clock was disposed')
    if (this.#flow) throw new Error('advance: time passes by itself')
    if (this.#passing) throw new Error('advance: time is passing already; await the advance before')
    await this.#pass(durationMs)
  }

  flow(): AsyncDisposable {
    let isFlowing = true
    this.#flowCount += 1
    this.#flow ??= this.#beginFlow()
    return {
      [Symbol.asyncDispose]: async () => {
        if (!isFlowing) return
        isFlowing = false
        this.#flowCount -= 1
        if (this.#flowCount === 0) this.#endFlow()
        await this.#passing
      },
    }
  }

  /** @throws Error when somebody else has replaced the clock meanwhile, and has not put it back */
  [Symbol.dispose](): void {
    if (this.#replaced.isRestored) return
    this.#endFlow()
    const strangers = this.#replaced.restore()
    syncBuiltinESMExports()
    this.#timers.clearAll()
    if (strangers.length === 0) return
    const names = [...new Set(strangers)].join(', ')
    throw new Error(`fakeClock: ${names} of this process were replaced after it and not put back: undo that first`)
  }

  #beginFlow(): NodeJS.Timeout {
    let passedMs = realTime.nowMs()
    return realTime.setInterval(() => {
      const durationMs = Math.floor(realTime.nowMs() - passedMs)
      if (this.#passing || durationMs === 0) return
      passedMs += durationMs
      void this.#pass(durationMs)
    }, 1)
  }

  #endFlow(): void {
    realTime.clearInterval(this.#flow)
    this.#flow = undefined
  }

  async #pass(durationMs: number): Promise<void> {
    const passing = this.#passTo(this.#timers.elapsedMs + Math.ceil(durationMs))
    this.#passing = passing
    try {
      await passing
    } finally {
      this.#passing = undefined
    }
  }

  async #passTo(untilMs: number): Promise<void> {
    await continuations()
    for (;;) {
      const timer = this.#timers.next(untilMs)
      this.#timers.elapsedMs = timer?.dueMs ?? untilMs
      if (timer) this.#timers.run(timer)
      await continuations()
      if (timer === undefined && this.#timers.next(untilMs) === undefined) return
    }
  }

  #replace(): void {
    const { Date, clearTimeout } = globalThis
    // Whole, so that sums of times are exact and no timer comes a fraction before its time.
    const startMs = Math.ceil(performance.now())
    const fake = fakeFunctions(this.#timers, { Date, clearTimeout, startMs }, this.#startAt)
    const replaced = this.#replaced
    const timeout = Object.assign(fake.setTimeout, { [fakeMark]: true, [promisify.custom]: fake.wait })
    for (const target of [globalThis, nodeTimers]) {
      replaced.replace(target, 'setTimeout', timeout)
      replaced.replace(target, 'setInterval', fake.setInterval)
      replaced.replace(target, 'clearTimeout', fake.clear)
      replaced.replace(target, 'clearInterval', fake.clear)
    }
    replaced.replace(nodeTimersPromises, 'setTimeout', fake.wait)
    replaced.replace(nodeTimersPromises, 'setInterval', fake.ticks)
    replaced.replace(nodeTimersPromises.scheduler, 'wait', fake.schedulerWait)
    replaced.replace(performance, 'now', fake.performanceNow)
    replaced.replace(AbortSignal, 'timeout', fake.abortTimeout)
    const now = () => (replaced.isRestored ? Date.now() : fake.dateNow())
    replaced.replaceValue(globalThis, 'Date', dateAt(Date, now))
    // Names imported from the modules follow.
    syncBuiltinESMExports()
  }
}

/** Marks the functions of a fake clock, so that a second one, also of another copy of this package, sees the first. */
const fakeMark = Symbol.for('tenon.fake_clock')

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
