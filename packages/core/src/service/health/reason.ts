/** Tells in words what was thrown, with what must not be seen hidden in them. */
export function compileReason(hide: (text: string) => string): (error: unknown) => string {
  return (error) => hide(reasonOf(error)).slice(0, longestReason)
}

/** A guess: enough for what a driver says. */
const longestReason = 500

/** What something thrown says of itself. One of several addresses that all failed says nothing, and its parts do. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.message !== '') return error.message
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  return 'code' in error ? String(error.code) : error.name
}
