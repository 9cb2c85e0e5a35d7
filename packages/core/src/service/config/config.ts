import { ConfigError, type SetupProblem } from '../../error/setup-error.ts'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** One setting: which variable it comes from, and how its text is read. */
export interface ConfigReader<T> {
  /** Name of the environment variable, of the file in a mounted folder, and of the line in `.env`. */
  readonly variable: string
  /** What the text must look like, for messages. */
  readonly expected: string
  /** What is used when the variable is not set; undefined with `isRequired` means it must be. */
  readonly fallback: T | undefined
  readonly isRequired: boolean
  /** Whether the value is a `Secret`, so that no message and no description may show it. @defaultValue false */
  readonly isSecret?: boolean
  /** A value that fits, in whose place nothing real stands when a service is checked without its settings. */
  readonly example?: T | undefined
  /** Whether the text counts as not set. @defaultValue for empty text only */
  isBlank?(text: string): boolean
  /** The value, or undefined when the text cannot be read. */
  parse(text: string): T | undefined
}

/** The settings a service declares, by name. */
export type ConfigSpec = Readonly<Record<string, ConfigReader<unknown>>>

/** The values behind a `ConfigSpec`. */
export type SettingsOf<Config extends ConfigSpec> = {
  readonly [Name in keyof Config]: Config[Name] extends ConfigReader<infer T> ? T : never
}

/** Both ends belong to the range. */
export interface IntegerRange {
  readonly min?: number
  readonly max?: number
}

/**
 * A TCP port, 0 for any free one.
 *
 * @throws ConfigError `config.out_of_range` for a fallback that is no port, `config.malformed` for what is no variable's name.
 */
export function port(variable: string, fallback?: number): ConfigReader<number> {
  return integer(variable, fallback, { min: 0, max: 65_535 })
}

/**
 * A whole number in a range.
 *
 * @throws ConfigError `config.out_of_range` for a fallback outside the range, and for a range that holds no number;
 * `config.malformed` for what is no variable's name.
 */
export function integer(variable: string, fallback?: number, range: IntegerRange = {}): ConfigReader<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = range
  if (!(Number.isSafeInteger(min) && Number.isSafeInteger(max) && min <= max))
    throw outOfRange(
      `${variable}: expected a range of whole numbers whose min is not above its max, found ${min}–${max}`,
    )
  return reader(variable, fallback, {
    expected: `a whole number from ${min} to ${max}`,
    example: Math.min(Math.max(0, min), max),
    accepts: (value) => Number.isSafeInteger(value) && value >= min && value <= max,
    parse: (given) => {
      const value = Number(given)
      return /^-?\d+$/.test(given) && value >= min && value <= max ? value : undefined
    },
  })
}

/**
 * Text that must not be empty.
 *
 * @throws ConfigError `config.out_of_range` for an empty fallback, `config.malformed` for what is no variable's name.
 */
export function text(variable: string, fallback?: string): ConfigReader<string> {
  return reader(variable, fallback, {
    expected: 'text',
    example: 'example',
    accepts: (value) => typeof value === 'string' && value !== '',
    parse: (given) => (given === '' ? undefined : given),
  })
}

/**
 * Text, or undefined when the variable is not set or empty.
 *
 * @throws ConfigError `config.malformed` for what is no variable's name.
 */
export function optional(variable: string): ConfigReader<string | undefined> {
  requireVariable(variable)
  return Object.freeze({
    variable,
    expected: 'text',
    fallback: undefined,
    isRequired: false,
    parse: (given: string) => given,
  })
}

/**
 * Texts separated by commas. Nothing but commas and blanks counts as not set.
 *
 * @throws ConfigError `config.out_of_range` for a fallback that holds an empty text, `config.malformed` for what is no
 * variable's name.
 */
export function list(variable: string, fallback?: readonly string[]): ConfigReader<readonly string[]> {
  const parse = (given: string): readonly string[] =>
    Object.freeze(
      given
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
  return reader(variable, fallback && Object.freeze([...fallback]), {
    expected: 'texts separated by commas',
    example: Object.freeze(['example']),
    accepts: (value) => value.every((part) => typeof part === 'string' && part.trim() !== ''),
    isBlank: (given) => parse(given).length === 0,
    parse,
  })
}

/**
 * `true` or `false`.
 *
 * @throws ConfigError `config.out_of_range` for a fallback that is neither, `config.malformed` for what is no variable's name.
 */
export function flag(variable: string, fallback?: boolean): ConfigReader<boolean> {
  return reader(variable, fallback, {
    expected: 'true or false',
    example: false,
    accepts: (value) => typeof value === 'boolean',
    parse: (given) => (given === 'true' ? true : given === 'false' ? false : undefined),
  })
}

/** Whether a name may be one of a variable; one with a slash would lead out of a mounted folder. */
export function isVariableName(name: string): boolean {
  return variableForm.test(name)
}

interface Reading<T> extends Pick<ConfigReader<T>, 'expected' | 'example' | 'isBlank' | 'parse'> {
  /** Whether a value of the right type, such as a fallback, is one that text could have given. */
  accepts(value: T): boolean
}

function reader<T>(variable: string, fallback: T | undefined, { accepts, ...how }: Reading<T>): ConfigReader<T> {
  requireVariable(variable)
  if (fallback !== undefined && !accepts(fallback))
    throw outOfRange(`${variable}: the fallback must be ${how.expected}, found ${show(fallback)}`)
  return Object.freeze({ variable, fallback, isRequired: true, ...how })
}

/** @see Kubernetes, names of environment variables and keys of a ConfigMap: letters, digits, "-", "_" and "." */
const variableForm = /^[A-Za-z_][A-Za-z0-9_.-]*$/

function requireVariable(variable: string): void {
  if (isVariableName(variable)) return
  const message = `expected the name of an environment variable such as HTTP_PORT, found ${JSON.stringify(variable)}`
  throw new ConfigError([{ code: 'config.malformed', message }])
}

function outOfRange(message: string): ConfigError {
  const problem: SetupProblem = { code: 'config.out_of_range', message }
  return new ConfigError([problem])
}

/** JSON has no words for NaN and Infinity. */
function show(value: unknown): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value)
}
