import type { FakeTimer, FakeTimers } from './fake-timers.ts'

/** What fake functions need of the real clock. */
export interface RealClock {
  readonly clearTimeout: typeof clearTimeout
  readonly Date: DateConstructor
  /** On the clock of `performance.now()`. */
  readonly startMs: number
}

/** Everything that tells the time or waits for it, on a fake clock. */
export interface FakeFunctions {
  readonly setTimeout: AnyFunction
  readonly setInterval: AnyFunction
  /** Clears both kinds; timers that are not of this clock it leaves to the real one. */
  readonly clear: AnyFunction
  readonly abortTimeout: AnyFunction
  readonly dateNow: () => number
  readonly performanceNow: () => number
  /** `setTimeout` of `node:timers/promises`. */
  readonly wait: AnyFunction
  /** `setInterval` of `node:timers/promises`. */
  readonly ticks: AnyFunction
  readonly schedulerWait: AnyFunction
}

export type AnyFunction = (...args: never[]) => unknown

type Callback = (...args: readonly unknown[]) => unknown

/** @param startAt What time it is at first, in epoch milliseconds. */
export function fakeFunctions(timers: FakeTimers, real: RealClock, startAt: number): FakeFunctions {
  const setter =
    (kind: FakeTimer['kind']) =>
    (callback: Callback, delayMs?: unknown, ...args: readonly unknown[]) => {
      requireCallback(callback)
      return timers.set(callback, { delayMs, kind, args })
    }
  const wait = (delayMs?: number, value?: unknown, options: WaitOptions = {}) =>
    waitOn(timers, { ...options, delayMs, value })
  return {
    setTimeout: setter('once'),
    setInterval: setter('repeated'),
    clear: (timer: Parameters<typeof clearTimeout>[0]) => {
      if (!timers.clear(timer)) real.clearTimeout(timer)
    },
    abortTimeout: (delayMs: number) => {
      const controller = new AbortController()
      const reason = new DOMException('The operation was aborted due to timeout', 'TimeoutError')
      timers.set(() => controller.abort(reason), { delayMs, kind: 'once' })
      return controller.signal
    },
    dateNow: () => startAt + timers.elapsedMs,
    performanceNow: () => real.startMs + timers.elapsedMs,
    wait,
    ticks: (delayMs?: number, value?: unknown, options: WaitOptions = {}) =>
      ticksOf(timers, { ...options, delayMs, value }),
    schedulerWait: (delayMs?: number, options?: WaitOptions) => wait(delayMs, undefined, options),
  }
}

/** `Date` with another idea of what time it is now. */
export function dateAt(real: DateConstructor, now: () => number): object {
  return new Proxy(real, {
    construct: (target, args: unknown[], newTarget: new (...given: unknown[]) => object) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new real(now()).toString(),
    get: (target, property): unknown => (property === 'now' ? now : Reflect.get(target, property)),
  })
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

/** @see Node.js, ERR_INVALID_ARG_TYPE of setTimeout */
function requireCallback(callback: unknown): void {
  if (typeof callback !== 'function') throw new TypeError('The "callback" argument must be of type function.')
}
