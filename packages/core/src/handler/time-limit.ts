export interface TimeLimit {
  /** 0 only begins it. */
  readonly timeoutMs: number
  /** What the caller gets instead of the end. */
  readonly tooLate: () => Error
}

/**
 * Runs something, and waits for its end no longer than its time. The signal fires a little before, so that it can still end
 * by itself; the second argument says how long that is from now. What it throws after its time is swallowed.
 */
export async function withTimeLimit<T>(
  run: (signal: AbortSignal, timeoutMs: number) => T | Promise<T>,
  { timeoutMs, tooLate }: TimeLimit,
): Promise<T> {
  const { promise: givenUp, reject } = Promise.withResolvers<never>()
  const ending = new AbortController()
  const noticeMs = Math.max(0, timeoutMs - Math.min(longestGraceMs, timeoutMs * graceShare))
  const notice = setTimeout(() => ending.abort(), noticeMs)
  const end = setTimeout(() => reject(tooLate()), timeoutMs)
  if (noticeMs === 0) ending.abort()
  try {
    return await Promise.race([run(ending.signal, noticeMs), givenUp])
  } finally {
    clearTimeout(notice)
    clearTimeout(end)
  }
}

/** Part of its time in which it knows that the time is over, and how long that is at most. Guesses: enough to write answers. */
const graceShare = 0.1
const longestGraceMs = 500
