import { setTimeout as wait } from 'node:timers/promises'

/** The clock and the timers of the process as they were before any test put its own in their place. */
export const realTime = Object.freeze({
  /** Resolves after the time. */
  wait,
  setImmediate: globalThis.setImmediate,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  /** Milliseconds on a clock that nobody sets. */
  nowMs: performance.now.bind(performance),
})
