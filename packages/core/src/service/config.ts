import { ConfigError, type SetupProblem } from '../error/setup-error.ts'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** One setting: which variable it comes from, and how its text is read. */
export interface ConfigReader<T> {
  readonly variable: string
  /** What the text must look like, for messages. */
  readonly expected: string
  /** What is used when the variable is not set; undefined with `isRequired` means it must be. */
  readonly fallback: T | undefined
  readonly isRequired: boolean
  /** The value, or undefined when the text cannot be read. */
  parse(text: string): T | undefined
}

/** The settings a service declares, by name. */
export type ConfigSpec = Readonly<Record<string, ConfigReader<unknown>>>

/** The values behind a `ConfigSpec`. */
export type SettingsOf<Config extends ConfigSpec> = {
  readonly [Name in keyof Config]: Config[Name] extends ConfigReader<infer T> ? T : never
}

export interface IntegerRange {
  readonly min?: number
  readonly max?: number
}

/** A TCP port, 0 for any free one. */
export function port(variable: string, fallback?: number): ConfigReader<number> {
  return integer(variable, fallback, { min: 0, max: 65_535 })
}

/** A whole number in a range. */
export function integer(variable: string, fallback?: number, range: IntegerRange = {}): ConfigReader<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = range
  return reader(variable, fallback, {
    expected: `a whole number from ${min} to ${max}`,
    parse: (text) => {
      const value = Number(text)
      return /^-?\d+$/.test(text) && value >= min && value <= max ? value : undefined
    },
  })
}

/** Text that must not be empty. */
export function text(variable: string, fallback?: string): ConfigReader<string> {
  return reader(variable, fallback, { expected: 'text', parse: (given) => (given === '' ? undefined : given) })
}

/** Text, or undefined when the variable is not set or empty. */
export function optional(variable: string): ConfigReader<string | undefined> {
  return Object.freeze({
    variable,
    expected: 'text',
    fallback: undefined,
    isRequired: false,
    parse: (given: string) => given,
  })
}

/** Texts separated by commas. */
export function list(variable: string, fallback?: readonly string[]): ConfigReader<readonly string[]> {
  return reader(variable, fallback, {
    expected: 'texts separated by commas',
    parse: (given) =>
      given
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
  })
}

/** `true` or `false`. */
export function flag(variable: string, fallback?: boolean): ConfigReader<boolean> {
  return reader(variable, fallback, {
    expected: 'true or false',
    parse: (given) => (given === 'true' ? true : given === 'false' ? false : undefined),
  })
}

/**
 * Reads all settings.
 *
 * @throws ConfigError `config.missing`, `config.malformed`; all problems at once.
 */
export function readConfig<Config extends ConfigSpec>(config: Config, environment: Environment): SettingsOf<Config> {
  const problems: SetupProblem[] = []
  const values = Object.entries<ConfigReader<unknown>>(config).map(([name, setting]) => [
    name,
    readSetting(name, { setting, environment, problems }),
  ])
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(Object.fromEntries(values)) as SettingsOf<Config>
}

interface Reading {
  readonly setting: ConfigReader<unknown>
  readonly environment: Environment
  readonly problems: SetupProblem[]
}

function readSetting(name: string, { setting, environment, problems }: Reading): unknown {
  const { variable, expected, fallback, isRequired } = setting
  const given = environment[variable]
  if (given === undefined || given === '') {
    if (isRequired && fallback === undefined)
      problems.push({
        code: 'config.missing',
        message: `${variable} (setting ${name}) is not set: expected ${expected}`,
      })
    return fallback
  }
  const value = parseSafely(setting, given)
  if (value === undefined)
    problems.push({
      code: 'config.malformed',
      message: `${variable} (setting ${name}): expected ${expected}, found "${given}"`,
    })
  return value
}

/** A reader of the user's own may throw; that too is text it cannot read. */
function parseSafely({ parse }: ConfigReader<unknown>, given: string): unknown {
  try {
    return parse(given)
  } catch {
    return undefined
  }
}

function reader<T>(
  variable: string,
  fallback: T | undefined,
  { expected, parse }: Pick<ConfigReader<T>, 'expected' | 'parse'>,
): ConfigReader<T> {
  return Object.freeze({ variable, expected, fallback, isRequired: true, parse })
}
