import { isIP } from 'node:net'
import { toFound } from './given-value.ts'
import type { SetupProblem } from './setup-error.ts'

/** The least and the largest value. */
export interface OptionRange {
  readonly min: number
  readonly max: number
}

/** What may be wrong with the options of one owner, as its user writes it: `grpcTransport`, `httpClient`. */
export interface OptionCheck {
  malformed(text: string): SetupProblem
  outOfRange(text: string): SetupProblem
  /** Names that are no option: each with the one that is probably meant. `where` is a path such as `tls`. */
  names(given: object, known: readonly string[], where?: string): readonly SetupProblem[]
  /** A whole number; what is left out is right. */
  integer(name: string, value: unknown, range: OptionRange): readonly SetupProblem[]
  /** `true` or `false`; what is left out is right. */
  boolean(name: string, value: unknown): readonly SetupProblem[]
  /** One of a few; what is left out is wrong. */
  choice(name: string, value: unknown, choices: readonly unknown[]): readonly SetupProblem[]
  /** A name or an address to listen at. */
  host(value: unknown): readonly SetupProblem[]
}

/** Says what is wrong with options, in sentences that begin with their owner. */
export function optionCheck(owner: string): OptionCheck {
  const malformed = (text: string): SetupProblem => ({ code: 'config.malformed', message: `${owner}: ${text}` })
  const outOfRange = (text: string): SetupProblem => ({ code: 'config.out_of_range', message: `${owner}: ${text}` })
  return Object.freeze({
    malformed,
    outOfRange,
    names: (given, known, where) => checkNames(where === undefined ? owner : `${owner}: ${where}`, given, known),
    integer(name, value, { min, max }) {
      if (value === undefined || (Number.isInteger(value) && Number(value) >= min && Number(value) <= max)) return []
      return [outOfRange(`${name} must be a whole number from ${min} to ${max}, found ${toFound(value)}`)]
    },
    boolean(name, value) {
      if (value === undefined || typeof value === 'boolean') return []
      return [malformed(`${name} must be true or false, found ${toFound(value)}`)]
    },
    choice(name, value, choices) {
      if (choices.includes(value)) return []
      return [malformed(`${name} must be one of ${choices.join(', ')}, found ${toFound(value)}`)]
    },
    host(value) {
      if (typeof value === 'string' && isHost(value)) return []
      return [malformed(`host must be a name or an address such as 127.0.0.1, found ${toFound(value)}`)]
    },
  } satisfies OptionCheck)
}

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

/** A colon, a slash or a blank belongs to a port, a URL or a slip of the finger. */
function isHost(value: string): boolean {
  return isIP(value) !== 0 || /^[^\s/:]+$/.test(value)
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
