import { parseArgs } from 'node:util'
import { UsageError } from './command.ts'

/** One option of a command, for the parser and for its help. */
export interface OptionSpec {
  readonly type: 'boolean' | 'string'
  /** Each time it is given counts: `texts()`. */
  readonly multiple?: boolean
  /** What stands for the value in the help: `<ms>`. */
  readonly value?: string
  /** One line. */
  readonly about: string
}

export type OptionTable = Readonly<Record<string, OptionSpec>>

/** What was written behind the name of a command. */
export class ParsedArguments {
  readonly positionals: readonly string[]
  readonly #values: Readonly<Record<string, unknown>>

  constructor(positionals: readonly string[], values: Readonly<Record<string, unknown>>) {
    this.positionals = positionals
    this.#values = values
  }

  isSet(name: string): boolean {
    return this.#values[name] === true
  }

  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  /** Of an option that may be given several times. */
  texts(name: string): readonly string[] {
    const values = this.#values[name]
    return Array.isArray(values) ? values.map(String) : []
  }

  /** @throws UsageError that names option and range */
  whole(name: string, { min, max, fallback }: { min: number; max: number; fallback: number }): number {
    const text = this.text(name)
    if (text === undefined) return fallback
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    throw new UsageError(`--${name}: expected a whole number from ${min} to ${max}, found ${JSON.stringify(text)}`)
  }

  /** @throws UsageError unless there is exactly one argument */
  only(what: string): string {
    const [first, second] = this.positionals
    if (first !== undefined && second === undefined) return first
    throw new UsageError(`expected one ${what}, found ${first === undefined ? 'none' : this.positionals.join(' ')}`)
  }
}

/** @throws UsageError for options that do not exist, and values that are missing */
export function parseArguments(args: readonly string[], options: OptionTable): ParsedArguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: Object.fromEntries(
        Object.entries(options).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
      ),
      allowPositionals: true,
    })
    return new ParsedArguments(positionals, values)
  } catch (error) {
    const known = Object.keys(options).map((name) => `--${name}`)
    const message = error instanceof Error ? error.message.split('. ')[0] : String(error)
    throw new UsageError(`${message}; the options are ${known.join(', ')}`, { cause: error })
  }
}
