/** Time, for tests. */
export interface AuthClock {
  /** What the calendar says, in epoch milliseconds. */
  now(): number
  /** Milliseconds since some moment, on a clock that nobody sets. */
  elapsedMs(): number
}

export const systemClock: AuthClock = Object.freeze({ now: () => Date.now(), elapsedMs: () => performance.now() })
