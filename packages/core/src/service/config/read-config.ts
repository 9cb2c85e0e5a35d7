import type { SetupProblem } from '../../error/setup-error.ts'
import type { ConfigReader, ConfigSpec, Environment } from './config.ts'
import { hiddenText, toSecret } from './secret.ts'

/** The variables to read from, and where each came from unless it was the environment. */
export interface ReadableVariables {
  readonly environment: Environment
  readonly origins?: ReadonlyMap<string, string>
  /** Values by name of the setting, which count before any variable. */
  readonly given?: Readonly<Record<string, unknown>>
}

/** What came of reading one setting. */
export interface SettingReading {
  /** Its reader's example, if there is one, where it is refused. */
  readonly value: unknown
  /** What it was read from; undefined where nothing is set. */
  readonly text: string | undefined
  readonly refusal?: SettingRefusal
}

/** Why a setting has no value. Shows no secret. */
export interface SettingRefusal {
  readonly variable: string
  readonly setting: string
  readonly expected: string
  /** As a message shows it; undefined where nothing is set. */
  readonly found: string | undefined
  /** Where it was found, unless that was the environment. */
  readonly origin: string | undefined
}

/** Reads all settings, each by itself, by their names. */
export function readConfig(config: ConfigSpec, variables: ReadableVariables): ReadonlyMap<string, SettingReading> {
  return new Map(Object.entries(config).map(([name, setting]) => [name, readSetting(name, setting, variables)]))
}

/** What is wrong, of all settings. */
export function refusalsOf(readings: ReadonlyMap<string, SettingReading>): readonly SettingRefusal[] {
  return [...readings.values()].flatMap(({ refusal }) => refusal ?? [])
}

/** `config.missing` or `config.malformed`: what a refusal is at the start of a service. */
export function toProblem({ variable, setting, expected, found, origin }: SettingRefusal): SetupProblem {
  const named = `${variable} (setting ${setting})`
  if (found === undefined) return { code: 'config.missing', message: `${named} is not set: expected ${expected}` }
  const where = origin === undefined ? '' : ` in ${origin}`
  return { code: 'config.malformed', message: `${named}: expected ${expected}, found ${found}${where}` }
}

/** `config.malformed` for values of settings that are not declared. */
export function unknownNames(
  config: ConfigSpec,
  given: Readonly<Record<string, unknown>> = {},
): readonly SetupProblem[] {
  const known = Object.keys(config).join(', ') || 'none'
  return Object.keys(given)
    .filter((name) => !Object.hasOwn(config, name))
    .map((name) => ({
      code: 'config.malformed',
      message: `settings: expected names of the service's settings (${known}), found ${name}`,
    }))
}

function readSetting(
  setting: string,
  reader: ConfigReader<unknown>,
  { environment, origins, given: values = {} }: ReadableVariables,
): SettingReading {
  const isSecret = reader.isSecret === true
  if (Object.hasOwn(values, setting)) {
    const value = values[setting]
    return { value: isSecret ? toSecret(value) : value, text: undefined }
  }
  const { variable, expected, fallback, isRequired, example } = reader
  const given = environment[variable]
  if (given === undefined || isBlank(reader, given)) {
    if (!isRequired || fallback !== undefined) return { value: fallback, text: undefined }
    const refusal = { variable, setting, expected, found: undefined, origin: undefined }
    return { value: example, text: undefined, refusal }
  }
  const value = parseSafely(reader, given)
  if (value !== undefined) return { value, text: given }
  const found = isSecret ? hiddenText : shorten(given)
  return {
    value: example,
    text: given,
    refusal: { variable, setting, expected, found, origin: origins?.get(variable) },
  }
}

function isBlank(setting: ConfigReader<unknown>, given: string): boolean {
  return given === '' || setting.isBlank?.(given) === true
}

/** A reader of the user's own may throw; that too is text it cannot read. */
function parseSafely(setting: ConfigReader<unknown>, given: string): unknown {
  try {
    return setting.parse(given)
  } catch {
    return undefined
  }
}

/** A guess: enough to see which text it is. */
const longestShownCharacters = 80

function shorten(given: string): string {
  const isLong = given.length > longestShownCharacters
  return JSON.stringify(isLong ? `${given.slice(0, longestShownCharacters)}…` : given)
}
