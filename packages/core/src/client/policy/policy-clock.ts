/** Where policies have time and chance from, so that a simulation can run them in time of its own. */
export interface PolicyClock {
  /** Milliseconds on a clock that nobody sets. */
  nowMs(): number
  /** From 0 up to, but not, 1. */
  random(): number
  /** Runs something once, after a delay; what it gives takes it back. Keeps the process up no longer than who waits for it. */
  after(delayMs: number, run: () => void): () => void
}

/** The time of the process. */
export const processClock: PolicyClock = Object.freeze({
  nowMs: () => performance.now(),
  random: () => Math.random(),
  after(delayMs: number, run: () => void) {
    const timer = setTimeout(run, Math.min(delayMs, longestTimerMs))
    return () => clearTimeout(timer)
  },
})

/** What a timer of Node can wait for. @see setTimeout: delays above 2147483647 become 1 */
const longestTimerMs = 2_147_483_647
