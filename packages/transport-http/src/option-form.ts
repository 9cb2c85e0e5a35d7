import type { SetupProblem } from '@tenon/core/transport'

/** Whose option it is, as its user writes it. */
export type OptionOwner = 'httpTransport' | 'httpClient'

export function toMalformed(owner: OptionOwner, text: string): SetupProblem {
  return { code: 'config.malformed', message: `${owner}: ${text}` }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The same, where what the value should be is to stay its type. */
export function isObject(value: unknown): boolean {
  return isRecord(value)
}

/** Segments of unreserved characters, at least one: anything else a client or a proxy may rewrite. */
export const servedPathForm = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/

/** What is wrong with the names of options: each that does not exist, with the one that is probably meant. */
export function checkNames(where: string, given: object, names: readonly string[]): readonly SetupProblem[] {
  const strays = Object.keys(given).filter((name) => !names.includes(name))
  return strays.map((name) => {
    const meant = nearest(name, names)
    const hint = meant === undefined ? '' : `, perhaps ${meant} is meant`
    const message = `${where}: "${name}" is no option${hint}; expected ${names.join(', ')}`
    return { code: 'config.malformed', message }
  })
}

/** What is wrong with an option that is `true` or `false`. */
export function checkBoolean(owner: OptionOwner, name: string, value: unknown): readonly SetupProblem[] {
  if (value === undefined || typeof value === 'boolean') return []
  return [toMalformed(owner, `${name} must be true or false, found ${toFound(value)}`)]
}

/** What is found where something else was expected; nothing of what an object holds, which may be a key. */
export function toFound(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'an object' : (JSON.stringify(value) ?? `a ${typeof value}`)
}

function nearest(name: string, names: readonly string[]): string | undefined {
  const lower = name.toLowerCase()
  const ranked = names
    .map((known) => ({ known, distance: distanceOf(lower, known.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance)
  // `bodyLimit` for `bodyLimitBytes` is a beginning, not a slip of the finger.
  const begun = names.find((known) => name.length > 2 && known.toLowerCase().startsWith(lower))
  const [first] = ranked
  return first !== undefined && first.distance <= Math.ceil(name.length / 3) ? first.known : begun
}

/** @see Levenshtein distance */
function distanceOf(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [index, character] of from.split('').entries()) {
    const next = [index + 1]
    for (let at = 1; at <= to.length; at += 1) {
      const replaced = (row[at - 1] ?? 0) + (character === to[at - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
