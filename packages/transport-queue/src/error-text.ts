/**
 * What an error says, with what its causes and the errors that it gathers say, and without stacks and the credentials in addresses.
 * No longer than the count of characters.
 */
export function errorText(error: unknown, mostCharCount: number): string {
  const text = withoutCredentials(textsOf(error, mostDepth).join(': '))
  return text.length <= mostCharCount ? text : `${text.slice(0, mostCharCount - 1)}…`
}

/** How deep causes and gathered errors may lie, and how many of the gathered are told. Guesses. */
const mostDepth = 3
const mostGatheredCount = 3

/** What an error says itself, and what those say that it came of. */
function textsOf(error: unknown, depth: number): readonly string[] {
  if (error === undefined || depth === 0) return []
  const own = ownText(error)
  const gathered = gatheredIn(error).map((one) => textsOf(one, depth - 1).join(': '))
  const cause = error instanceof Error ? textsOf(error.cause, depth - 1) : []
  return [own, gathered.join('; '), ...cause].filter((text) => text !== '')
}

function ownText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function gatheredIn(error: unknown): readonly unknown[] {
  return error instanceof AggregateError ? error.errors.slice(0, mostGatheredCount) : []
}

/** Up to the last `@` of a word, for a password may hold anything but a space. Word by word, so that no text takes long. */
function withoutCredentials(text: string): string {
  return text.replace(/\S+/g, (word) => {
    const start = word.indexOf('//')
    const end = word.lastIndexOf('@')
    return start < 0 || end < start ? word : `${word.slice(0, start)}//***${word.slice(end)}`
  })
}
