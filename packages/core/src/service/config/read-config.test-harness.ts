import type { SetupProblem } from '../../error/setup-error.ts'
import type { ConfigSpec, SettingsOf } from './config.ts'
import { type ReadableVariables, readConfig, refusalsOf, toProblem } from './read-config.ts'

/** Settings, and what is wrong with them. */
export interface ReadSettings<Config extends ConfigSpec> {
  readonly values: SettingsOf<Config>
  readonly problems: readonly SetupProblem[]
}

/** Reads settings as a start does. */
export function readValues<Config extends ConfigSpec>(
  config: Config,
  variables: ReadableVariables,
): ReadSettings<Config> {
  const readings = readConfig(config, variables)
  const values = Object.fromEntries([...readings].map(([name, { value }]) => [name, value])) as SettingsOf<Config>
  return { values, problems: refusalsOf(readings).map(toProblem) }
}
