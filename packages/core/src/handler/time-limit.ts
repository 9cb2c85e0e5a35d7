export interface TimeLimit {
  /** 0 only begins it. */
  readonly timeoutMs: number
  /** What the caller gets instead of the end. */
  readonly tooLate: () => Error
}

/**
 * Runs something, and waits for its end no longer than its time. The signal fires a little before, so that it can still end
 * by itself; the second argument says how long that is from now, the third how long it is waited for after that. What it throws after
 * its time is swallowed.
 */
export async function withTimeLimit<T>(
  run: (signal: AbortSignal, timeoutMs: number, graceMs: number) => T | Promise<T>,
  { timeoutMs, tooLate }: TimeLimit,
): Promise<T> {
  const { promise: givenUp, reject } = Promise.withResolvers<never>()
  const ending = new AbortController()
  // Timers know whole milliseconds only.
  const noticeMs = Math.floor(timeoutMs - graceOf(timeoutMs))
  const graceMs = timeoutMs - noticeMs
  let timer: NodeJS.Timeout | undefined
  const giveUpAfterGrace = () => {
    timer = setTimeout(() => reject(tooLate()), graceMs)
  }
  const tell = () => {
    // Counts from here: where the event loop was late for the signal, both would be due at once.
    giveUpAfterGrace()
    ending.abort()
  }
  if (noticeMs === 0) ending.abort()
  else timer = setTimeout(tell, noticeMs)
  try {
    const ended = run(ending.signal, noticeMs, graceMs)
    // Limits within the run are set before its own: what is due at once then names what hung, and not what waited for it.
    if (noticeMs === 0) giveUpAfterGrace()
    return await Promise.race([ended, givenUp])
  } finally {
    clearTimeout(timer)
  }
}

/** The shortest limit under which something may take so long before its signal fires. */
export function limitFor(durationMs: number): number {
  const leastMs = Math.min(shortestGraceMs, durationMs)
  return durationMs + Math.min(longestGraceMs, Math.max(leastMs, (durationMs * graceShare) / (1 - graceShare))) + 1
}

/** How long something may take under a limit before its signal fires: the reverse of `limitFor`. */
export function durationWithin(limitMs: number): number {
  return Math.max(0, Math.floor(limitMs - graceOf(limitMs)) - 1)
}

function graceOf(timeoutMs: number): number {
  const leastMs = Math.min(shortestGraceMs, timeoutMs / 2)
  return Math.min(longestGraceMs, Math.max(leastMs, timeoutMs * graceShare))
}

/**
 * Part of its time in which it knows that the time is over, and how long that is at least, where there is twice as much, and at most.
 * Guesses: enough to write answers.
 */
const graceShare = 0.1
const shortestGraceMs = 25
const longestGraceMs = 500
