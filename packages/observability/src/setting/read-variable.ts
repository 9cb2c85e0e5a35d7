import type { Environment, SetupProblem } from '@tenon/core'

/** Reads variables, and notes what is wrong with them. An empty one is as if it were not set. */
export class VariableReader {
  readonly problems: SetupProblem[] = []
  readonly #environment: Environment

  constructor(environment: Environment) {
    this.#environment = environment
  }

  /** The first of some variables that is set. */
  text(...names: readonly string[]): string | undefined {
    return this.#find(names)?.value
  }

  /** A whole number in the place of the given one. */
  integer(given: number, least: number, ...names: readonly string[]): number {
    const found = this.#find(names)
    if (found === undefined) return given
    const value = Number(found.value)
    if (Number.isSafeInteger(value) && value >= least) return value
    this.#refuse(found, `a whole number of ${least} or more`)
    return given
  }

  /** A number from 0 to 1 in the place of the given one. */
  ratio(given: number, name: string): number {
    const found = this.#find([name])
    if (found === undefined) return given
    const value = Number(found.value)
    if (value >= 0 && value <= 1) return value
    this.#refuse(found, 'a number from 0 to 1')
    return given
  }

  /** One of a few in the place of the given one. */
  choice<Choice extends string>(given: Choice, choices: readonly Choice[], ...names: readonly string[]): Choice {
    const found = this.#find(names)
    if (found === undefined) return given
    const choice = choices.find((one) => one === found.value.toLowerCase())
    if (choice === undefined) this.#refuse(found, `one of ${choices.join(', ')}`)
    return choice ?? given
  }

  /** Some of a few in the place of the given ones. */
  choices<Choice extends string>(given: readonly Choice[], all: readonly Choice[], name: string): readonly Choice[] {
    const found = this.#find([name])
    if (found === undefined) return given
    const asked = found.value.split(',').map((one) => one.trim())
    if (asked.some((one) => !(all as readonly string[]).includes(one))) this.#refuse(found, `some of ${all.join(', ')}`)
    return all.filter((one) => asked.includes(one))
  }

  /** `true` and nothing else is true. @see OpenTelemetry, environment variables: Boolean values */
  flag(name: string): boolean {
    return this.text(name)?.toLowerCase() === 'true'
  }

  /**
   * Values by name, written `name=value,name=value`, values percent-encoded. What has no `=` is refused.
   *
   * @see W3C Baggage, header content
   */
  pairs(...names: readonly string[]): Readonly<Record<string, string>> | undefined {
    const found = this.#find(names)
    if (found === undefined) return undefined
    const pairs = found.value.split(',').filter((pair) => pair.trim() !== '')
    const read = pairs.map(toPair)
    // The values may be secrets.
    if (read.includes(undefined))
      this.problems.push(malformed(found.name, 'name=value,name=value, values percent-encoded'))
    return Object.fromEntries(read.flatMap((pair) => (pair ? [pair] : [])))
  }

  refuse(name: string, expected: string): void {
    const found = this.#find([name])
    if (found) this.#refuse(found, expected)
  }

  #find(names: readonly string[]): { readonly name: string; readonly value: string } | undefined {
    return names
      .flatMap((name) => ({ name, value: this.#environment[name]?.trim() ?? '' }))
      .find(({ value }) => value !== '')
  }

  #refuse({ name, value }: { readonly name: string; readonly value: string }, expected: string): void {
    this.problems.push(malformed(name, `${expected}, found ${JSON.stringify(value)}`))
  }
}

function malformed(name: string, expected: string): SetupProblem {
  return { code: 'config.malformed', message: `${name}: expected ${expected}` }
}

function toPair(text: string): readonly [string, string] | undefined {
  const at = text.indexOf('=')
  if (at < 1) return undefined
  try {
    return [decodeURIComponent(text.slice(0, at).trim()), decodeURIComponent(text.slice(at + 1).trim())]
  } catch {
    return undefined
  }
}
