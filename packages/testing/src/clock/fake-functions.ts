import { promisify } from 'node:util'
import type { FakeTimer, FakeTimers } from './fake-timers.ts'

/** Marks the functions of a fake clock, so that a second one, also of another copy of this package, sees the first. */
export const fakeMark: unique symbol = Symbol.for('tenon.fake_clock') as never

/** The functions as they were. Once the clock is released its own do what these do, for code that has kept them. */
export interface RealFunctions {
  readonly clearTimeout: typeof clearTimeout
  readonly Date: DateConstructor
  readonly performanceNow: () => number
}

export interface FakeFunctions {
  readonly setTimeout: object
  readonly setInterval: object
  readonly clear: object
  readonly abortTimeout: object
  readonly Date: object
  readonly performanceNow: object
  /** Of `node:timers/promises`. */
  readonly wait: object
  readonly ticks: object
  readonly schedulerWait: object
}

export interface FakeFunctionsOptions {
  readonly timers: FakeTimers
  readonly real: RealFunctions
  /** Epoch milliseconds. */
  readonly startAt: number
}

type Callback = (...args: readonly unknown[]) => unknown

/** Everything that tells the time or waits for it, on a fake clock. */
export function fakeFunctions({ timers, real, startAt }: FakeFunctionsOptions): FakeFunctions {
  // Whole, so that sums of times are exact and no timer comes a fraction before its time.
  const startMs = Math.ceil(real.performanceNow())
  const setter =
    (kind: FakeTimer['kind']) =>
    (callback: Callback, delayMs?: unknown, ...args: readonly unknown[]) => {
      requireCallback(callback)
      return timers.set(callback, { delayMs, kind, args })
    }
  const wait = (delayMs?: number, value?: unknown, options: WaitOptions = {}) =>
    waitOn(timers, { ...options, delayMs, value })
  return {
    setTimeout: Object.assign(setter('once'), { [fakeMark]: true, [promisify.custom]: wait }),
    setInterval: setter('repeated'),
    clear: (timer: Parameters<typeof clearTimeout>[0]) => {
      if (!timers.clear(timer)) real.clearTimeout(timer)
    },
    abortTimeout: (delayMs: number) => {
      const controller = new AbortController()
      const reason = new DOMException('The operation was aborted due to timeout', 'TimeoutError')
      timers.set(() => controller.abort(reason), { delayMs, kind: 'once' }).unref()
      return controller.signal
    },
    Date: fakeDate(real.Date, () => (timers.isReleased ? real.Date.now() : startAt + timers.elapsedMs)),
    performanceNow: () => (timers.isReleased ? real.performanceNow() : startMs + timers.elapsedMs),
    wait,
    ticks: (delayMs?: number, value?: unknown, options: WaitOptions = {}) =>
      ticksOf(timers, { ...options, delayMs, value }),
    schedulerWait: (delayMs?: number, options?: WaitOptions) => wait(delayMs, undefined, options),
  }
}

interface WaitOptions {
  readonly signal?: AbortSignal
  readonly ref?: boolean
}

interface Wait extends WaitOptions {
  readonly delayMs: number | undefined
  readonly value: unknown
}

/** @see Node.js documentation, timersPromises.setTimeout */
function waitOn(timers: FakeTimers, { delayMs, value, signal, ref = true }: Wait): Promise<unknown> {
  if (signal?.aborted) return Promise.reject(abortError(signal))
  return new Promise((resolve, reject) => {
    const give = () => {
      signal?.removeEventListener('abort', giveUp)
      resolve(value)
    }
    const timer = timers.set(give, { delayMs, kind: 'once' })
    const giveUp = () => {
      timers.clear(timer)
      if (signal) reject(abortError(signal))
    }
    if (!ref) timer.unref()
    signal?.addEventListener('abort', giveUp, { once: true })
  })
}

/** @see Node.js documentation, timersPromises.setInterval: ticks that nobody has waited for yet are given at once */
async function* ticksOf(timers: FakeTimers, { delayMs, value, signal, ref = true }: Wait): AsyncGenerator<unknown> {
  let dueCount = 0
  let wake = () => {}
  const timer = timers.set(
    () => {
      dueCount += 1
      wake()
    },
    { delayMs, kind: 'repeated' },
  )
  if (!ref) timer.unref()
  const giveUp = () => wake()
  signal?.addEventListener('abort', giveUp, { once: true })
  try {
    for (;;) {
      if (signal?.aborted) throw abortError(signal)
      if (dueCount > 0) {
        dueCount -= 1
        yield value
      } else await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    signal?.removeEventListener('abort', giveUp)
    timers.clear(timer)
  }
}

/** @see Node.js, AbortError: code ABORT_ERR, with the signal's reason as cause */
function abortError({ reason }: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: reason })
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' })
}

function fakeDate(real: DateConstructor, now: () => number): object {
  return new Proxy(real, {
    construct: (target, args: unknown[], newTarget: new (...given: unknown[]) => object) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new real(now()).toString(),
    get: (target, property): unknown => (property === 'now' ? now : Reflect.get(target, property)),
  })
}

/** @see Node.js, ERR_INVALID_ARG_TYPE of setTimeout */
function requireCallback(callback: unknown): void {
  if (typeof callback !== 'function') throw new TypeError('The "callback" argument must be of type function.')
}
