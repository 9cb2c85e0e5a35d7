import { AsyncResource } from 'node:async_hooks'

export interface TimerOptions {
  /** Anything outside the range of Node's timers counts as 1. @see Node.js documentation, setTimeout */
  readonly delayMs: unknown
  readonly kind: 'once' | 'repeated'
  readonly args?: readonly unknown[]
}

/** Timers on a clock that moves only when it is told to. */
export class FakeTimers {
  /** Since the clock was made. */
  elapsedMs = 0
  readonly #pending = new Map<number, FakeTimer>()
  #nextId = firstId

  set(callback: (...args: readonly unknown[]) => unknown, options: TimerOptions): FakeTimer {
    const timer = new FakeTimer(this, callback, { ...options, id: this.#nextId++ })
    this.arm(timer)
    return timer
  }

  /** Lets the timer run after its delay, from now on. */
  arm(timer: FakeTimer): void {
    timer.dueMs = this.elapsedMs + timer.delayMs
    // Among timers that are due together the one armed first runs first, as on the real clock.
    this.#pending.delete(timer.id)
    this.#pending.set(timer.id, timer)
  }

  /** False for what is no timer of this clock. */
  clear(given: unknown): boolean {
    const timer = given instanceof FakeTimer ? given : this.#pending.get(Number(given))
    if (timer === undefined) return false
    this.#pending.delete(timer.id)
    return true
  }

  clearAll(): void {
    this.#pending.clear()
  }

  /** The timer to run next, if it is due by then. */
  next(untilMs: number): FakeTimer | undefined {
    let first: FakeTimer | undefined
    for (const timer of this.#pending.values()) if (timer.dueMs < (first?.dueMs ?? Infinity)) first = timer
    return first !== undefined && first.dueMs <= untilMs ? first : undefined
  }

  /** Runs the timer, whatever the time is. What its callback throws comes out. */
  run(timer: FakeTimer): void {
    this.#pending.delete(timer.id)
    if (timer.kind === 'repeated') this.arm(timer)
    timer.call()
  }
}

interface TimerIdentity extends TimerOptions {
  readonly id: number
}

/** What `setTimeout` and `setInterval` return. */
export class FakeTimer {
  readonly id: number
  readonly delayMs: number
  readonly kind: TimerOptions['kind']
  dueMs = 0
  readonly #timers: FakeTimers
  readonly #callback: (...args: readonly unknown[]) => unknown
  readonly #args: readonly unknown[]
  /** Callbacks run in the asynchronous context that set them, as with real timers. */
  readonly #context = new AsyncResource('Timeout')
  #hasRef = true

  constructor(timers: FakeTimers, callback: (...args: readonly unknown[]) => unknown, options: TimerIdentity) {
    const { id, delayMs, kind, args = [] } = options
    this.#timers = timers
    this.id = id
    this.#callback = callback
    this.delayMs = toDelay(delayMs)
    this.kind = kind
    this.#args = args
  }

  call(): void {
    this.#context.runInAsyncScope(() => this.#callback.call(this, ...this.#args))
  }

  ref(): this {
    this.#hasRef = true
    return this
  }

  unref(): this {
    this.#hasRef = false
    return this
  }

  hasRef(): boolean {
    return this.#hasRef
  }

  refresh(): this {
    this.#timers.arm(this)
    return this
  }

  close(): this {
    this.#timers.clear(this)
    return this
  }

  [Symbol.toPrimitive](): number {
    return this.id
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** Above the ids of real timers, so that a number tells whose timer it is. */
const firstId = 2 ** 40

/** A timer's delay is at least 1 ms, at most what 32 bits hold, and never shorter than asked for. @see Node.js documentation, setTimeout */
function toDelay(given: unknown): number {
  const delayMs = Math.ceil(Number(given))
  return delayMs >= 1 && delayMs <= 2 ** 31 - 1 ? delayMs : 1
}
