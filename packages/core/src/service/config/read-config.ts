import type { SetupProblem } from '../../error/setup-error.ts'
import type { ConfigReader, ConfigSpec, Environment, SettingsOf } from './config.ts'
import { hiddenText, toSecret } from './secret.ts'

/** What came of reading settings. */
export interface ConfigReading<Config extends ConfigSpec> {
  /** Frozen. A setting with a problem has its reader's example, if there is one, so that the rest can be looked at. */
  readonly values: SettingsOf<Config>
  readonly problems: readonly SetupProblem[]
}

/** The variables to read from, and the file that each came from where it was one. */
export interface ReadableVariables {
  readonly environment: Environment
  readonly origins?: ReadonlyMap<string, string>
  /** Values by name of the setting, which count before any variable. */
  readonly given?: Readonly<Record<string, unknown>>
}

/** Reads all settings: `config.missing`, `config.malformed`, all problems at once. */
export function readConfig<Config extends ConfigSpec>(
  config: Config,
  variables: ReadableVariables,
): ConfigReading<Config> {
  const problems: SetupProblem[] = [...unknownNames(config, variables.given ?? {})]
  const values = Object.entries<ConfigReader<unknown>>(config).map(([name, setting]) => {
    const { value, problem } = readSetting(name, setting, variables)
    if (problem) problems.push(problem)
    return [name, value]
  })
  return { values: Object.freeze(Object.fromEntries(values)) as SettingsOf<Config>, problems }
}

interface SettingReading {
  readonly value: unknown
  readonly problem?: SetupProblem
}

function readSetting(
  name: string,
  setting: ConfigReader<unknown>,
  { environment, origins, given: values = {} }: ReadableVariables,
): SettingReading {
  if (Object.hasOwn(values, name)) return { value: setting.isSecret === true ? toSecret(values[name]) : values[name] }
  const { variable, expected, fallback, isRequired, example } = setting
  const given = environment[variable]
  if (given === undefined || isBlank(setting, given)) {
    if (!isRequired || fallback !== undefined) return { value: fallback }
    const message = `${variable} (setting ${name}) is not set: expected ${expected}`
    return { value: example, problem: { code: 'config.missing', message } }
  }
  const value = parseSafely(setting, given)
  if (value !== undefined) return { value }
  const origin = origins?.get(variable)
  const where = origin === undefined ? '' : ` in ${origin}`
  const found = setting.isSecret === true ? hiddenText : shorten(given)
  const message = `${variable} (setting ${name}): expected ${expected}, found ${found}${where}`
  return { value: example, problem: { code: 'config.malformed', message } }
}

function unknownNames(config: ConfigSpec, given: Readonly<Record<string, unknown>>): readonly SetupProblem[] {
  const known = Object.keys(config).join(', ') || 'none'
  return Object.keys(given)
    .filter((name) => !Object.hasOwn(config, name))
    .map((name) => ({
      code: 'config.malformed',
      message: `settings: expected names of the service's settings (${known}), found ${name}`,
    }))
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
