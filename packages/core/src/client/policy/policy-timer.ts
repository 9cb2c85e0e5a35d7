/** Runs something once, after a delay in milliseconds; what it gives takes that back. A simulation gives its own. */
export type PolicyTimer = (delayMs: number, run: () => void) => () => void

/** The timers of this process. */
export const processTimer: PolicyTimer = (delayMs, run) => {
  const timer = setTimeout(run, Math.min(delayMs, longestTimerMs))
  return () => clearTimeout(timer)
}

/** What a timer of Node can wait for. @see setTimeout: delays above 2147483647 become 1 */
const longestTimerMs = 2_147_483_647
