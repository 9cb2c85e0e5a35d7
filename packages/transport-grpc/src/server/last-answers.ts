/**
 * How long answers may take to go out at the deadline of a drain: half of what the service still waits for it, so that what is cut then
 * is told in time. Where that is not told, it is taken for a tenth of what the drain took. At least 5 and at most 400 ms. Guesses.
 *
 * @param drainMs How long the drain took until its deadline.
 * @param graceMs How long it is waited for after that.
 */
export function lastAnswersMs(drainMs: number, graceMs: number = drainMs / 10): number {
  return Math.min(mostMs, Math.max(leastMs, Math.round(graceMs / 2)))
}

const [leastMs, mostMs] = [5, 400]
