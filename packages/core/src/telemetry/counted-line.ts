/** A line of a log about something of which there may be many. */
export interface CountedLine {
  /** There were more. @defaultValue 1 */
  add(count?: number): void
  /** Nothing more is to come: tells of what was not told yet. */
  close(): void
}

/**
 * Tells of what happens at once, and then at most once a minute with how many there were since. What came after the last time is
 * told when the line is closed.
 *
 * @param tell Writes the line; the count is at least 1.
 */
export function countedLine(tell: (count: number) => void): CountedLine {
  let untoldCount = 0
  let toldAt = Number.NEGATIVE_INFINITY
  const close = () => {
    if (untoldCount === 0) return
    const count = untoldCount
    untoldCount = 0
    toldAt = performance.now()
    tell(count)
  }
  const add = (count = 1) => {
    untoldCount += count
    if (performance.now() - toldAt >= intervalMs) close()
  }
  return { add, close }
}

/** A guess: seldom enough for who reads the log, whatever callers do. */
const intervalMs = 60_000
