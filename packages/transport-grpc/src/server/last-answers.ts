/**
 * How long answers may take to go out at the deadline of a drain: a twentieth of the time that the drain took, which is about half of what
 * the service still waits for it, so that what is cut then is told in time. At least 5 and at most 400 ms. Guesses.
 *
 * @param drainMs How long the drain took until its deadline.
 * @see packages/core/src/handler/time-limit.ts: the last tenth of a phase is for what is to be done when its time is over
 */
export function lastAnswersMs(drainMs: number): number {
  return Math.min(mostMs, Math.max(leastMs, Math.round(drainMs * ratio)))
}

const [ratio, leastMs, mostMs] = [0.05, 5, 400]
