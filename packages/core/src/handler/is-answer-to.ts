/**
 * Whether something failed because the signal told it to give up: web APIs throw the reason, those of Node.js and the
 * `cancelled` of a call that was given the signal name it as cause, and who passes that on may wrap it. An `AbortError` of another signal
 * is none.
 */
export function isAnswerTo(signal: AbortSignal, thrown: unknown): boolean {
  if (!signal.aborted) return false
  const seen = new Set<unknown>()
  for (let one = thrown; !seen.has(one); one = one instanceof Error ? one.cause : undefined) {
    if (one === signal.reason) return true
    seen.add(one)
  }
  return false
}
