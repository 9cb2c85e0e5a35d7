/** What policies know of time and chance; a simulation gives its own. */
export interface PolicyClock {
  /** Milliseconds that only grow; where they begin does not matter. */
  nowMs(): number
  /** From 0 up to, but not including, 1. */
  random(): number
}

/** The time and chance of this process. */
export const processClock: PolicyClock = Object.freeze({
  nowMs: () => performance.now(),
  random: () => Math.random(),
})
